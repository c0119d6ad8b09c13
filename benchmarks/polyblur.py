"""Polyblur (Delbracio et al., "Polyblur: removing mild blur by polynomial reblurring", IEEE TCI 2021), the baseline of
deblurring.

Written from the paper. The blur is taken for an anisotropic Gaussian, estimated from the largest gradient along each
direction, and undone by a polynomial of it; where the result's gradient turns against the photo's, the photo is kept.
Of the settings that were tried on the sets of validation_sets.py (1 to 3 iterations, ALPHA 2 and 6, BETA 1 and 3), the
one here scored best; more iterations, as in the paper, sharpen more and cost PSNR.
"""

import numpy as np
from jaxtyping import Float
from scipy import fft, interpolate

ITERATIONS = 1
ALPHA, BETA = 2.0, 1.0
"""Of the polynomial: how much the middle frequencies rise, and how much the highest ones, which hold the noise."""
GAIN, OFFSET_PX = 0.352, 0.768
"""From the largest gradient of a photo of contrast 1 to its blur in px: sqrt(GAIN^2 / gradient^2 - OFFSET_PX^2)."""
SIGMA_PX = (0.3, 4.0)
MEASURED, INTERPOLATED = 6, 30
"""Directions over half a turn."""
OUTLIERS = 1e-4

Plane = Float[np.ndarray, "h w"]


def polyblur(photo: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w 3"]:
    """The deblurred photo, sRGB in [0, 1] like `photo`."""
    for _ in range(ITERATIONS):
        grey = photo.mean(axis=2)
        response = gaussian_response(grey.shape, *estimated_blur(grey))
        photo = np.stack([deblurred(plane, response) for plane in photo.transpose(2, 0, 1)], axis=2).clip(0, 1)
    return photo.astype(np.float32)


def estimated_blur(grey: Plane) -> tuple[float, float, float]:
    """(direction of the strongest blur in radians, deviation along it, deviation across it), in px."""
    low, high = np.quantile(grey, [OUTLIERS, 1 - OUTLIERS])
    dy, dx = np.gradient(((grey - low) / max(high - low, 1e-6)).clip(0, 1))
    angles = np.arange(MEASURED + 1) * np.pi / MEASURED  # the last is the first again
    largest = [np.abs(dx * np.cos(angle) - dy * np.sin(angle)).max() for angle in angles[:-1]]
    spline = interpolate.CubicSpline(angles, [*largest, largest[0]], bc_type="periodic")
    fine = spline(np.arange(INTERPOLATED) * np.pi / INTERPOLATED)
    weakest = int(fine.argmin())
    along, across = (sigma_of(fine[index % INTERPOLATED]) for index in (weakest, weakest + INTERPOLATED // 2))
    return weakest * np.pi / INTERPOLATED, along, across


def sigma_of(gradient: float) -> float:
    variance = (GAIN / max(gradient, 1e-6)) ** 2 - OFFSET_PX**2
    return float(np.clip(np.sqrt(max(variance, 0.0)), *SIGMA_PX))


def gaussian_response(shape: tuple[int, int], angle: float, along: float, across: float) -> Plane:
    """Transfer function of the Gaussian on a plane continued by reflection, for `rfft2`."""
    fy, fx = fft.fftfreq(2 * shape[0])[:, None], fft.rfftfreq(2 * shape[1])
    u = fx * np.cos(angle) - fy * np.sin(angle)
    v = fx * np.sin(angle) + fy * np.cos(angle)
    return np.exp(-2 * np.pi**2 * ((along * u) ** 2 + (across * v) ** 2))


def deblurred(plane: Plane, response: Plane) -> Plane:
    """p(K) v with p(K) = a3 K^3 + a2 K^2 + a1 K + BETA, and v where its gradient would turn around."""
    a3, a2, a1 = ALPHA / 2 - BETA + 2, 3 * BETA - ALPHA - 6, 5 - 3 * BETA + ALPHA / 2
    polynomial = ((a3 * response + a2) * response + a1) * response + BETA
    reflected = np.pad(plane, [(0, side) for side in plane.shape], mode="symmetric")
    sharp = fft.irfft2(fft.rfft2(reflected) * polynomial, reflected.shape)[: plane.shape[0], : plane.shape[1]]
    before, after = np.gradient(plane), np.gradient(sharp)
    turned = -sum(a * b for a, b in zip(before, after, strict=True))
    length = sum(a * a for a in before)
    keep = np.maximum(turned / np.maximum(length + turned, 1e-9), 0) * (turned > 0)
    return keep * plane + (1 - keep) * sharp
