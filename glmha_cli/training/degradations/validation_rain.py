"""Light rain for validation, drawn by another mechanism than the training rain: a score shows generalisation.

Drops are scattered through a volume in front of a pinhole camera; a near one leaves a long, wide, faint
streak, a far one a short, thin, brighter one (after Garg and Nayar, "Vision and rain", IJCV 2007). Each is
drawn on its own, anti-aliased, and covers the photo in proportion to its opacity.
"""

import numpy as np
from jaxtyping import Float

from glmha_cli.training.degradations.sensor import from_levels, to_levels

DROPS_PER_PX = 0.01
NEAR, FAR = 1.0, 8.0
NEAR_LENGTH_PX, NEAR_WIDTH_PX = 120.0, 6.0


def add_validation_rain(image: Float[np.ndarray, "h w 3"], *, rng: np.random.Generator) -> Float[np.ndarray, "h w 3"]:
    """Light rain over a whole photo, 26 dB on average (PSNR on Y): one wind direction, slightly jittered.

    `image` is sRGB in [0, 1], float32; so is the result, clipped and rounded to 8-bit levels.
    The same generator state gives the same rain.
    """
    opacity = _opacity(image.shape[0], image.shape[1], rng)[..., None]
    # A drop gathers light from a wide angle, so it never looks darker than what is behind it.
    rainy = image + opacity * np.maximum(np.float32(rng.uniform(0.8, 0.95)) - image, 0)
    return from_levels(to_levels(rainy))


def _opacity(height: int, width: int, rng: np.random.Generator) -> Float[np.ndarray, "h w"]:
    """The share of a pixel's light that comes from drops: one minus the product of their transparencies."""
    count = rng.poisson(DROPS_PER_PX * rng.uniform(0.6, 1.4) * height * width)
    # A cone of view widens with depth, so the number of drops at a depth grows with its square.
    depth = np.cbrt(rng.uniform(NEAR**3, FAR**3, count))
    angle = np.deg2rad(rng.normal(rng.normal(0, 12), 1.5, count))
    length = NEAR_LENGTH_PX / depth * rng.uniform(0.7, 1.3, count)
    half_width = NEAR_WIDTH_PX / depth / 2
    strength = np.clip(rng.uniform(0.41, 0.67) * (depth / FAR) ** 0.5 * rng.gamma(4, 0.25, count), 0, 0.9)
    centre_y = rng.uniform(-NEAR_LENGTH_PX / 2, height + NEAR_LENGTH_PX / 2, count)
    centre_x = rng.uniform(-NEAR_LENGTH_PX / 2, width + NEAR_LENGTH_PX / 2, count)
    transparency = np.ones((height, width), dtype=np.float32)
    for drop in zip(centre_y, centre_x, angle, length, half_width, strength, strict=True):
        _draw(transparency, *drop)
    return 1 - transparency


def _draw(
    transparency: Float[np.ndarray, "h w"],
    centre_y: float,
    centre_x: float,
    angle: float,
    length: float,
    half_width: float,
    strength: float,
) -> None:
    """Multiply one streak into `transparency`: a box across with edges one pixel soft, a parabola along."""
    height, width = transparency.shape
    sine, cosine = np.sin(angle), np.cos(angle)
    reach_y = abs(cosine) * length / 2 + half_width + 1
    reach_x = abs(sine) * length / 2 + half_width + 1
    top, bottom = max(int(centre_y - reach_y), 0), min(int(centre_y + reach_y) + 2, height)
    left, right = max(int(centre_x - reach_x), 0), min(int(centre_x + reach_x) + 2, width)
    if top >= bottom or left >= right:
        return
    y = np.arange(top, bottom, dtype=np.float32)[:, None] - centre_y
    x = np.arange(left, right, dtype=np.float32)[None, :] - centre_x
    along = (y * cosine - x * sine) * (2 / length)
    across = np.abs(x * cosine + y * sine)
    # Thinner than a pixel: as wide as one, and fainter in proportion, so that no light is gained or lost.
    cover = np.clip(half_width + 0.5 - across, 0, min(1.0, 2 * half_width))
    transparency[top:bottom, left:right] *= 1 - strength * cover * np.clip(1 - along**2, 0, 1)
