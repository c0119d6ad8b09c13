"""What a photo cannot tell of a spectrum: how far measured reflectances that make one colour lie apart.

`spread.npz` holds, for the colours of a grid in sRGB, the standard deviation of measured reflectances brought to that
colour: of the 200 whose chromaticity is nearest among 40,000 drawn from the library that rgb2hsi-lite learnt from, its
sources as likely as there. Made by benchmarks/spectral_spread.py; sources and licences: THIRD_PARTY.md.
"""

from functools import cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float, Num, UInt8

SATURATED, BLACK = 255, 128
"""In masks of clipped pixels: a channel at its top, one at its bottom; elsewhere 0."""


@cache
def _grid() -> Float[np.ndarray, "n n n 31"]:
    with (files("glmha_cli.physics") / "spread.npz").open("rb") as file, np.load(file) as arrays:
        return arrays["spread"].astype(np.float32)


def spread_of(photo: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w 31"]:
    """Standard deviation, float32, of the reflectances that make each pixel's colour; photo: sRGB in [0, 1]."""
    from scipy.ndimage import map_coordinates  # a fifth of a second, which runs on photos need not wait for

    grid = _grid()
    places = np.moveaxis(photo, 2, 0) * (len(grid) - 1)
    spread = np.empty((*photo.shape[:2], grid.shape[3]), np.float32)
    for band in range(grid.shape[3]):
        map_coordinates(grid[..., band], places, output=spread[..., band], order=1, mode="nearest")
    return spread


def clipped_pixels(*photos: Num[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w"]:
    """Where a channel of any of the photos (one photo before and after a conversion) is at an end of its range.

    There its light, or its colour, was beyond what the photo can hold. photos: uint8, uint16 or floats in [0, 1].
    """
    mask = np.zeros(photos[0].shape[:2], np.uint8)
    for photo in photos:
        top = np.iinfo(photo.dtype).max if photo.dtype.kind == "u" else 1.0
        mask[(photo <= 0).any(axis=2) & (mask == 0)] = BLACK
        mask[(photo >= top).any(axis=2)] = SATURATED
    return mask
