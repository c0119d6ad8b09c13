"""A last band of a TIFF that is no band but says where there is data: alpha (TIFF 6.0, ExtraSamples 1 or 2).

GDAL and tifffile mark the last of four channels so by themselves, whatever it holds: its values have to tell. They are
0 and the one for all, of 8 or 16 bits or of the type's own, in floating point too, as GDAL makes that of integers.
"""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Num

from glmha_cli.io.cubes.formats.gdal_items import Items
from glmha_cli.io.cubes.on_disk import Read

if TYPE_CHECKING:
    from tifffile import TiffPage

_ALPHA = (1, 2)
_ALL = (255, 65535)
_KEPT = "its last band is marked as transparency, but holds more than all and nothing: kept as a band"
_LEFT_OUT = "its last band is its transparency: no data where that is 0"


def without_alpha(
    values: Num[np.ndarray, "a b c"] | Read, axes: str, page: "TiffPage", items: Items
) -> tuple[Num[np.ndarray, "a b c"] | Read, Bool[np.ndarray, "h w"] | None, tuple[str, ...]]:
    """(the values of the bands alone, True where there is data, notes); as they are where no band is alpha."""
    bands = values.shape[axes.index("b")]
    is_marked = any(int(each) in _ALPHA for each in page.extrasamples[-1:])
    if bands < 2 or not (is_marked or items.get(("COLORINTERP", bands - 1)) == "Alpha"):
        return values, None, ()
    alpha = np.squeeze(values[_of_bands(values, axes, bands - 1, bands)], axes.index("b"))
    largest = alpha.max()
    is_all = largest in (*_ALL, 1 if alpha.dtype.kind == "f" else np.iinfo(alpha.dtype).max)
    if not is_all or not ((alpha == 0) | (alpha == largest)).all():
        return values, None, (_KEPT,)
    if isinstance(values, np.ndarray):
        return values[_of_bands(values, axes, 0, bands - 1)], alpha != 0, (_LEFT_OUT,)
    shape = tuple(side - (axis == "b") for axis, side in zip(axes, values.shape, strict=True))
    return Read(shape, values.dtype, values.read), alpha != 0, (_LEFT_OUT,)


def _of_bands(values: Num[np.ndarray, "a b c"] | Read, axes: str, start: int, stop: int) -> tuple[slice, slice, slice]:
    sides = zip(axes, values.shape, strict=True)
    first, second, third = (slice(start, stop) if axis == "b" else slice(0, side) for axis, side in sides)
    return first, second, third
