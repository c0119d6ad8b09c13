"""Image and cube metrics; which of them a protocol takes, and on what, is said in `glmha_cli.evaluation.protocols`."""

import numpy as np
from jaxtyping import Float, Num, UInt8

from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.installed import extra_command

# ITU-R BT.601 luma as MATLAB's rgb2ycbcr gives it: 16..235 for R, G, B in 0..1.
LUMA_WEIGHTS = np.array([65.481, 128.553, 24.966])
SSIM_WINDOW = 11


def luma(image: UInt8[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w"]:
    """Y of MATLAB's rgb2ycbcr, 16..235, rounded: what deraining papers measure on."""
    return np.rint(16 + image.astype(np.float64) / 255 @ LUMA_WEIGHTS)


def psnr_db(result: np.ndarray, reference: np.ndarray, *, peak: float) -> float:
    """Peak signal-to-noise ratio in dB; infinite for equal arrays."""
    difference = np.subtract(result, reference, dtype=np.float64)
    error = np.mean(np.square(difference, out=difference))  # in place: of a large photo it is gigabytes
    return float("inf") if error == 0 else float(10 * np.log10(peak**2 / error))


def ssim(result: Num[np.ndarray, "h w *c"], reference: Num[np.ndarray, "h w *c"], *, peak: float) -> float:
    """Structural similarity of Wang et al. (2004): 11x11 Gaussian window of sigma 1.5, K = 0.01 and 0.03, where the
    window lies inside the image; the mean over channels.

    Raises BadDataError for images under 11 px in height or width, UsageError without scikit-image.
    """
    if min(result.shape[:2]) < SSIM_WINDOW:
        raise BadDataError(
            f"SSIM needs {SSIM_WINDOW} x {SSIM_WINDOW} px, this image has {' x '.join(map(str, result.shape[:2]))}",
            "leave this pair out",
        )
    try:
        from skimage.metrics import structural_similarity
    except ModuleNotFoundError as error:
        raise UsageError(f"SSIM needs the package {error.name}", extra_command("eval")) from error
    return float(
        structural_similarity(
            reference.astype(np.float64),
            result.astype(np.float64),
            data_range=peak,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            channel_axis=2 if result.ndim == 3 else None,
        )
    )


def mrae(result: Float[np.ndarray, "h w bands"], reference: Float[np.ndarray, "h w bands"]) -> float:
    """Mean of |result - reference| / reference over the values whose reference is not zero.

    Raises BadDataError where every reference is zero: there is nothing to be relative to.
    """
    known = reference != 0
    if not known.any():
        raise BadDataError("MRAE is not defined: every value of the target is zero", "leave this pair out")
    wanted = reference[known].astype(np.float64)
    return float(np.mean(np.abs(result[known] - wanted) / wanted))


def rmse(result: np.ndarray, reference: np.ndarray) -> float:
    """Root mean square error over all values."""
    return float(np.sqrt(np.mean((result.astype(np.float64) - reference.astype(np.float64)) ** 2)))


def sam_deg(result: Float[np.ndarray, "h w bands"], reference: Float[np.ndarray, "h w bands"]) -> float:
    """Spectral angle in degrees, the mean over pixels; between black and anything 90, between two blacks 0."""
    result, reference = result.astype(np.float64), reference.astype(np.float64)
    lengths = np.linalg.norm(result, axis=2) * np.linalg.norm(reference, axis=2)
    product = np.sum(result * reference, axis=2)
    cosine = np.divide(product, lengths, out=np.zeros_like(product), where=lengths > 0)
    cosine[~result.any(axis=2) & ~reference.any(axis=2)] = 1
    return float(np.degrees(np.arccos(cosine.clip(-1, 1))).mean())


def derain_psnr_db(result: UInt8[np.ndarray, "h w 3"], reference: UInt8[np.ndarray, "h w 3"]) -> float:
    """Protocol `derain`: PSNR on rounded Y with peak 255, no crop."""
    return psnr_db(luma(result), luma(reference), peak=255)


def rgb_psnr_db(result: UInt8[np.ndarray, "h w 3"], reference: UInt8[np.ndarray, "h w 3"]) -> float:
    """Protocol `gopro`: PSNR on RGB with peak 255."""
    return psnr_db(result, reference, peak=255)
