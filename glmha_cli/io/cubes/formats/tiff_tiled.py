"""TIFF in tiles, with overviews: as cloud-optimised GeoTIFFs are, so that a viewer reads only what it shows."""

from pathlib import Path
from typing import Any

import numpy as np
from einops import rearrange

from glmha_cli.io.atomic import atomic_output
from glmha_cli.io.cubes.cube import CubeFormat
from glmha_cli.io.cubes.formats.tiff import TIFF, layout_of, tags_of
from glmha_cli.io.cubes.model import Cube
from glmha_cli.io.cubes.overviews import halved
from glmha_cli.io.tiff_file import GDAL_NODATA

_TILE_PX = 256
_REDUCED = 1  # NewSubfileType


def write(path: Path, cube: Cube, *, overwrite: bool, provenance: str) -> tuple[str, ...]:
    """As a TIFF in strips, and behind it the same at 1/2, 1/4, …: means of what has data."""
    import tifffile

    values, nodata = cube.stored()
    tags, notes = tags_of(cube, nodata, provenance)
    marks = [tag for tag in tags if tag[0] == GDAL_NODATA]
    layout = layout_of(cube)
    whole = {name: layout.pop(name) for name in ("bigtiff", "byteorder")}
    tiles: dict[str, Any] = {
        "tile": (_TILE_PX, _TILE_PX),
        "compression": "adobe_deflate",
        "predictor": 3,
    }
    with (
        atomic_output(path, overwrite=overwrite) as temporary,
        tifffile.TiffWriter(temporary, **whole) as file,
    ):
        file.write(rearrange(values, "h w bands -> bands h w"), extratags=tags, **tiles, **layout)
        for smaller in halved(cube.values):
            known = smaller if nodata is None else np.where(np.isnan(smaller), np.float32(nodata), smaller)
            planes = rearrange(known, "h w bands -> bands h w")
            file.write(planes, subfiletype=_REDUCED, extratags=marks, **tiles, **layout)
    return notes


TILED = CubeFormat(name="tiff", title=TIFF.title, read=TIFF.read, open=TIFF.open, write=write, reads=TIFF.reads)
