"""Which three bands of a cube are shown as red, green and blue."""

from collections.abc import Sequence

import numpy as np

_RGB_NM = (640, 550, 460)


def nearest_bands(wavelength_nm: Sequence[float]) -> list[int]:
    """Those nearest to red, green and blue light, counted from 0, of one band or more."""
    return np.abs(np.subtract.outer(_RGB_NM, wavelength_nm)).argmin(axis=1).tolist()


def spread_bands(count: int) -> list[int]:
    """Three of so many, counted from 0: from long to short waves in most cubes."""
    return [5 * count // 6, count // 2, count // 6]
