"""What the networks for spectra have to beat: classic methods, small, and from the literature as they stand.

rgb2hsi: regressions from measured reflectances, pixel by pixel: least squares, kernel ridge, root polynomials and a
perceptron. sci: GAP-TV.
"""

from collections.abc import Callable
from itertools import product
from math import gcd

import numpy as np
from jaxtyping import Float

from glmha_cli.physics import cassi
from glmha_cli.physics.colour import TO_RGB
from glmha_cli.srgb import linear_to_srgb, srgb_to_linear

GAMMA, ALPHA, AT_MOST = 30.0, 1e-3, 4000
ORDER, RIDGES, DARKEST = 4, 10.0 ** np.arange(-8, 1), 0.01
WIDTH, STEPS, BATCH, GAIN = 96, 3000, 1024, (0.05, 1.3)
ITERATIONS, TV_WEIGHT, TV_STEPS = 60, 0.06, 8
PIXELS_AT_ONCE = 8192

FromPhoto = Callable[[Float[np.ndarray, "h w 3"]], Float[np.ndarray, "h w 31"]]
"""An sRGB photo in [0, 1] -> its cube in [0, 1]."""


def least_squares(reflectance: Float[np.ndarray, "n 31"]) -> FromPhoto:
    """The matrix from linear RGB to spectrum that errs least, squared, over `reflectance`; at 400..700 nm, step 10."""
    matrix = np.linalg.lstsq(reflectance @ TO_RGB, reflectance, rcond=None)[0]
    return lambda photo: (srgb_to_linear(photo) @ matrix).clip(0, 1)


def kernel_ridge(reflectance: Float[np.ndarray, "n 31"]) -> FromPhoto:
    """Kernel ridge regression (RBF) from RGB / sum to spectrum / sum, scaled back by the sum of the linear RGB; of more
    than AT_MOST spectra so many, evenly chosen: its matrix has a row and a column for each.
    """
    from sklearn.kernel_ridge import KernelRidge

    reflectance = reflectance[:: -(-len(reflectance) // AT_MOST)]
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


def root_polynomial(reflectance: Float[np.ndarray, "n 31"]) -> FromPhoto:
    """Ridge regression of each band from root-polynomial features, with the least relative squared error (Lin and
    Finlayson 2020 and 2021): at any exposure the same. The ridge of each band is the best on every fifth spectrum, from
    the others.
    """
    features = root_features(reflectance @ TO_RGB)
    checked = np.arange(len(features)) % 5 == 0
    weights = np.stack([relative_ridge(features, band, checked) for band in reflectance.T], axis=1)

    def predict(photo: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w 31"]:
        return (root_features(srgb_to_linear(photo)) @ weights).clip(0, 1)

    return predict


def root_features(rgb: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n features"]:
    """(r^i g^j b^k)^(1 / (i + j + k)) of up to ORDER, each once (Finlayson et al. 2015)."""
    powers = [each for each in product(range(ORDER + 1), repeat=3) if 1 <= sum(each) <= ORDER and gcd(*each) == 1]
    return np.stack([np.prod(rgb.clip(0) ** (np.array(each) / sum(each)), axis=-1) for each in powers], axis=-1)


def relative_ridge(
    features: Float[np.ndarray, "n features"], band: Float[np.ndarray, " n"], checked: np.ndarray
) -> Float[np.ndarray, " features"]:
    relative = features / band.clip(DARKEST)[:, None]
    wanted = band / band.clip(DARKEST)

    def fit(rows: np.ndarray, ridge: float) -> Float[np.ndarray, " features"]:
        x = relative[rows]
        return np.linalg.solve(x.T @ x + ridge * len(x) * np.eye(x.shape[1]), x.T @ wanted[rows])

    errors = [np.abs(relative[checked] @ fit(~checked, ridge) - wanted[checked]).mean() for ridge in RIDGES]
    return fit(np.ones_like(checked), RIDGES[np.argmin(errors)])


def perceptron(reflectance: Float[np.ndarray, "n 31"]) -> FromPhoto:
    """From sRGB to spectrum by two hidden layers, trained for about a minute on spectra at random gains, photographed
    in 8 bits, by the relative error plus five times the absolute one.
    """
    import torch

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    network = torch.nn.Sequential(
        torch.nn.Linear(3, WIDTH), torch.nn.GELU(), torch.nn.Linear(WIDTH, WIDTH), torch.nn.GELU(),
        torch.nn.Linear(WIDTH, 31),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=STEPS)
    for _ in range(STEPS):
        gain = np.exp(rng.uniform(*np.log(GAIN), (BATCH, 1)))
        spectra = reflectance[rng.integers(len(reflectance), size=BATCH)] * gain
        spectra /= np.maximum(spectra.max(axis=1, keepdims=True), 1)
        photo = np.rint(linear_to_srgb((spectra @ TO_RGB).clip(0, 1)) * 255) / 255
        target = torch.from_numpy(spectra).float()
        error = (network(torch.from_numpy(photo).float()) - target).abs()
        loss = (error / target.clamp(min=DARKEST)).mean() + 5 * error.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rates.step()

    def predict(photo: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w 31"]:
        with torch.no_grad():
            return network(torch.from_numpy(photo).float()).numpy().clip(0, 1)

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
