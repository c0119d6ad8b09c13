"""Which axis of an array is which, by the CF conventions 1.10 (section 4) and by names in use.

CF tells a coordinate by its `standard_name`, its `axis`, or its unit: degrees east are longitudes. Nanometres and
micrometres are of wavelengths, or of places under a microscope: they tell what nothing else does.
"""

from collections.abc import Sequence

from glmha_cli.io.cubes.formats.labelled import Arrays, Labelled, is_bare, text_of
from glmha_cli.io.cubes.wavelengths import unit_of

_NAMES = {
    "b": (
        "wavelength", "wavelengths", "band", "bands", "wl", "lambda", "spectral", "channel", "channels", "nbands",
        "number_of_bands",
    ),
    "h": (
        "y", "lat", "latitude", "row", "rows", "line", "lines", "downtrack", "northing", "along_track", "height", "ny",
        "nrows", "nlines", "number_of_lines", "scan", "scans", "number_of_scans",
    ),
    "w": (
        "x", "lon", "longitude", "column", "columns", "sample", "samples", "crosstrack", "easting", "across_track",
        "width", "nx", "ncols", "ncolumns", "nsamples", "col", "cols", "pixel", "pixels", "pixels_per_line",
        "ccd_pixels",
    ),
}  # fmt: skip
"""Axis -> names of dimensions in lower case."""
_STANDARD_NAMES = {
    "radiation_wavelength": "b",
    "sensor_band_central_radiation_wavelength": "b",
    "projection_y_coordinate": "h",
    "latitude": "h",
    "projection_x_coordinate": "w",
    "longitude": "w",
}
_UNITS = {"h": ("degrees_north", "degree_north"), "w": ("degrees_east", "degree_east")}


def axis_told(coordinate: Labelled) -> str:
    """The axis that a coordinate is of, as its attributes say beyond doubt: h, w or b; empty where they do not."""
    name, axis, unit = (text_of(coordinate.attributes.get(key, "")) for key in ("standard_name", "axis", "units"))
    if name in _STANDARD_NAMES:
        return _STANDARD_NAMES[name]
    by_unit = (each for each, units in _UNITS.items() if unit.lower() in units)
    return next(by_unit, {"Y": "h", "X": "w"}.get(axis.upper(), ""))


def may_be_wavelengths(coordinate: Labelled) -> bool:
    """Whether its unit is one that wavelengths are given in."""
    return unit_of(text_of(coordinate.attributes.get("units", ""))) in ("nm", "um")


def axes_of(dimensions: Sequence[str], folder: str, arrays: Arrays) -> str | None:
    """The order of axes that three dimensions tell, by their coordinates or their names; None where they do not."""
    found = [_axis_of(name, folder, arrays) for name in dimensions]
    known = [axis for axis in found if axis]
    if len(dimensions) != 3 or len(set(known)) < max(len(known), 1) or known in (["h"], ["w"]):
        return None
    rest = iter([axis for axis in "hwb" if axis not in known])
    return "".join(axis or next(rest) for axis in found)


def _axis_of(dimension: str, folder: str, arrays: Arrays) -> str:
    coordinate = beside(dimension, folder, arrays)
    coordinate = None if coordinate is None or len(coordinate.shape) != 1 else coordinate
    told = axis_told(coordinate) if coordinate else ""
    named = next((axis for axis, names in _NAMES.items() if dimension in names), "")
    return told or named or ("b" if coordinate and may_be_wavelengths(coordinate) else "")


def beside(name: str, folder: str, arrays: Arrays) -> Labelled | None:
    """The array of this name in the folder, or else at the root, in upper or lower case; none for a bare dimension."""
    found = {place.lower(): each for place, each in arrays.items() if each is not None and name and not is_bare(each)}
    return found.get(f"{folder}/{name}".lower().lstrip("/")) or found.get(name.lower())
