"""Georeferences as tags of GeoTIFF."""

from collections.abc import Mapping

import numpy as np

from glmha_cli.io.cubes.georeference.by_rasterio import NEEDS_RASTERIO, tags_of, wkt_of_tags
from glmha_cli.io.cubes.model import Georeference, GeoTag, Transform
from glmha_cli.io.tiff_file import GEO_KEYS, GEOTIFF_TAGS, PIXEL_SCALE, TIE_POINTS, TRANSFORMATION

_RASTER_TYPE, _GEOGRAPHIC, _PROJECTED = 1025, 2048, 3072  # keys of GeoTIFF 1.1
_PIXEL_IS_POINT, _USER_DEFINED = 2, 32767


def from_geotiff(tags: tuple[GeoTag, ...]) -> Georeference | None:
    """Of the tags as stored, of GEOTIFF_TAGS those that there are; None if there are none."""
    if not tags:
        return None
    keys = _geo_keys(tags)
    code = keys.get(_PROJECTED) or keys.get(_GEOGRAPHIC)
    crs = f"EPSG:{code}" if code and code != _USER_DEFINED else wkt_of_tags(tags)
    untold = "of keys of its own" if code and not crs else ""
    return Georeference(crs=crs, untold=untold, transform=_geotiff_transform(tags, keys), geotiff=tags)


def _geo_keys(tags: tuple[GeoTag, ...]) -> dict[int, int]:
    """Keys whose value stands in the directory itself."""
    data = next((data for code, *_, data in tags if code == GEO_KEYS), b"")
    entries = np.frombuffer(data[: len(data) // 8 * 8], "<u2").reshape(-1, 4)[1:]
    return {int(key): int(value) for key, place, _, value in entries if place == 0}


def _geotiff_transform(tags: tuple[GeoTag, ...], keys: Mapping[int, int]) -> Transform | None:
    doubles = {code: np.frombuffer(data, "<f8").tolist() for code, kind, _, data in tags if kind == 12}
    if len(matrix := doubles.get(TRANSFORMATION, [])) == 16:
        dx, rx, x, dy, ry, y = matrix[0], matrix[1], matrix[3], matrix[4], matrix[5], matrix[7]
    elif len(ties := doubles.get(TIE_POINTS, [])) == 6 and len(scale := doubles.get(PIXEL_SCALE, [])) >= 2:
        (column, row, _, x, y, _), (dx, height) = ties, scale[:2]
        rx, dy, ry = 0.0, 0.0, -height
        x, y = x - column * dx, y + row * height
    else:
        return None
    half = 0.5 if keys.get(_RASTER_TYPE) == _PIXEL_IS_POINT else 0.0
    return (x - half * (dx + rx), dx, rx, y - half * (dy + ry), dy, ry)


def to_geotiff(place: Georeference) -> tuple[tuple[GeoTag, ...], str]:
    """(tags, what to say of losses)."""
    if place.geotiff:
        return place.geotiff, ""
    if place.transform is None and not place.crs:
        return (), "its georeference is no plain grid, and TIFF has no place for it as ENVI writes it: left out"
    tags = tags_of(place, GEOTIFF_TAGS)
    if tags is not None:
        return tags, "; ".join(place.lost_elsewhere())
    grid = () if place.transform is None else (_transformation(place.transform),)
    return grid, NEEDS_RASTERIO


def _transformation(transform: Transform) -> GeoTag:
    x, dx, rx, y, ry, dy = transform
    matrix = [dx, rx, 0, x, ry, dy, 0, y, 0, 0, 0, 0, 0, 0, 0, 1]
    return TRANSFORMATION, 12, 16, np.array(matrix, "<f8").tobytes()
