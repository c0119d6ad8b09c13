"""Lights by the CIE's names, or measured, and what a cube looks like in them to a camera whose white is right.

A photo's white balance shows a perfect white diffuser as white. So the photo of a reflectance r in a light L is
linear RGB = M B T' r: T the CIE 1931 observer times L, B Bradford's adaptation from the white of L to D65 (as ICC
profiles have it), M XYZ to sRGB (IEC 61966-2-1). A spectrum of ones is white in any light.

Sources: CIE 15:2018, the D series by its formula (4.1.2), A by Planck's (4.1.1), tables T.1 (D series), T.4 (observer),
T.6 (F1 to F12), here at 5 nm as colour-science has them.
"""

import re
from functools import lru_cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float
from scipy.optimize import lsq_linear

from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.physics.colour import LIKENESS, Light, likely_change
from glmha_cli.physics.wavelengths import RGB2HSI_NM

NAMES = "D65, D50 (any of D40 to D250), A, F1 to F12"
_TABLE = np.loadtxt(str(files("glmha_cli.physics") / "cie_5nm.csv"), delimiter=",", skiprows=1)
_NM, _OBSERVER, _D_SERIES, _F_SERIES = _TABLE[:, 0], _TABLE[:, 1:4], _TABLE[:, 4:7], _TABLE[:, 7:]
_XYZ_TO_RGB = np.array(
    [[3.2404542, -1.5371385, -0.4985314], [-0.969266, 1.8760108, 0.041556], [0.0556434, -0.2040259, 1.0572252]]
)
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_EXACT = 1e3
"""How much more it counts that a primary has its colour than that its spectrum is smooth."""
_STEPS, _DARK = 3, 1e-3
Power = Float[np.ndarray, " 61"]
"""Of a light in each 5 nm from 400 to 700, in any unit."""


def power_of(name: str) -> Power:
    """A light of the CIE at `_NM`; UsageError for a name that is none of them."""
    text = name.upper()
    if found := re.fullmatch(r"D(\d{2,3})", text):
        return _daylight(100.0 * int(found[1]), name)
    if text == "A":
        return _incandescent()
    if (found := re.fullmatch(r"F(\d{1,2})", text)) and 1 <= int(found[1]) <= _F_SERIES.shape[1]:
        return _F_SERIES[:, int(found[1]) - 1]
    raise UsageError(f"'{name}' is no light that is known: {NAMES}", "--illuminant measured.csv, of nm and power")


def measured(nm: Float[np.ndarray, " n"], power: Float[np.ndarray, " n"]) -> Power:
    """The mean power of each 5 nm, weighted as hats, so that lines count wherever they lie.

    BadDataError for a spectrum that does not cover 400 to 700 nm, or leaves one of the eye's three curves dark.
    """
    if nm[0] > _NM[0] or nm[-1] < _NM[-1]:
        raise BadDataError(f"covers {nm[0]:g} to {nm[-1]:g} nm, not {_NM[0]:g} to {_NM[-1]:g}")
    fine = np.arange(_NM[0] - 5, _NM[-1] + 6)
    hats = (1 - np.abs(fine - _NM[:, None]) / 5).clip(min=0)
    found = hats @ np.interp(fine, nm, power) / hats.sum(axis=1)
    if (found @ _OBSERVER).min() < _DARK * (found @ _OBSERVER).sum():
        raise BadDataError("has no power where the eye sees")
    return found


def _daylight(kelvin: float, name: str) -> Power:
    """The D series; the names say temperatures by the constant of 1931, which was 1.438 cm K."""
    kelvin *= 1.4388 / 1.438
    if not 4000 <= kelvin <= 25020:
        raise UsageError(f"'{name}' is no daylight: the CIE's are D40 to D250", "--illuminant D50")
    inverse = 1000 / kelvin
    cool = kelvin > 7000
    a, b, c, d = (0.23704, 0.24748, 1.9018, -2.0064) if cool else (0.244063, 0.09911, 2.9678, -4.607)
    x = a + b * inverse + c * inverse**2 + d * inverse**3
    y = -3 * x**2 + 2.87 * x - 0.275
    m = 0.0241 + 0.2562 * x - 0.7341 * y
    return _D_SERIES @ [1, (-1.3515 - 1.7703 * x + 5.9114 * y) / m, (0.03 - 31.4424 * x + 30.0717 * y) / m]


def _incandescent() -> Power:
    return (560 / _NM) ** 5 * np.expm1(1.435e7 / (2848 * 560)) / np.expm1(1.435e7 / (2848 * _NM))


@lru_cache(maxsize=4)
def light_of(power: tuple[float, ...]) -> Light:
    """Of the power at `_NM`: bands count as the light of a hat about each, as reflectances between them are linear."""
    hats = (1 - np.abs(_NM - np.array(RGB2HSI_NM)[:, None]) / 10).clip(min=0)
    of_band = hats @ (_OBSERVER * np.array(power)[:, None])
    white = of_band.sum(axis=0) / of_band[:, 1].sum()
    d65 = np.linalg.solve(_XYZ_TO_RGB, np.ones(3))
    adaptation = np.linalg.solve(_BRADFORD, np.diag(_BRADFORD @ d65 / (_BRADFORD @ white)) @ _BRADFORD)
    to_rgb = of_band @ (_XYZ_TO_RGB @ adaptation).T
    to_rgb = to_rgb / to_rgb.sum(axis=0)
    primaries = primaries_in(to_rgb)
    is_exact = np.allclose(primaries.T @ to_rgb, np.eye(3), atol=1e-3)
    return Light(to_rgb, likely_change(LIKENESS, to_rgb), primaries, steps=1 if is_exact else _STEPS)


def primaries_in(to_rgb: Float[np.ndarray, "31 3"]) -> Float[np.ndarray, "31 3"]:
    """Spectra in [0, 1] of the three primaries, smooth, 1 together in each band, of their colour as far as such are."""
    bands = len(to_rgb)
    each, steps = np.eye(3), np.diff(np.eye(bands), axis=0)
    colour, together = _EXACT * np.kron(each, to_rgb.T), _EXACT * np.kron(np.ones((1, 3)), np.eye(bands))
    matrix = np.vstack([colour, together, np.kron(each, steps)])
    wanted = np.concatenate([_EXACT * each.ravel(), _EXACT * np.ones(bands), np.zeros(3 * (bands - 1))])
    return lsq_linear(matrix, wanted, bounds=(0, 1)).x.reshape(3, bands).T
