"""What rasterio knows of coordinate systems, where it is installed; nothing where it is not."""

import io
from collections.abc import Collection
from typing import Any

import numpy as np

from glmha_cli.io.cubes.model import Georeference, GeoTag

NEEDS_RASTERIO = "its georeference needs rasterio to be translated: left out (pip install 'glmha[geo]')"


def _crs(text: str) -> Any:
    from rasterio.crs import CRS

    return CRS.from_epsg(int(text[5:])) if text.startswith("EPSG:") else CRS.from_wkt(text)


def wkt_of(crs: str) -> str:
    """Well-known text of a code of EPSG, where rasterio is there to tell it; else the text itself."""
    try:
        return _crs(crs).to_wkt() if crs.startswith("EPSG:") else crs
    except Exception:
        return crs


def esri_wkt(crs: str) -> str:
    """As ENVI has it; empty where there is no rasterio, or it does not know the system."""
    if not crs:
        return ""
    try:
        return _crs(crs).to_wkt(version="WKT1_ESRI")
    except Exception:  # ImportError, CRSError, ValueError: whatever a foreign text makes of it
        return "" if crs.startswith("EPSG:") else crs


def wkt_of_tags(tags: tuple[GeoTag, ...]) -> str:
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


def tags_of(place: Georeference, codes: Collection[int]) -> tuple[GeoTag, ...] | None:
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
            return raw_tags(memory.read(), codes)
    except Exception:
        return None
