"""Photos stretched to [0, 1], as some imported networks were trained on."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float


def extremes_of(parts: Iterable[np.ndarray]) -> tuple[np.float32, np.float32]:
    """The lowest and the highest value of all."""
    lows, highs = zip(*((part.min(), part.max()) for part in parts), strict=True)
    return min(lows), max(highs)


def stretched(
    image: Float[np.ndarray, "h w c"], extremes: tuple[np.floating, np.floating]
) -> Float[np.ndarray, "h w c"]:
    """`image` with the lowest of the extremes at 0 and the highest at 1; 0 where it is flat."""
    low, high = extremes
    return (image - low) / ((high - low) or 1)
