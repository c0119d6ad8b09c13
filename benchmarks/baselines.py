"""What the networks for spectra have to beat: classic methods, small, and from the literature as they stand.

rgb2hsi: least squares and kernel ridge regression from measured reflectances, pixel by pixel. sci: GAP-TV.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from glmha_cli.physics import cassi
from glmha_cli.physics.colour import TO_RGB, srgb_to_linear

GAMMA, ALPHA = 30.0, 1e-3
ITERATIONS, TV_WEIGHT, TV_STEPS = 60, 0.06, 8
PIXELS_AT_ONCE = 8192

FromPhoto = Callable[[Float[np.ndarray, "h w 3"]], Float[np.ndarray, "h w 31"]]
"""An sRGB photo in [0, 1] -> its cube in [0, 1]."""


def least_squares(reflectance: Float[np.ndarray, "n 31"]) -> FromPhoto:
    """The matrix from linear RGB to spectrum that errs least, squared, over `reflectance`; at 400..700 nm, step 10."""
    matrix = np.linalg.lstsq(reflectance @ TO_RGB, reflectance, rcond=None)[0]
    return lambda photo: (srgb_to_linear(photo) @ matrix).clip(0, 1)


def kernel_ridge(reflectance: Float[np.ndarray, "n 31"]) -> FromPhoto:
    """Kernel ridge regression (RBF) from RGB / sum to spectrum / sum, scaled back by the sum of the linear RGB."""
    from sklearn.kernel_ridge import KernelRidge

    colours = reflectance @ TO_RGB
    sums = colours.sum(axis=1, keepdims=True)
    model = KernelRidge(kernel="rbf", gamma=GAMMA, alpha=ALPHA).fit(colours / sums, reflectance / sums)

    def predict(photo: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w 31"]:
        rgb = srgb_to_linear(photo).reshape(-1, 3)
        total = rgb.sum(axis=1, keepdims=True)
        shares = np.divide(rgb, total, out=np.full_like(rgb, 1 / 3), where=total > 0)
        parts = [model.predict(part) for part in np.split(shares, range(PIXELS_AT_ONCE, len(rgb), PIXELS_AT_ONCE))]
        return (np.concatenate(parts) * total).clip(0, 1).reshape(*photo.shape[:2], -1)

    return predict


def gap_tv(
    measurement: Float[np.ndarray, "h w_ext"], mask: Float[np.ndarray, "h w"], *, bands: int, step: int
) -> Float[np.ndarray, "h w bands"]:
    """Accelerated generalised alternating projection with total variation (Yuan, ICIP 2016), 60 iterations.

    In turn: what the reconstruction does not yet explain is added to the measurement that is aimed at, the cube is
    projected onto it (closed form), and each band is smoothed by 8 steps of Chambolle's algorithm (2004), weight 0.06.
    """
    from skimage.restoration import denoise_tv_chambolle

    cube = cassi.adjoint(measurement, mask, bands=bands, step=step)
    aim = np.zeros_like(measurement)
    for _ in range(ITERATIONS):
        aim += measurement - cassi.forward(cube, mask, step=step)
        cube = cassi.project(cube, aim, mask, step=step)
        cube = denoise_tv_chambolle(cube, weight=TV_WEIGHT, eps=0, max_num_iter=TV_STEPS, channel_axis=2)
    return cube.clip(0, 1)
