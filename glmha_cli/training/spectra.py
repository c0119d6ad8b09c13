"""Cubes of reflectance made of a photo and a library of measured spectra: targets for networks that see colours.

No photo tells its spectra. So the pixels of a photo only say where which colour is, and measured spectra of
about that colour fill them; the network's input is then made of the cube, not of the photo.
"""

import numpy as np
from einops import rearrange
from jaxtyping import Float, Int, UInt8

from glmha_cli.physics.colour import srgb_to_linear
from glmha_cli.training.reflectances import LUMINANCE, Library, likeness, pure_chromaticity, resample, squared_distances

BY_RIDGE = 0.8
"""Share of training cubes by `ridge_cube`; the others are by `palette_cube`."""

PALETTE = 8
NEAREST = (1, 16)
AT_ONCE = 1 << 14
LINEAR = srgb_to_linear(np.arange(256) / 255).astype(np.float32)


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
    cube, known = rgb @ library.change, pure_chromaticity(library.colours)
    for pixels, spectra in zip(_parts(rgb), _parts(cube), strict=True):
        weights = likeness(pure_chromaticity(pixels), known)
        spectra += (pixels @ LUMINANCE)[:, None] * (weights @ library.beyond_colour)
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
    nearest = squared_distances(_chromaticity(rgb).reshape(-1, 2), _chromaticity(library.colours)).argmin(axis=1)
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


def _parts(pixels: Float[np.ndarray, "n c"]) -> list[Float[np.ndarray, "_ c"]]:
    """Views that together are all of them: against a whole library large crops would not fit into memory."""
    return np.array_split(pixels, -(-len(pixels) // AT_ONCE))


def _similar_spectra(library: Library, anchors: Float[np.ndarray, "k 2"],
                     rng: np.random.Generator) -> Int[np.ndarray, " 2k"]:
    """Two of the nearest spectra for each anchor: first one of all, then the other of all."""
    distances = squared_distances(anchors, _chromaticity(library.colours))
    few, many = NEAREST
    near = np.argsort(distances, axis=1)[:, :int(few * ((many + 1) / few) ** rng.random())]
    choice = rng.integers(near.shape[1], size=(len(anchors), 2))
    return np.take_along_axis(near, choice, axis=1).T.ravel()


def _shares(chromaticity: Float[np.ndarray, "n 2"], anchors: Float[np.ndarray, "k 2"],
            rng: np.random.Generator) -> Float[np.ndarray, "n k"]:
    """How much of each palette colour a pixel has; sums to 1. Sharp to soft, and no two colours weigh the same."""
    width = np.exp(rng.uniform(np.log(0.01), np.log(0.08)))
    preference = rng.normal(0, 2, len(anchors)).astype(np.float32)
    logits = preference - squared_distances(chromaticity, anchors) * np.float32(0.5 / width**2)
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
