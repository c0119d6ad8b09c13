"""Georeferences as fields of ENVI headers."""

import math
from collections.abc import Mapping

from glmha_cli.io.cubes.georeference.by_rasterio import NEEDS_RASTERIO, esri_wkt
from glmha_cli.io.cubes.model import Georeference, Transform, as_transform

ENVI_FIELDS = (
    "map info",
    "projection info",
    "coordinate system string",
    "geo points",
    "rpc info",
    "x start",
    "y start",
)
_ARBITRARY = "Arbitrary"
_PER_DEGREE = {"minutes": 60.0, "seconds": 3600.0, "radians": math.pi / 180}


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
    """Of {projection, column, row, x, y, dx, dy, …, units=unit, rotation=degrees}, pixels counted from 1; turned as by
    GDAL, and angles in degrees.
    """
    try:
        column, row, x, y, dx, dy = map(float, map_info[1:7])
    except ValueError:
        return None
    cos, sin = _cosine_and_sine(map_info)
    xs, ys = (cos * dx, sin * dx), (sin * dy, -cos * dy)
    left, top = (start - (column - 1) * step[0] - (row - 1) * step[1] for start, step in ((x, xs), (y, ys)))
    divisor = _PER_DEGREE.get(_named(map_info, "units").lower(), 1.0)
    return as_transform([number / divisor for number in (left, *xs, top, *ys)])


def _cosine_and_sine(map_info: list[str]) -> tuple[float, float]:
    angle = math.radians(float(_named(map_info, "rotation") or 0))
    return math.cos(angle), math.sin(angle)


def _named(map_info: list[str], name: str) -> str:
    """The text of an item `name=text`; empty where there is none."""
    found = (item.partition("=")[2].strip() for item in map_info if item.lower().startswith(name))
    return next(found, "")


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
    wkt = esri_wkt(place.crs)
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
