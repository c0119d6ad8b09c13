"""What a file of named arrays (HDF5, netCDF, Zarr) says of one of them: by the CF conventions, and by names in use."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from glmha_cli.io.cubes.formats.cf_axes import axes_of
from glmha_cli.io.cubes.formats.cf_bands import WAVELENGTH_UNITS, said_of_bands
from glmha_cli.io.cubes.formats.cf_place import place_of
from glmha_cli.io.cubes.formats.cf_values import said_of_values
from glmha_cli.io.cubes.formats.labelled import Arrays, Labelled, is_text, numbers_of, text_attribute, text_of

_OF_STRUCTURE = ("_NCProperties", "Conventions", "CLASS", "NAME")


def facts_of(name: str, arrays: Arrays, dimensions: Sequence[str], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """All of `Stored` but the values of the array `name`.

    dimensions: the names of its axes in lower case, "" where one has none. attributes: of the file as a whole.
    """
    array, folder = arrays[name], name.rpartition("/")[0]
    assert array is not None
    axes = axes_of(dimensions, folder, arrays)
    said, meant = array.attributes, said_of_values(array)
    sides = [(dimensions[axes.index(axis)], array.shape[axes.index(axis)]) for axis in "hw"] if axes else []
    place, notes = place_of(said, folder, arrays, sides)
    of_bands = said_of_bands(name, arrays, dimensions[axes.index("b")] if axes else "", attributes)
    return {
        "axes": axes or "hwb",
        "states_axes": axes is not None,
        "value_units": text_attribute(said, "units").strip(),
        "georeference": place,
        "tags": tags_of(attributes),
        "band_tags": _band_tags(arrays.get("band_tags")),
        **of_bands,
        **meant,
        "notes": (*meant["notes"], *of_bands["notes"], *notes),
    }


def tags_of(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Of a file's attributes those of one text or number, but for what describes its structure or its wavelengths."""
    said = {
        key: each
        for key, each in attributes.items()
        if key not in _OF_STRUCTURE and key.lower() not in WAVELENGTH_UNITS
    }
    return {key: text_of(each) for key, each in said.items() if is_text(each) or numbers_of(each).size == 1}


def _band_tags(array: Labelled | None) -> dict[str, tuple[str, ...]]:
    if array is None or array.shape != ():
        return {}
    found = json.loads(text_of(array.read()[()]))
    return {str(name): tuple(map(str, texts)) for name, texts in found.items()}
