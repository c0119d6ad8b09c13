"""Where the pixels of an array lie, by the CF conventions 1.10: a grid mapping (5.6) and coordinates (5), or NEON's."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from glmha_cli.io.cubes.formats.cf_axes import axis_told, beside
from glmha_cli.io.cubes.formats.cf_values import unpacked
from glmha_cli.io.cubes.formats.labelled import Arrays, Labelled, numbers_of, text_of
from glmha_cli.io.cubes.georeference.envi import from_envi
from glmha_cli.io.cubes.model import Georeference, Transform, as_transform
from glmha_cli.io.cubes.wavelengths import unit_of

_ENVI_FIELDS = {"Map_Info": "map info", "Coordinate_System_String": "coordinate system string"}
_ANGLES = ("lat", "latitude", "lon", "longitude")
_PLACES = ("y", "x", "northing", "easting", *_ANGLES)
"""Names of coordinates that tell a place; others count pixels."""
_GRID_MAPPINGS, _OF_GRID_MAPPINGS = ("spatial_ref", "crs"), {"crs_wkt", "spatial_ref", "GeoTransform"}
_SLACK_PX, _APART_PX = 0.01, 0.75
"""Coordinates may be so far from evenly spaced ones; and from a `GeoTransform`, which may be of corners or centres."""
_COUNTS = [(start, 1.0, start, 1.0) for start in (-0.5, 0.0, 0.5)]


def place_of(
    attributes: Mapping[str, Any], folder: str, arrays: Arrays, sides: Sequence[tuple[str, int]]
) -> tuple[Georeference | None, tuple[str, ...]]:
    """(the place of an array with these attributes, in a folder, notes on what is left out).

    sides: (name, length) of its rows and its columns; none where it is unknown which they are. Of the grid mapping
    count CF's `crs_wkt`, or GDAL's `spatial_ref` and `GeoTransform`.
    """
    mapping = _grid_mapping(attributes, folder, arrays)
    said: Mapping[str, Any] = {} if mapping is None else mapping.attributes
    crs = text_of(said.get("crs_wkt", said.get("spatial_ref", "")))
    notes = ["its coordinate system is not given as WKT: left out"] if said.get("grid_mapping_name") and not crs else []
    found = [(name, each) for name, length in sides if (each := _coordinate(name, length, folder, arrays))]
    transform, note = _transform(said.get("GeoTransform"), found, is_mapped=mapping is not None)
    notes += [note] if note else []
    place = Georeference(crs=crs, transform=transform) if crs or transform else _map_info(arrays)
    return place, (*notes, *(() if place else _of_single_pixels(arrays)))


def _grid_mapping(attributes: Mapping[str, Any], folder: str, arrays: Arrays) -> Labelled | None:
    """The one that the array names, or else one by a name of custom: computing with xarray costs an array its own."""
    named = text_of(attributes.get("grid_mapping", "")).partition(":")[0].strip()
    found = (beside(name, folder, arrays) for name in ([named] if named else _GRID_MAPPINGS))
    return next((each for each in found if each and (named or each.attributes.keys() & _OF_GRID_MAPPINGS)), None)


def _transform(
    stated: object, coordinates: Sequence[tuple[str, Labelled]], *, is_mapped: bool
) -> tuple[Transform | None, str]:
    """(the grid as GDAL's `GeoTransform` states it, or the coordinates, a note).

    A part of a file has coordinates of its own and the statement of the whole.
    """
    transform = as_transform(numbers_of(stated).astype(float).tolist())
    grid, note = _grid(coordinates, is_mapped=is_mapped)
    if transform is None:
        return grid, note
    if grid is None or transform[2] or transform[4] or not _are_apart(transform, grid, coordinates):
        return transform, ""
    return grid, "its GeoTransform is not the grid of its coordinates: left out, as of a part of a file"


# The grid by its coordinates


def _coordinate(dimension: str, length: int, folder: str, arrays: Arrays) -> Labelled | None:
    """A dimension's coordinate variable, if it tells a place."""
    array = beside(dimension, folder, arrays)
    if array is None or array.shape != (length,) or array.dtype.kind not in "fiu":
        return None
    return array if dimension in _PLACES or axis_told(array) in ("h", "w") else None


def _grid(coordinates: Sequence[tuple[str, Labelled]], *, is_mapped: bool) -> tuple[Transform | None, str]:
    """(the grid of the coordinates (name, array) of rows and columns, why there is none)."""
    if not coordinates:
        return None, ""
    what = f"its coordinates {' and '.join(name for name, _ in coordinates)}"
    if len(coordinates) == 1:
        return None, f"{what} are those of one side alone: left out"
    if not all(_is_measured(name, array, is_mapped) for name, array in coordinates):
        return None, f"{what} are not in metres or degrees: left out"
    down, right = (_spaced(array) for _, array in coordinates)
    if down is None or right is None:
        return None, f"{what} are not evenly spaced: left out"
    return (right[0], right[1], 0.0, down[0], 0.0, down[1]), ""


def _is_measured(name: str, array: Labelled, is_mapped: bool) -> bool:
    """Whether its numbers are metres or degrees: by its unit, or where it has none by the grid mapping or its name."""
    unit = _unit(array)
    return unit.lower().startswith("degree") or unit_of(unit) == "m" or (not unit and (is_mapped or name in _ANGLES))


def _spaced(array: Labelled) -> tuple[float, float] | None:
    """(edge of the first pixel, step) of the centres of pixels, half a pixel behind their edges; None unless they are
    evenly spaced, as far as their kind of number can say.
    """
    stored = unpacked(array)
    numbers = stored.astype(np.float64)
    if numbers.size < 2 or not np.isfinite(numbers).all():
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        step = float(numbers[-1] - numbers[0]) / (numbers.size - 1)
        off = np.abs(numbers[0] + step * np.arange(numbers.size) - numbers).max()
    is_even = step and np.isfinite(step) and off <= _SLACK_PX * abs(step) + _rounding(stored)
    return (float(numbers[0]) - step / 2, step) if is_even else None


def _are_apart(transform: Transform, grid: Transform, coordinates: Sequence[tuple[str, Labelled]]) -> bool:
    """Whether the coordinates, which are no mere counts of pixels, put the ends of rows or columns elsewhere."""
    (_, down), (_, right) = coordinates
    is_count = (grid[0], grid[1], grid[3], grid[5]) in _COUNTS and not (_unit(down) or _unit(right))
    return not is_count and (_is_off(transform[:2], grid[:2], right) or _is_off(transform[3::2], grid[3::2], down))


def _is_off(stated: Sequence[float], found: Sequence[float], array: Labelled) -> bool:
    """Whether (edge, step) as stated and as found from the array part by most of a pixel at its first or last one."""
    (start, step), (other, other_step) = stated, found
    off = (abs(start - other + (step - other_step) * at) for at in (0.5, array.shape[0] - 0.5))
    return max(off) > _APART_PX * abs(step) + _rounding(unpacked(array))


def _rounding(stored: np.ndarray) -> float:
    """How far its numbers may be off by their kind alone."""
    return float(np.finfo(stored.dtype).eps * np.abs(stored).max()) if stored.dtype.kind == "f" else 0.0


def _unit(array: Labelled) -> str:
    return text_of(array.attributes.get("units", ""))


# Places in other ways


def _map_info(arrays: Arrays) -> Georeference | None:
    """Of NEON, which has ENVI's fields as data sets."""
    texts = {place.rpartition("/")[2]: each for place, each in arrays.items() if each is not None and each.shape == ()}
    fields = {field: f"{{{text_of(texts[name].read()[()])}}}" for name, field in _ENVI_FIELDS.items() if name in texts}
    return from_envi(fields)


def _of_single_pixels(arrays: Arrays) -> tuple[str, ...]:
    found = [
        place
        for place, each in arrays.items()
        if each is not None and len(each.shape) == 2 and place.rpartition("/")[2].lower() in _ANGLES
    ]
    return (f"its places of single pixels ({', '.join(sorted(found))}) are left out",) if found else ()
