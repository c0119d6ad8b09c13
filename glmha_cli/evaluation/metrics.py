"""Image metrics of the named protocols (README, "Protocols")."""

import numpy as np
from jaxtyping import Float, UInt8

# ITU-R BT.601 luma as MATLAB's rgb2ycbcr gives it: 16..235 for R, G, B in 0..1.
LUMA_WEIGHTS = np.array([65.481, 128.553, 24.966])


def luma(image: UInt8[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w"]:
    """Y of MATLAB's rgb2ycbcr, 16..235, rounded: what deraining papers measure on."""
    return np.rint(16 + image.astype(np.float64) / 255 @ LUMA_WEIGHTS)


def psnr_db(result: np.ndarray, reference: np.ndarray, *, peak: float) -> float:
    """Peak signal-to-noise ratio in dB; infinite for equal arrays."""
    error = np.mean((result.astype(np.float64) - reference.astype(np.float64)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(peak**2 / error))


def derain_psnr_db(result: UInt8[np.ndarray, "h w 3"], reference: UInt8[np.ndarray, "h w 3"]) -> float:
    """Protocol `derain`: PSNR on rounded Y with peak 255, no crop."""
    return psnr_db(luma(result), luma(reference), peak=255)


def rgb_psnr_db(result: UInt8[np.ndarray, "h w 3"], reference: UInt8[np.ndarray, "h w 3"]) -> float:
    """Protocol `gopro`: PSNR on RGB with peak 255."""
    return psnr_db(result, reference, peak=255)
