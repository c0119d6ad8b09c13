"""Georeferences from and to GeoTIFF tags and ENVI fields; rasterio, where it is installed, knows what they mean.

What a file had goes back into a file of its format unchanged. For another format it is translated: UTM zones and codes
of EPSG by themselves, all else by rasterio (the extra `geo`).
"""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from glmha_cli.io.cubes.model import Georeference

ENVI_FIELDS = (
    "map info",
    "projection info",
    "coordinate system string",
    "geo points",
    "rpc info",
    "x start",
    "y start",
)
PIXEL_SCALE, TIE_POINTS, TRANSFORMATION, GEO_KEYS, RPC = 33550, 33922, 34264, 34735, 50844
GEOTIFF_TAGS = (PIXEL_SCALE, TIE_POINTS, 33920, TRANSFORMATION, GEO_KEYS, 34736, 34737, RPC)
_RASTER_TYPE, _GEOGRAPHIC, _PROJECTED = 1025, 2048, 3072  # keys of GeoTIFF 1.1
_PIXEL_IS_POINT, _USER_DEFINED = 2, 32767
NEEDS_RASTERIO = "its georeference needs rasterio to be translated: left out (pip install 'glmha[geo]')"
_ARBITRARY = "Arbitrary"
Transform = tuple[float, float, float, float, float, float]


# From files


def from_envi(fields: Mapping[str, str]) -> Georeference | None:
    """Of the fields of a header; None where none of them is about a place."""
    kept = {name: fields[name] for name in ENVI_FIELDS if name in fields}
    if not kept.keys() - {"x start", "y start"}:
        return None
    items = [item.strip() for item in kept.get("map info", "").strip("{}").split(",")]
    return Georeference(crs=_envi_crs(kept, items), transform=_envi_transform(items), envi=kept)


def _envi_crs(fields: Mapping[str, str], map_info: list[str]) -> str:
    wkt = fields.get("coordinate system string", "").strip().removeprefix("{").removesuffix("}").strip()
    if wkt:
        return wkt
    datum = "".join(map_info[-4:]).replace("-", "").replace(" ", "").upper()
    if map_info[0].upper() == "UTM" and "WGS84" in datum and len(map_info) > 8 and map_info[7].isdigit():
        return f"EPSG:{(32600 if map_info[8].lower().startswith('n') else 32700) + int(map_info[7])}"
    return "EPSG:4326" if map_info[0].lower().startswith("geographic") and "WGS84" in datum else ""


def _envi_transform(map_info: list[str]) -> Transform | None:
    """Of {projection, column, row, x, y, width, height of a pixel, …}, pixels counted from 1; None if it is turned."""
    try:
        column, row, x, y, dx, dy = map(float, map_info[1:7])
    except ValueError:
        return None
    turned = [item for item in map_info if item.lower().startswith("rotation") and float(item.split("=")[1])]
    return None if turned else (x - (column - 1) * dx, dx, 0.0, y + (row - 1) * dy, 0.0, -dy)


def from_geotiff(tags: tuple[tuple[int, int, int, bytes], ...]) -> Georeference | None:
    """Of the tags as stored, of GEOTIFF_TAGS those that there are; None if there are none."""
    if not tags:
        return None
    keys = _geo_keys(tags)
    code = keys.get(_PROJECTED) or keys.get(_GEOGRAPHIC)
    crs = f"EPSG:{code}" if code and code != _USER_DEFINED else _wkt_by_rasterio(tags)
    return Georeference(crs=crs, transform=_geotiff_transform(tags, keys), geotiff=tags)


