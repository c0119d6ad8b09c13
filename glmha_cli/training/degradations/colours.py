"""Photos in other colours than their own."""

import numpy as np
from jaxtyping import Float

MOST_SATURATED = 2.5

Photo = Float[np.ndarray, "h w 3"]


def recoloured(photo: Photo, rng: np.random.Generator) -> Photo:
    """The channels of `photo` (sRGB in [0, 1]) in another order, its colours from none at all to far more saturated.

    What adds grey light, as rain does, changes a saturated colour's channels unlike each other; few photos show that.
    """
    mixed = photo[..., rng.permutation(3)]
    grey = mixed.mean(axis=2, keepdims=True)
    return np.clip(grey + np.float32(rng.uniform(0, MOST_SATURATED)) * (mixed - grey), 0, 1)
