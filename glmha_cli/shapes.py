"""Letters and size rules used everywhere.

b batch, c channels, h w height and width, n = h * w pixels, heads, d channels per head, r low rank,
bands spectral bands, step shift of a band in pixels, w_ext = w + step * (bands - 1).
Axes: edges are numpy (h, w, c); inside, torch (b, c, h, w).
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def next_multiple(size: int, multiple: int) -> int:
    """The smallest multiple of `multiple` that is at least `size`."""
    return -(-size // multiple) * multiple


def size_text(shape: Sequence[int]) -> str:
    """As in messages: 512 x 482 x 31."""
    return " x ".join(map(str, shape))


def pad_to(array: Float[np.ndarray, "h w c"], height: int, width: int) -> Float[np.ndarray, "H W c"]:
    """Grow at the bottom and right: by reflection, by replication where the array is too small to reflect."""
    for axis, size in ((0, height), (1, width)):
        missing = size - array.shape[axis]
        widths = [(0, 0)] * array.ndim
        widths[axis] = (0, missing)
        array = np.pad(array, widths, mode="reflect" if missing < array.shape[axis] else "edge")
    return array
