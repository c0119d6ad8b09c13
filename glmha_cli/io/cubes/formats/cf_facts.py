"""What a file of named arrays (HDF5, netCDF, Zarr) says of one of them: by the CF conventions, and by names in use."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from glmha_cli.io.cubes.formats.cf_axes import axes_of, axis_told
from glmha_cli.io.cubes.formats.cf_place import place_of
from glmha_cli.io.cubes.formats.cf_values import said_of_values, unpacked
from glmha_cli.io.cubes.formats.labelled import Arrays, Labelled, is_bare, is_text, text_of
from glmha_cli.io.cubes.wavelengths import as_written, in_unit, said_names

_WAVELENGTHS = ("wavelength", "wavelengths", "wavelength_nm", "center_wavelength", "center_wavelengths", "wl")
_WIDTHS, _GOOD = ("fwhm", "fwhm_nm"), ("good_band", "good_wavelengths")
_OF_STRUCTURE = ("_NCProperties", "Conventions", "CLASS", "NAME")


def facts_of(name: str, arrays: Arrays, dimensions: Sequence[str], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """All of `Stored` but the values of the array `name`.

    dimensions: the names of its axes in lower case, "" where one has none. attributes: of the file as a whole.
    """
    array, folder = arrays[name], name.rpartition("/")[0]
    assert array is not None
    axes = axes_of(dimensions, folder, arrays)

    lists = _lists(array, folder, arrays)
    by_axis = [dimensions[axes.index("b")]] if axes else []
    where, wavelengths = _first(
        (place, each) for place, each in lists if _is_called(place, _WAVELENGTHS) or _is_spectral(place, each, by_axis)
    )
    (_, widths), (_, good) = (_first(pair for pair in lists if _is_called(pair[0], of)) for of in (_WIDTHS, _GOOD))
    said, meant = array.attributes, said_of_values(array)
    unit = (
        _unit(said, "wavelength_units", "wavelength_unit")
        if wavelengths is None
        else _unit(wavelengths.attributes, "units", "unit") or ("nm" if where.endswith("_nm") else "")
    )
    sides = [(dimensions[axes.index(axis)], array.shape[axes.index(axis)]) for axis in "hw"] if axes else []
    place, notes = place_of(said, folder, arrays, sides)
    return {
        "axes": axes or "hwb",
        "states_axes": axes is not None,
        "wavelengths": _listed(said, _WAVELENGTHS) if wavelengths is None else as_written(unpacked(wavelengths)),
        "unit": unit,
        "value_units": text_of(said.get("units", "")).strip(),
        "fwhm": [] if widths is None else in_unit(unpacked(widths), _unit(widths.attributes, "units", "unit"), unit),
        "good_bands": [] if good is None else (good.read() != 0).tolist(),
        "band_names": _names(arrays.get("band_name")),
        "georeference": place,
        "tags": tags_of(attributes),
        "band_tags": _band_tags(arrays.get("band_tags")),
        **meant | {"notes": (*meant["notes"], *notes)},
    }


def _lists(array: Labelled, folder: str, arrays: Arrays) -> list[tuple[str, Labelled]]:
    """(name, array) of the lists of numbers that are as long as a side of the array, those beside it first."""
    numeric = [(place, each) for place, each in arrays.items() if each is not None and each.dtype.kind in "fiub"]
    found = [(place, each) for place, each in numeric if len(each.shape) == 1 and not is_bare(each)]
    found = [(place, each) for place, each in found if each.shape[0] in array.shape]
    return sorted(found, key=lambda pair: pair[0].rpartition("/")[0] != folder)


def _first(found: Iterator[tuple[str, Labelled]]) -> tuple[str, Labelled | None]:
    return next(found, ("", None))


def _is_called(place: str, names: Collection[str]) -> bool:
    return place.rpartition("/")[2].lower() in names


def _is_spectral(place: str, array: Labelled, dimensions: Collection[str]) -> bool:
    """Whether the attributes say that an array holds wavelengths; of a unit alone, the coordinate of a dimension."""
    return axis_told(array) == "b" and ("standard_name" in array.attributes or _is_called(place, dimensions))


def tags_of(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Of a file's attributes those of text, but for what describes its structure."""
    return {key: text_of(text) for key, text in attributes.items() if key not in _OF_STRUCTURE and is_text(text)}


def _listed(attributes: Mapping[str, Any], names: Sequence[str]) -> list[float]:
    """Wavelengths as an attribute of the data set."""
    found = (np.asarray(each) for name, each in attributes.items() if name.lower() in names)
    return next((each.astype(float).tolist() for each in found if each.ndim == 1 and each.dtype.kind in "fiu"), [])


def _unit(attributes: Mapping[str, Any], *names: str) -> str:
    return next((text_of(each) for name, each in attributes.items() if name.lower() in names), "")


def _names(array: Labelled | None) -> Sequence[str]:
    if array is None or len(array.shape) != 1 or array.dtype.kind not in "OS":
        return ()
    return said_names([text_of(each) for each in array.read()])


def _band_tags(array: Labelled | None) -> dict[str, tuple[str, ...]]:
    if array is None or array.shape != ():
        return {}
    found = json.loads(text_of(array.read()[()]))
    return {str(name): tuple(map(str, texts)) for name, texts in found.items()}
