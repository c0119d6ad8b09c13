"""Cubes of reflectance made of measured spectra, and of photos that say where they lie: targets for networks that see
colours.

No photo tells its spectra. So a photo only lends its shapes, its light and its colours: each material in it gets a
measured spectrum of about its colour, another one each time, and the network's input is made of the cube, not of the
photo. What is learnt so is what the sources make likely, given all of a picture.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Num, UInt8
from scipy.spatial import cKDTree

from glmha_cli.errors import BadDataError
from glmha_cli.srgb import srgb_to_linear
from glmha_cli.training.data.light import deepened, relit, with_stray_light
from glmha_cli.training.data.reflectances import LUMINANCE, Library
from glmha_cli.training.data.scene import colour_place, scene
from glmha_cli.training.degradations.sensor import log_uniform

GAIN = (0.1, 1.0)
"""Of a spectrum as it was measured: shades only darken, so what is bright is of a bright material."""

PATCH_PX = (1, 1, 2, 4, 8)
NEAREST = 1000
LINEAR = srgb_to_linear(np.arange(256) / 255).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class CubesConfig:
    """sources: how likely a spectrum is to be of each source, whatever the number of its spectra; those not named share
    what is left of 1, every spectrum alike.

    Shares of all cubes: `one_source` hold spectra of one source alone (those not
    named count as one); `charts` are patches of measured spectra of any
    colour, without a photo; `deepened` have deeper shadows; `stray_light`
    have some light of the scene, or white, all over; `relit` stand in the light
    of a lamp or of the sky, for which the camera was not corrected. Of those made of photos, `recoloured` keep the
    photo's shapes and light, and their materials are of any colour.
    side_px: of a larger crop every second, third, … pixel is taken for a cube of so many squared: small whole scenes.
    """

    sources: Mapping[str, float] = field(default_factory=dict)
    one_source: float = 0.0
    charts: float = 0.0
    recoloured: float = 0.0
    deepened: float = 0.0
    stray_light: float = 0.0
    relit: float = 0.0
    side_px: int | None = None

    def __post_init__(self) -> None:
        for name in ("one_source", "charts", "recoloured", "deepened", "stray_light", "relit"):
            share = getattr(self, name)
            if not 0 <= share <= 1:
                raise BadDataError(f"the share of {name} cubes is {share}", "0..1")
        if min(self.sources.values(), default=0) < 0:
            raise BadDataError(f"weights of sources {dict(self.sources)}", "0 for none of it, or more")


def training_cube(
    photo: UInt8[np.ndarray, "h w 3"], library: Library, rng: np.random.Generator, config: CubesConfig
) -> Float[np.ndarray, "h w bands"]:
    """A cube in [0, 1] as `config` asks for; h and w are those of the photo, or `config.side_px`."""
    photo = thinned(photo, rng, config.side_px)
    weights = library.weights(config.sources)
    if rng.random() < config.one_source:
        weights = one_group(library, rng, config)
    if rng.random() < config.charts:
        cube = chart(photo.shape[:2], library, rng, weights)
    else:
        cube = scene(LINEAR[photo], library, rng, weights, recoloured=rng.random() < config.recoloured)
        cube *= np.float32(log_uniform(rng, GAIN))
    if rng.random() < config.deepened:
        cube = deepened(cube, rng)
    if rng.random() < config.relit:
        cube = relit(cube, library.wavelength_nm, rng)
    if rng.random() < config.stray_light:
        cube = with_stray_light(cube, rng)
    return within(cube)


def one_group(library: Library, rng: np.random.Generator, config: CubesConfig) -> Float[np.ndarray, " sources"]:
    """One of `library.groups`, as often as the square root of its weight says: rare ones are to be known, too."""
    weights, groups = library.weights(config.sources), list(library.groups(config.sources).values())
    often = np.sqrt([weights[group > 0].sum() for group in groups])
    return groups[rng.choice(len(groups), p=often / often.sum())]


def thinned(photo: Num[np.ndarray, "h w c"], rng: np.random.Generator, side_px: int | None) -> Num[np.ndarray, "_ _ c"]:
    """Every n-th pixel, from any first one, until `side_px` squared are there; one that is no larger as it is."""
    if side_px is None or min(photo.shape[:2]) <= side_px:
        return photo
    every = rng.integers(1, min(photo.shape[:2]) // side_px + 1)
    top, left = (rng.integers(size - every * (side_px - 1)) for size in photo.shape[:2])
    return photo[top::every, left::every][:side_px, :side_px]


def within(cube: Float[np.ndarray, "h w bands"]) -> Float[np.ndarray, "h w bands"]:
    """In [0, 1]: a pixel that exceeds it becomes darker, not flat."""
    cube = np.maximum(cube, 0)
    return np.minimum(cube / np.maximum(cube.max(axis=2, keepdims=True), 1), 1)


def chart(
    shape: tuple[int, int], library: Library, rng: np.random.Generator, weights: Float[np.ndarray, " sources"]
) -> Float[np.ndarray, "h w bands"]:
    """Equal square patches, of a side in PATCH_PX, each a measured spectrum as bright as it was measured, times a gain:
    one for all in half of the charts, each its own in the others.
    """
    side = rng.choice(PATCH_PX)
    rows, columns = (-(-length // side) for length in shape)
    drawn = library.draw(rng, rows * columns, weights)
    count = 1 if rng.random() < 0.5 else len(drawn)
    gains = np.exp(rng.uniform(math.log(GAIN[0]), math.log(GAIN[1]), count)).astype(np.float32)
    bright = library.luminance[drawn] * gains
    patches = (library.spectra[drawn] * bright[:, None]).reshape(rows, columns, -1)
    return patches.repeat(side, axis=0).repeat(side, axis=1)[: shape[0], : shape[1]]


def charts(library: Library, named: Collection[str]) -> dict[str, Float[np.ndarray, "64 64 bands"]]:
    """For validation, always the same: of each of `library.groups` a chart of its spectra as they were measured, in
    patches of 4 px.
    """
    made = {}
    for name, weights in library.groups(named).items():
        drawn = library.draw(np.random.default_rng(0), 256, weights)
        spectra = library.spectra[drawn] * library.luminance[drawn][:, None]
        made[name] = within(spectra.reshape(16, 16, -1).repeat(4, axis=0).repeat(4, axis=1))
    return made


def nearest_cube(
    photo: UInt8[np.ndarray, "h w 3"], library: Library, weights: Float[np.ndarray, " sources"]
) -> Float[np.ndarray, "h w bands"]:
    """A cube in [0, 1] in which each pixel has the one measured spectrum of the most similar chromaticity, at its
    own luminance: pure materials with hard borders, for validation. They are of NEAREST spectra, always the same ones,
    drawn as `weights` make them likely.
    """
    rgb, drawn = LINEAR[photo], library.draw(np.random.default_rng(0), NEAREST, weights)
    nearest = cKDTree(colour_place(library.colours[drawn])).query(colour_place(rgb))[1]
    cube = library.spectra[drawn[nearest]]
    cube *= (rgb @ LUMINANCE)[..., None]
    return np.clip(cube, 0, 1, out=cube)
