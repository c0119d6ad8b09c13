"""A colour photo as a camera makes it: noise on the mosaic of a sensor, demosaicing, 8 bits and often JPEG.

Light is linear sRGB in which white is 1. The noise of photons and read-out lies on single colour samples; demosaicing
spreads it over neighbours and colours, so that it looks as in photos (Rim et al., "Realistic blur synthesis for
learning image deblurring", ECCV 2022, find this worth more than any other step for deblurring).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import ndimage

from glmha_cli.srgb import linear_to_srgb, srgb_to_linear
from glmha_cli.training.degradations.sensor import from_levels, log_uniform, through_jpeg, to_levels

SHOT, READ = (1e-5, 1e-3), (2e-4, 4e-3)
"""Variance of shot noise per light, deviation of read noise."""
RED_GAIN, BLUE_GAIN = (1.4, 2.4), (1.3, 2.2)
"""White balance: red and blue samples are darker than green ones and their noise is amplified."""
CONTRAST = (0.0, 0.5)

GREEN_AT_COLOUR = np.array(
    [[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]], np.float32
) / np.float32(8)
COLOUR_IN_ITS_ROW = np.array(
    [[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0], [0, 0, 0.5, 0, 0]], np.float32
) / np.float32(8)
COLOUR_ACROSS = np.array(
    [[0, 0, -1.5, 0, 0], [0, 2, 0, 2, 0], [-1.5, 0, 6, 0, -1.5], [0, 2, 0, 2, 0], [0, 0, -1.5, 0, 0]], np.float32
) / np.float32(8)
"""Gradient-corrected linear interpolation (Malvar, He and Cutler, ICASSP 2004): green at red and blue; red or blue at
green in a row that holds it (transposed: in a column); red at blue and blue at red."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Exposure:
    """One setting of a camera and one draw of its noise: two scenes that differ in rain alone get the same grain.

    noise: standard normal, a number for each sample: of the mosaic, or three of each pixel, as photos have it that were
        made smaller. jpeg: seed and range of quality, None for none.
    """

    noise: Float[np.ndarray, "h w *colours"]
    shot: float
    read: float
    red_gain: float
    blue_gain: float
    contrast: float
    jpeg: tuple[int, tuple[int, int]] | None

    @classmethod
    def draw(
        cls,
        shape: tuple[int, int],
        rng: np.random.Generator,
        *,
        compressed: float,
        quality: tuple[int, int],
        mosaic: float = 1.0,
    ) -> "Exposure":
        """compressed, mosaic: shares of those through JPEG of a quality in `quality`, and of those from a mosaic."""
        return cls(
            noise=rng.standard_normal(shape if rng.random() < mosaic else (*shape, 3), dtype=np.float32),
            shot=log_uniform(rng, SHOT),
            read=log_uniform(rng, READ),
            red_gain=rng.uniform(*RED_GAIN),
            blue_gain=rng.uniform(*BLUE_GAIN),
            contrast=rng.uniform(*CONTRAST),
            jpeg=(int(rng.integers(1 << 31)), quality) if rng.random() < compressed else None,
        )

    def to_light(self, photo: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w 3"]:
        """The light of which this camera, without noise, makes `photo` (sRGB)."""
        levels = np.linspace(0, 1, 1025, dtype=np.float32)
        return srgb_to_linear(np.interp(photo, with_contrast(levels, self.contrast), levels).astype(np.float32))

    def photo(self, light: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w 3"]:
        """The photo (sRGB) of `light`, which may be brighter than white and clips."""
        gains, size = [self.red_gain, 1.0, self.blue_gain], light.shape[:2]
        if self.noise.ndim == 2:
            samples = np.take_along_axis(light, colour_of(size)[..., None], axis=2)[..., 0]
            seen = demosaiced(self._noisy(samples, bayer(gains, size))).clip(0, 1)
        else:
            seen = self._noisy(light, np.array(gains, np.float32))
        levels = to_levels(with_contrast(linear_to_srgb(seen), self.contrast))
        if self.jpeg is not None:
            seed, quality = self.jpeg
            levels = through_jpeg(levels, np.random.default_rng(seed), quality)
        return from_levels(levels)

    def _noisy(self, light: Float[np.ndarray, "*shape"], gains: np.ndarray) -> Float[np.ndarray, "*shape"]:
        light = light.clip(0, 1)
        deviation = np.sqrt(np.float32(self.shot) * light * gains + np.float32(self.read**2) * gains**2)
        return (light + deviation * self.noise).clip(0, 1)


def with_contrast(srgb: Float[np.ndarray, "*shape"], contrast: float) -> Float[np.ndarray, "*shape"]:
    """A camera's curve: an S between black and white, mixed in by `contrast` in [0, 1)."""
    c = np.float32(contrast)
    return (1 - c) * srgb + c * (3 - 2 * srgb) * srgb**2


def colour_of(shape: tuple[int, int]) -> Int[np.ndarray, "h w"]:
    """Index of the colour of each sample of an RGGB mosaic."""
    rows, cols = np.arange(shape[0]) % 2, np.arange(shape[1]) % 2
    return rows[:, None] + cols


def bayer(values: list[float], shape: tuple[int, int]) -> Float[np.ndarray, "h w"]:
    """The value of each sample's colour."""
    return np.array(values, np.float32)[colour_of(shape)]


def demosaiced(samples: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w 3"]:
    """The colours of an RGGB mosaic, reflected at its borders so that the colours of samples go on alternating."""
    padded = np.pad(samples, 2, mode="reflect") if min(samples.shape) > 2 else np.pad(samples, 2, mode="edge")
    green, row, column, across = (
        ndimage.correlate(padded, kernel)[2:-2, 2:-2]
        for kernel in (GREEN_AT_COLOUR, COLOUR_IN_ITS_ROW, COLOUR_IN_ITS_ROW.T, COLOUR_ACROSS)
    )
    at = np.arange(samples.shape[0])[:, None] % 2 * 2 + np.arange(samples.shape[1]) % 2  # 0 R, 1 G, 2 G, 3 B
    red = np.choose(at, [samples, row, column, across])
    blue = np.choose(at, [across, column, row, samples])
    return np.stack([red, np.choose(at, [green, samples, samples, green]), blue], axis=2)
