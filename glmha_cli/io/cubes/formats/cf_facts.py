"""What a file of named arrays (HDF5, netCDF, Zarr) says of one of them: by the CF conventions, and by names in use."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glmha_cli.io.cubes.georeference.envi import from_envi
from glmha_cli.io.cubes.model import Georeference, as_transform, said_names
from glmha_cli.io.cubes.variable import Variable


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """An array with what its file says of it. read: all its values, of a kind that may be text."""

    shape: tuple[int, ...]
    dtype: np.dtype
    attributes: Mapping[str, Any]
    read: Callable[[], np.ndarray]


def variable_of(array: Labelled | None) -> Variable:
    """To choose among arrays by; None is a link."""
    is_numeric = array is not None and array.dtype.kind in "fiub"
    return Variable(shape=() if array is None else array.shape, is_numeric=is_numeric, read=lambda: np.empty(0))


Arrays = Mapping[str, Labelled | None]
"""By their names with those of their groups; None: a link, which is not followed."""
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
_NODATA = ("_fillvalue", "missing_value", "data_ignore_value", "nodata", "no_data", "nodata_value", "no_data_value")
_ENVI_FIELDS = {"Map_Info": "map info", "Coordinate_System_String": "coordinate system string"}
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

    place, wavelengths = along_bands(_WAVELENGTHS)
    (_, widths), (_, good) = along_bands(_WIDTHS), along_bands(_GOOD)
    said = array.attributes
    return {
        "axes": axes or "hwb",
        "states_axes": axes is not None,
        "wavelengths": _listed(said, _WAVELENGTHS) if wavelengths is None else wavelengths.read().tolist(),
        "unit": _unit(said, "wavelength_units", "wavelength_unit")
        if wavelengths is None
        else _unit(wavelengths.attributes, "units", "unit") or ("nm" if place.endswith("_nm") else ""),
        "fwhm": [] if widths is None else widths.read().tolist(),
        "good_bands": [] if good is None else (good.read() != 0).tolist(),
        "band_names": _names(arrays.get("band_name")),
        "scale": _scale(said),
        "offset": _finite(_number(said.get("add_offset"))),
        "nodata": _nodata(said),
        "georeference": _georeference(said, folder, arrays) or _map_info(arrays),
        "tags": tags_of(attributes),
        "band_tags": _band_tags(arrays.get("band_tags")),
    }


def tags_of(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Of a file's attributes those of text, but for what describes its structure."""
    return {key: _text(text) for key, text in attributes.items() if key not in _OF_STRUCTURE and _is_text(text)}


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
    return next((_text(each) for name, each in attributes.items() if name.lower() in names), "")


def _nodata(attributes: Mapping[str, Any]) -> float | None:
    """In the order of the names, whatever their case."""
    said = {name.lower(): _number(value) for name, value in attributes.items()}
    return next((number for name in _NODATA if (number := said.get(name)) is not None), None)


def _scale(attributes: Mapping[str, Any]) -> float | None:
    """CF's factor; NEON's `Scale_Factor` is what values were multiplied by before they were stored."""
    divisor = _finite(_number(attributes.get("Scale_Factor")))
    return 1 / divisor if divisor else _finite(_number(attributes.get("scale_factor")))


def _is_text(value: object) -> bool:
    return isinstance(value, str | bytes) or (
        isinstance(value, np.ndarray) and value.dtype.kind in "SU" and value.size == 1
    )


def _text(value: object) -> str:
    value = value.ravel()[0] if isinstance(value, np.ndarray) and value.size == 1 else value
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _number(value: object) -> float | None:
    array = np.asarray(value) if value is not None else np.empty(0)
    return float(array.ravel()[0]) if array.size and array.dtype.kind in "fiu" else None


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None


def _names(array: Labelled | None) -> Sequence[str]:
    if array is None or len(array.shape) != 1 or array.dtype.kind not in "OS":
        return ()
    return said_names([_text(each) for each in array.read()])


def _band_tags(array: Labelled | None) -> dict[str, tuple[str, ...]]:
    if array is None or array.shape != ():
        return {}
    found = json.loads(_text(array.read()[()]))
    return {str(name): tuple(map(str, texts)) for name, texts in found.items()}


def _georeference(said: Mapping[str, Any], folder: str, arrays: Arrays) -> Georeference | None:
    """Of the grid mapping, beside the array or at the root: CF's crs_wkt, or GDAL's spatial_ref and GeoTransform."""
    name = _text(said.get("grid_mapping", ""))
    mapping = arrays.get(f"{folder}/{name}") or arrays.get(name)
    if mapping is None:
        return None
    crs = _text(mapping.attributes.get("crs_wkt", mapping.attributes.get("spatial_ref", "")))
    numbers = [float(each) for each in _text(mapping.attributes.get("GeoTransform", "")).split()]
    transform = as_transform(numbers)
    return Georeference(crs=crs, transform=transform) if crs or transform else None


def _map_info(arrays: Arrays) -> Georeference | None:
    """Of NEON, which has ENVI's fields as data sets."""
    texts = {place.rpartition("/")[2]: each for place, each in arrays.items() if each is not None and each.shape == ()}
    fields = {field: f"{{{_text(texts[name].read()[()])}}}" for name, field in _ENVI_FIELDS.items() if name in texts}
    return from_envi(fields)
