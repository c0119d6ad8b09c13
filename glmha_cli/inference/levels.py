"""Mean colours of tiles, for sources whose rows are measured each by itself: those of a pass over every third row.

A network with channel attention sets the mean colour of a tile by all of its pixels, so tiles of different parts of a
scene differ where it is flat. A third of the rows, taken over the whole scene, is a smaller scene of the same content,
in one tile. What varies slowly in the result is taken from it, the rest from the tiles.
"""

import math
from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Float

from glmha_cli.inference.tiling import Tiling

EVERY = 3
THINNED = slice(EVERY // 2, None, EVERY)
"""Of the rows of a source."""
SMOOTH_PX = 16.0
"""Standard deviation of the blur that tells what varies slowly: less than a tile, more than its texture."""
_LEAST_PX, _STRIP_PX = 160_000, 256
Rows = Float[np.ndarray, "rows w c"]


def thinned_tiling(size: tuple[int, int], tiling: Tiling) -> Tiling:
    """For a thinned source of this size: whole, unless that is more than a tile and than 400 px squared."""
    most_px = max(_LEAST_PX, (tiling.tile_px or 0) ** 2)
    fits = size[0] * size[1] <= most_px
    return Tiling(tile_px=None if fits else math.isqrt(most_px), whole_rows=True)


def levelled(tiled: Iterable[Rows], thinned: Iterable[Rows]) -> Iterator[Rows]:
    """The rows of a tiled result with the slow variations of `thinned`, the result of its rows `THINNED`."""
    from scipy.ndimage import gaussian_filter  # a fifth of a second, which runs on photos need not wait for

    result, thin = np.concatenate(list(tiled)), np.concatenate(list(thinned))
    for band in range(result.shape[2]):
        excess = np.repeat(thin[..., band] - result[THINNED, :, band], EVERY, axis=0)
        excess = np.pad(excess, ((0, max(0, len(result) - len(excess))), (0, 0)), mode="edge")[: len(result)]
        result[..., band] += gaussian_filter(excess, SMOOTH_PX, mode="nearest")
    for start in range(0, len(result), _STRIP_PX):
        yield result[start : start + _STRIP_PX]
