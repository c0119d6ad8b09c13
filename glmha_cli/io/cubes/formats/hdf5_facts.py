"""What an HDF5 or netCDF file says of one of its data sets: by the CF conventions, and by names that are in use."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glmha_cli.io.cubes.georeference.envi import from_envi
from glmha_cli.io.cubes.hdf5 import read_dataset
from glmha_cli.io.cubes.model import Georeference, as_transform, said_names

if TYPE_CHECKING:
    import h5py

Arrays = Mapping[str, "h5py.Dataset | None"]
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
_NODATA = ("_FillValue", "missing_value", "Data_Ignore_Value")
_ENVI_FIELDS = {"Map_Info": "map info", "Coordinate_System_String": "coordinate system string"}
_OF_STRUCTURE = ("_NCProperties", "Conventions", "CLASS", "NAME")


def facts_of(path: Path, file: "h5py.File", name: str, arrays: Arrays) -> dict[str, Any]:
    """All of `Stored` but the values of the data set `name`."""
    dataset = file[name]
    dimensions = [_dimension(dataset, i) for i in range(dataset.ndim)]
    axes = _axes_of(dimensions)
    folder = name.rpartition("/")[0]

    def along_bands(names: Sequence[str]) -> "h5py.Dataset | None":
        """The first list of numbers called so: beside the data set, else anywhere in the file."""
        found = [(place, each) for place, each in arrays.items() if each is not None and each.ndim == 1]
        found = [(place, each) for place, each in found if each.shape[0] in dataset.shape and each.dtype.kind in "fiub"]
        found.sort(key=lambda pair: pair[0].rpartition("/")[0] != folder)
        return next((each for place, each in found if place.rpartition("/")[2].lower() in names), None)

    wavelengths, widths, good = along_bands(_WAVELENGTHS), along_bands(_WIDTHS), along_bands(_GOOD)
    attributes = dataset.attrs
    return {
        "axes": axes or "hwb",
        "states_axes": axes is not None,
        "wavelengths": _listed(attributes, _WAVELENGTHS)
        if wavelengths is None
        else read_dataset(path, wavelengths).tolist(),
        "unit": _unit(attributes, "wavelength_units", "wavelength_unit")
        if wavelengths is None
        else _unit(wavelengths.attrs, "units", "unit") or _unit_by_name(wavelengths),
        "fwhm": [] if widths is None else read_dataset(path, widths).tolist(),
        "good_bands": [] if good is None else (read_dataset(path, good) != 0).tolist(),
        "band_names": _names(arrays.get("band_name"), path),
        "scale": _scale(attributes),
        "offset": _finite(_number(attributes.get("add_offset"))),
        "nodata": next((_number(attributes[name]) for name in _NODATA if name in attributes), None),
        "georeference": _georeference(dataset, arrays) or _map_info(arrays, path),
        "tags": tags_of(file),
        "band_tags": _band_tags(arrays.get("band_tags"), path),
    }


def tags_of(file: "h5py.File") -> dict[str, str]:
    """The file's attributes of text, but for what describes its structure."""
    return {key: _text(text) for key, text in file.attrs.items() if key not in _OF_STRUCTURE and _is_text(text)}


def _dimension(dataset: "h5py.Dataset", axis: int) -> str:
    """The name of an axis, in lower case; empty where it has none."""
    scales = dataset.dims[axis]
    return str(scales[0].name if len(scales) else scales.label).rpartition("/")[2].lower()


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


def _scale(attributes: Mapping[str, Any]) -> float | None:
    """CF's factor; NEON's `Scale_Factor` is what values were multiplied by before they were stored."""
    divisor = _finite(_number(attributes.get("Scale_Factor")))
    return 1 / divisor if divisor else _finite(_number(attributes.get("scale_factor")))


def _unit_by_name(wavelengths: "h5py.Dataset") -> str:
    return "nm" if str(wavelengths.name).endswith("_nm") else ""


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


def _names(dataset: "h5py.Dataset | None", path: Path) -> Sequence[str]:
    if dataset is None or dataset.ndim != 1 or dataset.dtype.kind not in "OS":
        return ()
    return said_names([_text(each) for each in read_dataset(path, dataset)])


def _band_tags(dataset: "h5py.Dataset | None", path: Path) -> dict[str, tuple[str, ...]]:
    if dataset is None or dataset.shape != ():
        return {}
    found = json.loads(_text(read_dataset(path, dataset)[()]))
    return {str(name): tuple(map(str, texts)) for name, texts in found.items()}


def _georeference(dataset: "h5py.Dataset", arrays: Arrays) -> Georeference | None:
    """Of the grid mapping: CF's crs_wkt, or GDAL's spatial_ref and GeoTransform."""
    mapping = arrays.get(_text(dataset.attrs.get("grid_mapping", "")))
    if mapping is None:
        return None
    crs = _text(mapping.attrs.get("crs_wkt", mapping.attrs.get("spatial_ref", "")))
    numbers = [float(each) for each in _text(mapping.attrs.get("GeoTransform", "")).split()]
    transform = as_transform(numbers)
    return Georeference(crs=crs, transform=transform) if crs or transform else None


def _map_info(arrays: Arrays, path: Path) -> Georeference | None:
    """Of NEON, which has ENVI's fields as data sets."""
    texts = {place.rpartition("/")[2]: each for place, each in arrays.items() if each is not None and each.shape == ()}
    fields = {
        field: f"{{{_text(read_dataset(path, texts[name])[()])}}}"
        for name, field in _ENVI_FIELDS.items()
        if name in texts
    }
    return from_envi(fields)
