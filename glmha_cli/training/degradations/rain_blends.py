"""How streaks of rain join a photo."""

import numpy as np
from jaxtyping import Float

from glmha_cli.srgb import linear_to_srgb, srgb_to_linear

Photo = Float[np.ndarray, "h w 3"]
Streaks = Float[np.ndarray, "h w 1"]


def blended(photo: Photo, streaks: Float[np.ndarray, "h w"], rng: np.random.Generator) -> Photo:
    """Added, screened or lit by the sky. photo: sRGB in [0, 1]. streaks: their opacity, 0 where it is dry; nothing
    becomes darker, and what is added may exceed 1.
    """
    return _BLENDS[rng.integers(len(_BLENDS))](photo, streaks[..., None], rng)


def _added(photo: Photo, streaks: Streaks, rng: np.random.Generator) -> Photo:
    return photo + streaks


def _screened(photo: Photo, streaks: Streaks, rng: np.random.Generator) -> Photo:
    return 1 - (1 - photo) * (1 - np.minimum(streaks, 1))


def _lit(photo: Photo, streaks: Streaks, rng: np.random.Generator) -> Photo:
    """A drop hides light for a share of the exposure and gives as much of the sky's, which is brighter (Garg and Nayar,
    "Vision and rain", 2007)."""
    light = srgb_to_linear(photo)
    sky = np.float32(rng.uniform(0.4, 1.0))
    return linear_to_srgb(light + np.minimum(streaks, 1) * np.maximum(sky - light, 0))


_BLENDS = (_added, _screened, _lit)
