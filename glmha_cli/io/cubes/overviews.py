"""Cubes made smaller, without what holds no data."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

SMALLEST_PX = 256


def reduced(values: Float[np.ndarray, "h w bands"], factor: int) -> Float[np.ndarray, "rows columns bands"]:
    """Means of blocks of `factor` x `factor` pixels, at the ends of what there is; NaN where nothing has data."""
    if factor == 1:
        return values
    starts = [np.arange(0, side, factor) for side in values.shape[:2]]
    known = ~np.isnan(values)
    sums, counts = (
        np.add.reduceat(np.add.reduceat(each, starts[0], axis=0), starts[1], axis=1)
        for each in (np.where(known, values, 0), known.astype(np.float32))
    )
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def halved(values: Float[np.ndarray, "h w bands"]) -> Iterator[Float[np.ndarray, "rows columns bands"]]:
    """The values at 1/2, 1/4, … of their size, down to one that fits into a tile."""
    while max(values.shape[:2]) > SMALLEST_PX:
        values = reduced(values, 2)
        yield values
