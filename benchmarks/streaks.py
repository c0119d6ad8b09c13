"""Rain drawn with photographed streaks, which training does not have; a third of its light rain is lit as here.

The streaks are those of Garg and Nayar's database ("Photorealistic rendering of rain streaks", SIGGRAPH 2006): each an
image of one drop that falls through the exposure, oscillating, brightest where it lights up.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from glmha_cli.srgb import linear_to_srgb, srgb_to_linear

DROPS_PER_PX = 2e-3
LENGTH_PX, WIDTH_PX = (25.0, 110.0), (3.0, 9.0)
"""Of a streak's image at scale 1, of which the streak itself fills about a third across."""
OPACITY = (0.15, 0.6)
SKY = (0.5, 0.9)

Streaks = UInt8[np.ndarray, "n length width"]


def read_streaks(path: Path) -> Streaks:
    """`streaks` of an .npz: images of upright streaks, black around them."""
    with np.load(path) as file:
        return file["streaks"]


def rain_of_streaks(
    photo: Float[np.ndarray, "h w 3"], streaks: Streaks, *, scale: float, rng: np.random.Generator
) -> Float[np.ndarray, "h w 3"]:
    """The photo, sRGB in [0, 1], behind rain whose streaks are `scale` times as long and wide; as many cover a pixel.

    A streak takes the share of its opacity from the light behind it and adds as much of the sky's, in linear light; it
    never darkens. 8-bit levels.
    """
    margin = round(scale * LENGTH_PX[1])
    clear = np.ones([side + 2 * margin for side in photo.shape[:2]], np.float32)
    mean_angle = rng.normal(0, 15)
    for _ in range(rng.poisson(DROPS_PER_PX / scale**2 * rng.uniform(0.5, 1.5) * clear.size)):
        drop = one_streak(streaks[rng.integers(len(streaks))], mean_angle + rng.normal(0, 2), scale, rng)
        y, x = (rng.integers(side - of + 1) for of, side in zip(drop.shape, clear.shape, strict=True))
        clear[y : y + drop.shape[0], x : x + drop.shape[1]] *= 1 - drop
    clear = clear[margin:-margin, margin:-margin]
    light = srgb_to_linear(photo)
    sky = np.float32(rng.uniform(*SKY))
    rainy = light + (1 - clear)[..., None] * np.maximum(sky - light, 0)
    return np.rint(linear_to_srgb(rainy.clip(0, 1)) * 255).astype(np.float32) / np.float32(255)


def one_streak(
    streak: UInt8[np.ndarray, "length width"], angle_deg: float, scale: float, rng: np.random.Generator
) -> Float[np.ndarray, "h w"]:
    """Opacity of a streak at its size, turned. Near drops are longer, wider and fainter."""
    near = rng.random() ** 3  # a cone of view holds more far drops
    size = [max(2, round(scale * (low + near * (high - low)))) for low, high in (WIDTH_PX, LENGTH_PX)]
    opacity = rng.uniform(*OPACITY) * (1 - 0.5 * near)
    image = Image.fromarray(streak).resize(size, Image.Resampling.BOX)
    turned = np.asarray(image.rotate(angle_deg, Image.Resampling.BICUBIC, expand=True), np.float32)
    return turned * np.float32(opacity / max(float(turned.max()), 1.0))
