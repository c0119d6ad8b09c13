"""Cubes of reflectance made of a photo and a library of measured spectra: targets for networks that see colours.

No photo tells its spectra. So the pixels of a photo only say where which colour is, and what measured spectra make
most likely for that colour fills them; the network's input is then made of the cube, not of the photo.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from glmha_cli.errors import BadDataError
from glmha_cli.physics.colour import srgb_to_linear
from glmha_cli.training.data.reflectances import LUMINANCE, Library, likeness, pure_chromaticity, squared_distances
from glmha_cli.training.degradations.sensor import log_uniform

GAIN, SATURATION = (0.4, 1.2), (1.0, 2.5)
AT_ONCE = 1 << 14
LINEAR = srgb_to_linear(np.arange(256) / 255).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class CubesConfig:
    """How colours are changed before cubes are made of them: photos hold few pixels of strong colours, on which spectra
    are
    hardest to tell.

    Of all crops the share `saturated` is moved away from grey by a factor in SATURATION. Of the share `shuffled` the
    pixels change places: a spectrum is a matter of its own pixel, however different those beside it.
    """

    saturated: float = 0.0
    shuffled: float = 0.0

    def __post_init__(self) -> None:
        for name, share in vars(self).items():
            if not 0 <= share <= 1:
                raise BadDataError(f"the share of {name} crops is {share}", "0..1")


def training_cube(
    photo: UInt8[np.ndarray, "h w 3"], library: Library, rng: np.random.Generator, config: CubesConfig
) -> Float[np.ndarray, "h w bands"]:
    """`likely_cube` of `photo` at a random gain, in other colours."""
    rgb = LINEAR[photo] * np.float32(log_uniform(rng, GAIN))
    if rng.random() < config.shuffled:
        rgb = rng.permutation(rgb.reshape(-1, 3)).reshape(rgb.shape)
    if rng.random() < config.saturated:
        grey = rgb @ LUMINANCE[:, None]
        rgb = np.maximum(grey + (rgb - grey) * np.float32(log_uniform(rng, SATURATION)), 0)
    return likely_cube(np.minimum(rgb, 1), library)


def likely_cube(rgb: Float[np.ndarray, "h w 3"], library: Library) -> Float[np.ndarray, "h w bands"]:
    """A cube in [0, 1] in which each pixel has the spectrum that all of the library together make most likely for its
    chromaticity, by kernel ridge; what is left of its colour is the Wiener estimate. rgb: linear sRGB in [0, 1]. Only
    clipping to [0, 1] changes the colours.
    """
    pixels = rgb.reshape(-1, 3)
    cube, known = pixels @ library.change, pure_chromaticity(library.colours)
    for some, spectra in zip(_parts(pixels), _parts(cube), strict=True):
        weights = likeness(pure_chromaticity(some), known)
        spectra += (some @ LUMINANCE)[:, None] * (weights @ library.beyond_colour)
    return np.clip(cube, 0, 1, out=cube).reshape(*rgb.shape[:2], -1)


def nearest_cube(photo: UInt8[np.ndarray, "h w 3"], library: Library) -> Float[np.ndarray, "h w bands"]:
    """A cube in [0, 1] in which each pixel has the one measured spectrum of the most similar chromaticity, at its
    own luminance: pure materials with hard borders, for validation.
    """
    rgb = LINEAR[photo]
    nearest = squared_distances(_chromaticity(rgb).reshape(-1, 2), _chromaticity(library.colours)).argmin(axis=1)
    cube = library.spectra[nearest].reshape(*photo.shape[:2], -1)
    cube *= (rgb @ LUMINANCE)[..., None]
    return np.clip(cube, 0, 1, out=cube)


def _chromaticity(rgb: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 2"]:
    """Shares of red and green; near black, where 8 bits tell no hue, those of grey."""
    lifted = rgb + np.float32(0.01)
    return lifted[..., :2] / lifted.sum(axis=-1, keepdims=True)


def _parts(pixels: Float[np.ndarray, "n c"]) -> list[Float[np.ndarray, "_ c"]]:
    """Views that together are all of them: against a whole library large crops would not fit into memory."""
    return np.array_split(pixels, -(-len(pixels) // AT_ONCE))
