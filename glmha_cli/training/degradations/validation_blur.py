"""Moving cameras for validation, other mechanisms than the training blur: a score shows generalisation.

A hand trembles in a few sine waves and drifts, sideways, up and down and in rotation; sub-frames of the photo
are warped along that way and averaged in linear light, as high-speed video is to make blurred pairs (Nah et
al., "Deep multi-scale convolutional neural network for dynamic scene deblurring", 2017). The photo is the sub-frame at
the middle of the exposure, as in that benchmark.
"""

from collections.abc import Callable, Iterator
from functools import reduce

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from glmha_cli.srgb import linear_to_srgb, srgb_to_linear

EXTENT_PX = (6.0, 16.0)
FEWEST_SUBFRAMES = 17
ROLL_PX = 4.0
"""The most that rotation alone moves a corner, whatever the photo's size."""

Pose = tuple[float, Float[np.ndarray, " 2"]]
"""(angle in radians, shift in px) at a sub-frame; 0 in the middle one."""
Camera = Callable[[tuple[int, int], np.random.Generator, float], Iterator[Pose]]
"""(shape of the photo, random numbers, how far the shift spans in px) -> where it is at each sub-frame."""


def add_validation_blur(image: Float[np.ndarray, "h w 3"], *, rng: np.random.Generator) -> Float[np.ndarray, "h w 3"]:
    """Camera shake over a whole photo, about 22 dB (PSNR on RGB); reflected beyond the borders.

    `image` is sRGB in [0, 1], float32; so is the result, clipped and rounded to 8-bit levels.
    The same generator state gives the same shake.
    """
    light = shaken(srgb_to_linear(image), rng, extent_px=rng.uniform(*EXTENT_PX))
    return np.rint(linear_to_srgb(light.clip(0, 1)) * 255).astype(np.float32) / np.float32(255)


def trembling(shape: tuple[int, int], rng: np.random.Generator, extent_px: float) -> Iterator[Pose]:
    """A hand's waves and drift: often back and forth, so that where the middle was hardly shows."""
    time = np.linspace(0, 1, _subframes(extent_px))
    waves = np.sin(2 * np.pi * rng.uniform(0.3, 1.6, (3, 2, 1)) * time + rng.uniform(0, 2 * np.pi, (3, 2, 1)))
    motion = rng.normal(0, 1, (3, 1)) * time + (rng.normal(0, [[1.0], [0.4]], (3, 2, 1)) * waves).sum(axis=1)
    motion -= motion.mean(axis=1, keepdims=True)
    shifts, roll = motion[:2], motion[2] / np.abs(motion[2]).max()
    shifts = shifts * (extent_px / 2 / np.hypot(*shifts).max())
    roll = roll * (rng.uniform(0, ROLL_PX) / (np.hypot(*shape) / 2))
    middle = len(time) // 2
    return zip(roll - roll[middle], (shifts - shifts[:, [middle]]).T, strict=True)


def sweeping(shape: tuple[int, int], rng: np.random.Generator, extent_px: float) -> Iterator[Pose]:
    """A camera that is carried on: one way, in a slight bend, slowing down or not by up to a half, and rolling.

    So are most blurred frames of the benchmarks that are averaged from video.
    """
    time = np.linspace(-1, 1, _subframes(extent_px))
    bend = rng.uniform(-0.25, 0.25, 2) @ (1, 1j)
    way = np.exp(2j * np.pi * rng.random()) * (time + bend * time**2)
    way *= extent_px / 2 / np.abs(way).max()
    roll = time * rng.uniform(-ROLL_PX, ROLL_PX) / (np.hypot(*shape) / 2)
    return zip(roll, np.stack([way.imag, way.real], axis=1), strict=True)


def _subframes(extent_px: float) -> int:
    """At least one for every pixel of the way, and an odd number: one is the middle."""
    return max(FEWEST_SUBFRAMES, 2 * int(extent_px) + 1)


def shaken(
    linear: Float[np.ndarray, "h w 3"], rng: np.random.Generator, *, extent_px: float, camera: Camera = trembling
) -> Float[np.ndarray, "h w 3"]:
    """Mean of the sub-frames, of which the middle one is `linear`; the shift spans about `extent_px`."""
    frames = list(camera(linear.shape[:2], rng, extent_px))
    warped = (_warped(linear, angle, shift_px) for angle, shift_px in frames)
    return reduce(np.add, warped) / np.float32(len(frames))


def _warped(
    linear: Float[np.ndarray, "h w 3"], angle: float, shift_px: Float[np.ndarray, " 2"]
) -> Float[np.ndarray, "h w 3"]:
    """Rotated about the centre and shifted, bilinear."""
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = (np.array(linear.shape[:2]) - 1) / 2
    offset = centre - matrix @ centre + shift_px
    return np.stack(
        [
            ndimage.affine_transform(channel, matrix, offset, order=1, mode="reflect")
            for channel in linear.transpose(2, 0, 1)
        ],
        axis=2,
    )