def _geo_keys(tags: tuple[tuple[int, int, int, bytes], ...]) -> dict[int, int]:
    """Keys whose value stands in the directory itself."""
    data = next((data for code, *_, data in tags if code == GEO_KEYS), b"")
    entries = np.frombuffer(data[: len(data) // 8 * 8], "<u2").reshape(-1, 4)[1:]
    return {int(key): int(value) for key, place, _, value in entries if place == 0}


def _geotiff_transform(tags: tuple[tuple[int, int, int, bytes], ...], keys: Mapping[int, int]) -> Transform | None:
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


# To files


def to_envi(place: Georeference) -> tuple[dict[str, str], str]:
    """(fields of a header, what to say of losses)."""
    if place.envi:
        return dict(place.envi), ""
    if place.transform is None:
        return {}, "its georeference is no plain grid, which ENVI cannot say: left out"
    x, dx, rx, y, ry, dy = place.transform
    if rx or ry or dy > 0:
        return {}, "its georeference is turned, which is not written into ENVI headers: left out"
    projection, *rest = _map_projection(place.crs)
    grid = (f"{number:.17g}" for number in (1, 1, x, y, dx, -dy))
    fields = {"map info": f"{{{', '.join([projection, *grid, *rest])}}}"}
    wkt = _esri_wkt(place.crs)
    note = NEEDS_RASTERIO if place.crs and not wkt and projection == _ARBITRARY else ""
    return fields | ({"coordinate system string": f"{{{wkt}}}"} if wkt else {}), note


def _map_projection(crs: str) -> list[str]:
    """First and last items of ENVI's map info, where a code of EPSG tells them."""
    code = int(crs[5:]) if crs.startswith("EPSG:") else 0
    if code == 4326:
        return ["Geographic Lat/Lon", "WGS-84", "units=Degrees"]
    hemisphere = {326: "North", 327: "South"}.get(code // 100)
    if hemisphere and 1 <= code % 100 <= 60:
        return ["UTM", str(code % 100), hemisphere, "WGS-84", "units=Meters"]
    return [_ARBITRARY]


def to_geotiff(place: Georeference) -> tuple[tuple[tuple[int, int, int, bytes], ...], str]:
    """(tags, what to say of losses)."""
    if place.geotiff:
        return place.geotiff, ""
    if place.transform is None and not place.crs:
        return (), "its georeference is no plain grid, and TIFF has no place for it as ENVI writes it: left out"
    tags = _tags_by_rasterio(place)
    if tags is not None:
        return tags, ""
    grid = () if place.transform is None else (_transformation(place.transform),)
    return grid, NEEDS_RASTERIO


def _transformation(transform: Transform) -> tuple[int, int, int, bytes]:
    x, dx, rx, y, ry, dy = transform
    matrix = [dx, rx, 0, x, ry, dy, 0, y, 0, 0, 0, 0, 0, 0, 0, 1]
    return TRANSFORMATION, 12, 16, np.array(matrix, "<f8").tobytes()


# By rasterio


def _crs(text: str) -> Any:
    from rasterio.crs import CRS

    return CRS.from_epsg(int(text[5:])) if text.startswith("EPSG:") else CRS.from_wkt(text)


def wkt_of(crs: str) -> str:
    """Well-known text of a code of EPSG, where rasterio is there to tell it; else the text itself."""
    try:
        return _crs(crs).to_wkt() if crs.startswith("EPSG:") else crs
    except Exception:
        return crs


def _esri_wkt(crs: str) -> str:
    """As ENVI has it; empty where there is no rasterio, or it does not know the system."""
    if not crs:
        return ""
    try:
        return _crs(crs).to_wkt(version="WKT1_ESRI")
    except Exception:  # ImportError, CRSError, ValueError: whatever a foreign text makes of it
        return "" if crs.startswith("EPSG:") else crs


def _wkt_by_rasterio(tags: tuple[tuple[int, int, int, bytes], ...]) -> str:
    """Well-known text of user-defined keys; empty where there is no rasterio."""
    import tifffile

    buffer = io.BytesIO()
    extra = [(code, kind, count, data, True) for code, kind, count, data in tags]
    tifffile.imwrite(buffer, np.zeros((2, 2), np.uint8), photometric="minisblack", metadata=None, extratags=extra)
    try:
        from rasterio.io import MemoryFile

        with MemoryFile(buffer.getvalue()) as memory, memory.open() as dataset:
            return dataset.crs.to_wkt() if dataset.crs else ""
    except Exception:
        return ""


def _tags_by_rasterio(place: Georeference) -> tuple[tuple[int, int, int, bytes], ...] | None:
    """What GDAL writes into a GeoTIFF for this place; None where there is no rasterio or it does not know it."""
    from glmha_cli.io.tiff_file import raw_tags

    try:
        from rasterio.io import MemoryFile
        from rasterio.transform import Affine

        profile = {"driver": "GTiff", "width": 2, "height": 2, "count": 1, "dtype": "uint8"}
        if place.crs:
            profile["crs"] = _crs(place.crs)
        if place.transform is not None:
            profile["transform"] = Affine.from_gdal(*place.transform)
        with MemoryFile() as memory:
            with memory.open(**profile) as dataset:
                dataset.write(np.zeros((1, 2, 2), np.uint8))
            return raw_tags(memory.read(), GEOTIFF_TAGS)
    except Exception:
        return None
