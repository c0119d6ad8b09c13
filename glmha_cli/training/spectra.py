"""Cubes of reflectance made of a photo and a library of measured spectra: targets for networks that see colours.

No photo tells its spectra. So the pixels of a photo only say where which colour is, and measured spectra of
about that colour fill them; the network's input is then made of the cube, not of the photo.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from einops import rearrange
from jaxtyping import Float, Int, UInt8

from glmha_cli.errors import BadDataError
from glmha_cli.io.guard import reading
from glmha_cli.io.variables import open_variables, pick
from glmha_cli.physics.colour import TO_RGB, srgb_to_linear
from glmha_cli.physics.wavelengths import RGB2HSI_NM

HOLD_OUT_EVERY = 10
FEWEST = 5 * HOLD_OUT_EVERY
LARGEST_GAP_NM = 5.0
"""So far beyond its first and last band a spectrum may be continued as it ends."""

BY_RIDGE = 0.8
"""Share of training cubes by `ridge_cube`; the others are by `palette_cube`."""

REACH, RIDGE = 0.2, 1e-3
"""Of kernel ridge: exp(-distance of chromaticities / REACH). Of all that were tried, predicting each of ISETCam's training
reflectances from all others errs least like this: 5.5 % (MRAE); with Gaussian kernels 8.7 % at best.
"""

PALETTE = 8
NEAREST = (1, 16)
AT_ONCE = 1 << 14
LINEAR = srgb_to_linear(np.arange(256) / 255).astype(np.float32)
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
        covariance = np.cov(reflectance.T)
        change = np.linalg.solve(TO_RGB.T @ covariance @ TO_RGB, TO_RGB.T @ covariance)
        spectra, change = (resample(values, RGB2HSI_NM, wavelength_nm) for values in (unit, change))
        chromaticity = _pure_chromaticity(colours)
        likeness = _likeness(chromaticity, chromaticity) + RIDGE * np.eye(len(colours))
        beyond_colour = np.linalg.solve(likeness, spectra - colours @ change)
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
            raise BadDataError(f"holds {' x '.join(map(str, values.shape))} reflectances at {len(nm)} wavelengths",
                               f"it needs at least {FEWEST} spectra, a row each, and as many wavelengths as columns")
        if not (values.min() >= 0 and 0 < values.max() <= 1.5 and values.max(axis=1).min() > 0):
            raise BadDataError("holds values that are no reflectances", "they are fractions of 1, and no row is all 0")
        reflectance = resample(values.astype(np.float64), nm, RGB2HSI_NM)
    held_out = np.arange(len(reflectance)) % HOLD_OUT_EVERY == 0
    return reflectance[~held_out], reflectance[held_out]


def resample(values: Float[np.ndarray, "*n bands"], from_nm: Sequence[float],
             to_nm: Sequence[float]) -> Float[np.ndarray, "*n wanted"]:
    """Linear interpolation along the last axis; BadDataError where `from_nm` does not cover `to_nm`."""
    have, want = np.asarray(from_nm, float), np.asarray(to_nm, float)
    if len(have) < 2 or (np.diff(have) <= 0).any():
        raise BadDataError("its wavelengths do not rise from band to band")
    if want[0] < have[0] - LARGEST_GAP_NM or want[-1] > have[-1] + LARGEST_GAP_NM:
        raise BadDataError(f"covers {have[0]:g}..{have[-1]:g} nm, not {want[0]:g}..{want[-1]:g} nm")
    right = np.searchsorted(have, want).clip(1, len(have) - 1)
    share = ((want - have[right - 1]) / (have[right] - have[right - 1])).clip(0, 1).astype(values.dtype)
    return values[..., right - 1] * (1 - share) + values[..., right] * share


def training_cube(photo: UInt8[np.ndarray, "h w 3"], library: Library,
                  rng: np.random.Generator) -> Float[np.ndarray, "h w bands"]:
    """A cube in [0, 1] that renders close to `photo` at a random gain, by one of the two mechanisms; float32."""
    return (ridge_cube if rng.random() < BY_RIDGE else palette_cube)(photo, library, rng)


def ridge_cube(photo: UInt8[np.ndarray, "h w 3"], library: Library,
               rng: np.random.Generator) -> Float[np.ndarray, "h w bands"]:
    """A cube in [0, 1] in which each pixel has the spectrum that all of the library together make most likely for its
    chromaticity, by kernel ridge; what is left of its colour is the Wiener estimate.
    """
    rgb = _linear_at_random_gain(photo, rng)
    cube = rgb @ library.change
    for pixels, spectra in zip(_parts(rgb), _parts(cube), strict=True):
        likeness = _likeness(_pure_chromaticity(pixels), _pure_chromaticity(library.colours))
        spectra += (pixels @ LUMINANCE)[:, None] * (likeness @ library.beyond_colour)
    return np.clip(cube, 0, 1, out=cube).reshape(*photo.shape[:2], -1)


def palette_cube(photo: UInt8[np.ndarray, "h w 3"], library: Library,
                 rng: np.random.Generator) -> Float[np.ndarray, "h w bands"]:
    """A cube in [0, 1] that renders close to `photo` at a random gain; float32.

    The colours of some pixels become a palette. Each of them gets two measured spectra of about its
    chromaticity, whose mixture drifts over the photo; a pixel mixes the palette by likeness in chromaticity, at its
    own luminance, and what is left of its colour is the Wiener estimate. Only clipping to [0, 1] changes the colour.
    """
    height, width = photo.shape[:2]
    rgb = _linear_at_random_gain(photo, rng)
    chromaticity = _chromaticity(rgb)
    anchors = chromaticity[rng.integers(len(rgb), size=PALETTE)]
    picks = _similar_spectra(library, anchors, rng)
    shares = _shares(chromaticity, anchors, rng) * (rgb @ LUMINANCE)[:, None]
    drift = _smooth_field(height, width, rng).reshape(-1, 1)
    # Mixing and correcting are linear, so both are one matrix product.
    corrected = _corrected(library, picks)
    parts = np.concatenate([shares * drift, shares * (1 - drift), rgb], axis=1)
    cube = parts @ np.concatenate([corrected, library.change])
    return rearrange(np.clip(cube, 0, 1, out=cube), "(h w) bands -> h w bands", h=height)


def nearest_cube(photo: UInt8[np.ndarray, "h w 3"], library: Library) -> Float[np.ndarray, "h w bands"]:
    """A cube in [0, 1] in which each pixel has the one measured spectrum of the most similar chromaticity, at its
    own luminance: pure materials with hard borders, for validation.
    """
    rgb = LINEAR[photo]
    nearest = _squared_distances(_chromaticity(rgb).reshape(-1, 2), _chromaticity(library.colours)).argmin(axis=1)
    cube = library.spectra[nearest].reshape(*photo.shape[:2], -1)
    cube *= (rgb @ LUMINANCE)[..., None]
    return np.clip(cube, 0, 1, out=cube)


def _linear_at_random_gain(photo: UInt8[np.ndarray, "h w 3"],
                           rng: np.random.Generator) -> Float[np.ndarray, "n 3"]:
    gain = np.exp(rng.uniform(np.log(0.4), np.log(1.2)))
    return rearrange(np.minimum(LINEAR[photo] * np.float32(gain), 1), "h w c -> (h w) c")


def _corrected(library: Library, index: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n bands"]:
    """Spectra less the Wiener estimate of their colours: what they have beyond what their colour says."""
    return library.spectra[index] - library.colours[index] @ library.change


def _chromaticity(rgb: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 2"]:
    """Shares of red and green; near black, where 8 bits tell no hue, those of grey."""
    lifted = rgb + np.float32(0.01)
    return lifted[..., :2] / lifted.sum(axis=-1, keepdims=True)


def _pure_chromaticity(rgb: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 2"]:
    """Shares of red and green; of black, none."""
    return rgb[..., :2] / np.maximum(rgb.sum(axis=-1, keepdims=True), rgb.dtype.type(1e-6))


def _likeness(a: Float[np.ndarray, "n 2"], b: Float[np.ndarray, "m 2"]) -> Float[np.ndarray, "n m"]:
    return np.exp(np.sqrt(_squared_distances(a, b)) * a.dtype.type(-1 / REACH))


def _parts(pixels: Float[np.ndarray, "n c"]) -> list[Float[np.ndarray, "_ c"]]:
    """Views that together are all of them: against a whole library large crops would not fit into memory."""
    return np.array_split(pixels, -(-len(pixels) // AT_ONCE))


def _squared_distances(a: Float[np.ndarray, "n 2"], b: Float[np.ndarray, "m 2"]) -> Float[np.ndarray, "n m"]:
    return (a[:, :1] - b[:, 0]) ** 2 + (a[:, 1:] - b[:, 1]) ** 2


def _similar_spectra(library: Library, anchors: Float[np.ndarray, "k 2"],
                     rng: np.random.Generator) -> Int[np.ndarray, " 2k"]:
    """Two of the nearest spectra for each anchor: first one of all, then the other of all."""
    distances = _squared_distances(anchors, _chromaticity(library.colours))
    few, many = NEAREST
    near = np.argsort(distances, axis=1)[:, :int(few * ((many + 1) / few) ** rng.random())]
    choice = rng.integers(near.shape[1], size=(len(anchors), 2))
    return np.take_along_axis(near, choice, axis=1).T.ravel()


def _shares(chromaticity: Float[np.ndarray, "n 2"], anchors: Float[np.ndarray, "k 2"],
            rng: np.random.Generator) -> Float[np.ndarray, "n k"]:
    """How much of each palette colour a pixel has; sums to 1. Sharp to soft, and no two colours weigh the same."""
    width = np.exp(rng.uniform(np.log(0.01), np.log(0.08)))
    preference = rng.normal(0, 2, len(anchors)).astype(np.float32)
    logits = preference - _squared_distances(chromaticity, anchors) * np.float32(0.5 / width**2)
    logits -= logits.max(axis=1, keepdims=True)
    shares = np.exp(logits, out=logits)
    return shares / shares.sum(axis=1, keepdims=True)


def _smooth_field(height: int, width: int, rng: np.random.Generator) -> Float[np.ndarray, "h w"]:
    """In [0, 1]: a few random values, interpolated linearly."""
    knots = rng.random(rng.integers(2, 6, size=2)).astype(np.float32)
    for axis, length in ((0, height), (1, width)):
        at = np.linspace(0, knots.shape[axis] - 1, length)
        knots = np.moveaxis(resample(np.moveaxis(knots, axis, -1), np.arange(knots.shape[axis]), at), -1, axis)
    return knots
