"""A library of measured reflectances: read from a file, a tenth held out, and what it says of colours."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.variables import open_variables, pick
from glmha_cli.io.guard import reading
from glmha_cli.physics.colour import TO_RGB, likely_change
from glmha_cli.physics.wavelengths import RGB2HSI_NM
from glmha_cli.training.data.holdout import HOLD_OUT_EVERY

FEWEST = 5 * HOLD_OUT_EVERY
LARGEST_GAP_NM = 5.0
"""So far beyond its first and last band a spectrum may be continued as it ends."""

REACH, RIDGE = 0.2, 1e-3
"""Of kernel ridge: exp(-distance of chromaticities / REACH). Of all that were tried, predicting each of ISETCam's
training
reflectances from all others errs least like this: 5.5 % (MRAE); with Gaussian kernels 8.7 % at best.
"""

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True, eq=False)
class Library:
    """Measured reflectances, each scaled to luminance 1 under D65; float32.

    spectra: at the wavelengths of the cubes to make. colours: their linear sRGB.
    change: what a change of linear sRGB most likely is as a change of spectrum (Wiener estimate, from the
        covariance of the reflectances); its spectra render to exactly that change.
    beyond_colour: kernel ridge from chromaticities to what spectra have beyond the Wiener estimate of their colours.
    """

    spectra: Float[np.ndarray, "n bands"]
    colours: Float[np.ndarray, "n 3"]
    change: Float[np.ndarray, "3 bands"]
    beyond_colour: Float[np.ndarray, "n bands"]

    @classmethod
    def of(cls, reflectance: Float[np.ndarray, "n 31"], wavelength_nm: Sequence[float]) -> "Library":
        """reflectance: at 400..700 nm, step 10."""
        unit = reflectance / (reflectance @ TO_RGB @ LUMINANCE)[:, None]
        colours = unit @ TO_RGB
        spectra, change = (
            resample(values, RGB2HSI_NM, wavelength_nm) for values in (unit, likely_change(np.cov(reflectance.T)))
        )
        chromaticity = pure_chromaticity(colours)
        alike = likeness(chromaticity, chromaticity) + RIDGE * np.eye(len(colours))
        beyond_colour = np.linalg.solve(alike, spectra - colours @ change)
        return cls(*(values.astype(np.float32) for values in (spectra, colours, change, beyond_colour)))


def read_library(path: Path, wavelength_nm: Sequence[float]) -> tuple[Library, Library]:
    """Training and held-out spectra of a file (see `read_reflectances`) for cubes at `wavelength_nm`."""
    return tuple(Library.of(reflectance, wavelength_nm) for reflectance in read_reflectances(path))


def read_reflectances(path: Path) -> tuple[Float[np.ndarray, "n 31"], Float[np.ndarray, "m 31"]]:
    """Training and held-out reflectances (every tenth) of a file, at 400..700 nm, step 10; float64.

    The file: .npz or .mat with `reflectance` (spectra x bands, in [0, 1]) and `wavelength_nm` (bands), over
    400..700 nm. Raises NoInputError or BadDataError.
    """
    with reading(path, "a file of spectra"):
        variables = open_variables(path)
        values, nm = (variables[pick(variables, [name])]() for name in ("reflectance", "wavelength_nm"))
        nm = nm.ravel()
        if values.ndim != 2 or values.shape[1] != len(nm) or len(values) < FEWEST:
            raise BadDataError(
                f"holds {' x '.join(map(str, values.shape))} reflectances at {len(nm)} wavelengths",
                f"it needs at least {FEWEST} spectra, a row each, and as many wavelengths as columns",
            )
        if not (values.min() >= 0 and 0 < values.max() <= 1.5 and values.max(axis=1).min() > 0):
            raise BadDataError("holds values that are not reflectances", "they are fractions of 1, and no row is all 0")
        reflectance = resample(values.astype(np.float64), nm, RGB2HSI_NM)
    held_out = np.arange(len(reflectance)) % HOLD_OUT_EVERY == 0
    return reflectance[~held_out], reflectance[held_out]


def resample(
    values: Float[np.ndarray, "*n bands"], from_nm: Sequence[float], to_nm: Sequence[float]
) -> Float[np.ndarray, "*n wanted"]:
    """Linear interpolation along the last axis; BadDataError where `from_nm` does not cover `to_nm`."""
    have, want = np.asarray(from_nm, float), np.asarray(to_nm, float)
    if len(have) < 2 or (np.diff(have) <= 0).any():
        raise BadDataError("its wavelengths are not in ascending order")
    if want[0] < have[0] - LARGEST_GAP_NM or want[-1] > have[-1] + LARGEST_GAP_NM:
        raise BadDataError(f"covers {have[0]:g}..{have[-1]:g} nm, not {want[0]:g}..{want[-1]:g} nm")
    right = np.searchsorted(have, want).clip(1, len(have) - 1)
    share = ((want - have[right - 1]) / (have[right] - have[right - 1])).clip(0, 1).astype(values.dtype)
    return values[..., right - 1] * (1 - share) + values[..., right] * share


def pure_chromaticity(rgb: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 2"]:
    """Shares of red and green; of black, none."""
    return rgb[..., :2] / np.maximum(rgb.sum(axis=-1, keepdims=True), rgb.dtype.type(1e-6))


def likeness(a: Float[np.ndarray, "n 2"], b: Float[np.ndarray, "m 2"]) -> Float[np.ndarray, "n m"]:
    return np.exp(np.sqrt(squared_distances(a, b)) * a.dtype.type(-1 / REACH))


def squared_distances(a: Float[np.ndarray, "n 2"], b: Float[np.ndarray, "m 2"]) -> Float[np.ndarray, "n m"]:
    return (a[:, :1] - b[:, 0]) ** 2 + (a[:, 1:] - b[:, 1]) ** 2
