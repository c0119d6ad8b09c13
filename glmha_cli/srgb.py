"""The sRGB curve (IEC 61966-2-1)."""

import numpy as np
from jaxtyping import Float


def srgb_to_linear(image: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Undo the curve; values in [0, 1]."""
    return np.where(image <= 0.04045, image / 12.92, ((np.maximum(image, 0.04045) + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(linear: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Apply the curve; values in [0, 1]."""
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)
