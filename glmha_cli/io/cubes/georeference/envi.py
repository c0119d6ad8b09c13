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
_PER_METRE = {"km": 1e-3, "feet": 1 / 0.3048, "yards": 1 / 0.9144, "miles": 1 / 1609.344, "nautical miles": 1 / 1852}
_UTM = {
    ("WGS84", "N"): (32600, range(1, 61)),
    ("WGS84", "S"): (32700, range(1, 61)),
    ("NORTHAMERICA1983", "N"): (26900, range(1, 24)),
    ("NORTHAMERICA1927", "N"): (26700, range(1, 23)),
}
"""(datum, side of the equator) -> (code of EPSG before that of zone 1, zones)."""


def from_envi(fields: Mapping[str, str]) -> Georeference | None:
    """Of the fields of a header; None where none of them is about a place."""
    kept = {name: fields[name] for name in ENVI_FIELDS if name in fields}
    if not kept.keys() - {"x start", "y start"}:
        return None
    items = [item.strip() for item in kept.get("map info", "").strip("{}").split(",")]
    wkt = kept.get("coordinate system string", "").strip().removeprefix("{").removesuffix("}").strip()
    crs = wkt or _envi_crs(items)
    named = [] if crs or items[0] in ("", _ARBITRARY) else [items[0], *items[7:]]
    transform = _envi_transform(items, _per_unit(items, crs))
    return Georeference(crs=crs, transform=transform, untold=", ".join(named), envi=kept)


def _envi_crs(map_info: list[str]) -> str:
    """The code of EPSG of a zone of UTM, or of degrees on WGS 84; empty for anything else."""
    datum = "".join(map_info[-4:]).replace("-", "").replace(" ", "").upper()
    if map_info[0].lower().startswith("geographic"):
        return "EPSG:4326" if "WGS84" in datum else ""
    if map_info[0].upper() != "UTM" or len(map_info) < 9 or not map_info[7].isdecimal():
        return ""
    zone, side = int(map_info[7]), map_info[8][:1].upper()
    for (name, at), (first, zones) in _UTM.items():
        if name in datum and at == side and zone in zones:
            return f"EPSG:{first + zone}"
    return ""


def _per_unit(map_info: list[str], crs: str) -> float:
    """How many of the map's units make a degree, or a metre where a code of EPSG stands for a zone of UTM."""
    unit = _named(map_info, "units").lower()
    return _PER_DEGREE.get(unit) or (_PER_METRE.get(unit, 1.0) if crs.startswith("EPSG:") else 1.0)


def _envi_transform(map_info: list[str], per_unit: float) -> Transform | None:
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
    return as_transform([number / per_unit for number in (left, *xs, top, *ys)])


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
