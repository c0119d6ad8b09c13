"""What a file of named arrays (HDF5, netCDF, Zarr) says of one of them: by the CF conventions, and by names in use."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from glmha_cli.io.cubes.formats.cf_place import place_of
from glmha_cli.io.cubes.formats.cf_values import said_of_values
from glmha_cli.io.cubes.formats.labelled import Arrays, Labelled, is_text, text_of
from glmha_cli.io.cubes.model import said_names

_BAND_AXES = ("wavelength", "wavelengths", "band", "bands", "wl", "lambda", "spectral", "channel", "channels")
_ROW_AXES = ("y", "lat", "latitude", "row", "rows", "line", "lines", "downtrack", "northing", "along_track")
_COLUMN_AXES = (
    "x",
    "lon",
    "longitude",
    "column",
    "columns",
    "sample",
    "samples",
    "crosstrack",
    "easting",
    "across_track",
)
_WAVELENGTHS = ("wavelength", "wavelengths", "wavelength_nm", "center_wavelength", "center_wavelengths", "wl")
_WIDTHS, _GOOD = ("fwhm", "fwhm_nm"), ("good_band", "good_wavelengths")
_OF_STRUCTURE = ("_NCProperties", "Conventions", "CLASS", "NAME")


def facts_of(name: str, arrays: Arrays, dimensions: Sequence[str], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """All of `Stored` but the values of the array `name`.

    dimensions: the names of its axes in lower case, "" where one has none. attributes: of the file as a whole.
    """
    array, folder = arrays[name], name.rpartition("/")[0]
    assert array is not None
    axes = _axes_of(dimensions)

    def along_bands(names: Sequence[str]) -> tuple[str, Labelled | None]:
        """The first list of numbers called so: beside the array, else anywhere in the file."""
        found = [(place, each) for place, each in arrays.items() if each is not None and len(each.shape) == 1]
        found = [(place, each) for place, each in found if each.shape[0] in array.shape and each.dtype.kind in "fiub"]
        found.sort(key=lambda pair: pair[0].rpartition("/")[0] != folder)
        fitting = (pair for pair in found if pair[0].rpartition("/")[2].lower() in names)
        return next(fitting, ("", None))

    where, wavelengths = along_bands(_WAVELENGTHS)
    (_, widths), (_, good) = along_bands(_WIDTHS), along_bands(_GOOD)
    said, meant = array.attributes, said_of_values(array)
    sides = [(dimensions[axes.index(axis)], array.shape[axes.index(axis)]) for axis in "hw"] if axes else []
    place, notes = place_of(said, folder, arrays, sides)
    return {
        "axes": axes or "hwb",
        "states_axes": axes is not None,
        "wavelengths": _listed(said, _WAVELENGTHS) if wavelengths is None else wavelengths.read().tolist(),
        "unit": _unit(said, "wavelength_units", "wavelength_unit")
        if wavelengths is None
        else _unit(wavelengths.attributes, "units", "unit") or ("nm" if where.endswith("_nm") else ""),
        "fwhm": [] if widths is None else widths.read().tolist(),
        "good_bands": [] if good is None else (good.read() != 0).tolist(),
        "band_names": _names(arrays.get("band_name")),
        "georeference": place,
        "tags": tags_of(attributes),
        "band_tags": _band_tags(arrays.get("band_tags")),
        **meant | {"notes": (*meant["notes"], *notes)},
    }


def tags_of(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Of a file's attributes those of text, but for what describes its structure."""
    return {key: text_of(text) for key, text in attributes.items() if key not in _OF_STRUCTURE and is_text(text)}


def _axes_of(dimensions: Sequence[str]) -> str | None:
    """The order of axes that names of dimensions tell; None where they do not."""
    bands = [i for i, name in enumerate(dimensions) if name in _BAND_AXES]
    if len(bands) != 1 or len(dimensions) != 3:
        return None
    first, second = (name for i, name in enumerate(dimensions) if i != bands[0])
    rest = ["w", "h"] if first in _COLUMN_AXES and second in _ROW_AXES else ["h", "w"]
    rest.insert(bands[0], "b")
    return "".join(rest)


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
