"""Rain for training: layers of streaks (rain_layers.py), enlarged, mixed and blended per patch.

Heavy rain follows what the Rain200H pairs show (Yang et al., "Deep joint rain detection and removal", 2017):
a grey layer added to the photo and clipped, several streak directions near the vertical, streaks about
two pixels wide, nine pixels in ten covered. Light rain is one sparse direction of any angle a camera sees.

Networks learn the rain they saw where backgrounds are complex (Gu et al., "Networks are slacking off: understanding
generalization problem in image deraining", NeurIPS 2023): so some backgrounds are made simpler. What a camera adds
later, noise and JPEG, is in the target as well, since it is no rain.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from jaxtyping import Float
from PIL import Image
from scipy import ndimage

from glmha_cli.errors import BadDataError
from glmha_cli.training.degradations import Degrade, MakePair
from glmha_cli.training.degradations.colours import recoloured
from glmha_cli.training.degradations.exposure import Exposure
from glmha_cli.training.degradations.look_alikes import draw_look_alikes
from glmha_cli.training.degradations.mixtures import (
    LARGEST_SCALE,
    mixture,
    require_mixture,
    require_scale,
    require_shares,
)
from glmha_cli.training.degradations.rain_blends import blended
from glmha_cli.training.degradations.rain_layers import RainBank, window
from glmha_cli.training.degradations.sensor import from_levels, log_uniform, to_levels
from glmha_cli.training.degradations.validation_rain import add_validation_rain

KINDS = ("heavy", "light", "mist", "droplets", "clean")
SHARES = ("enlarged", "near", "recoloured", "simple", "look_alikes", "photographed", "compressed")
NEAR_SCALE = (2.5, 5.0)
"""How much wider the streaks of near drops are than those behind them."""

Photo = Float[np.ndarray, "h w 3"]


@dataclass(frozen=True, kw_only=True)
class RainConfig:
    """What the samples are and how large the bank is.

    `heavy` is benchmark rain, `light` light to medium rain, `mist` light rain in haze, `droplets` light rain
    with drops on the lens, `clean` the photo as it is: shares of all samples that sum to 1. Of all rain the share
    `enlarged` has streaks longer and wider by a factor in `scale`. Of light rain (with mist or droplets or none) the
    share `near` has thick faint streaks of near drops before it. Of all samples the share `recoloured` has other
    colours than its photo, `simple` a simpler background, `look_alikes` lines, lights, bars or text that must stay,
    under rain or not, and `photographed` the noise and curve of a camera, after the rain; of these `compressed` went
    through JPEG of a quality in `jpeg_quality`.
    `bank_layers` layers of `layer_px` squared pixels cost one byte a pixel, `bank_seed` is what they are drawn from.
    """

    heavy: float = 0.4
    light: float = 0.39
    mist: float = 0.05
    droplets: float = 0.04
    clean: float = 0.12
    enlarged: float = 0.4
    scale: tuple[float, float] = (1.0, 4.0)
    near: float = 0.25
    recoloured: float = 0.5
    simple: float = 0.15
    look_alikes: float = 0.25
    photographed: float = 0.3
    compressed: float = 0.6
    jpeg_quality: tuple[int, int] = (70, 98)
    bank_layers: int = 192
    layer_px: int = 512
    bank_seed: int = 0

    def __post_init__(self) -> None:
        require_mixture(self, KINDS, of="rain")
        require_shares(self, SHARES)
        require_scale(self.scale)
        if self.bank_layers < 2 or self.layer_px < 16:
            raise BadDataError("a rain bank needs at least 2 layers of 16 px")

    def training(self) -> Sequence[MakePair]:
        """Rain of all kinds, from a bank drawn now."""
        bank = RainBank.draw(num_layers=self.bank_layers, layer_px=self.layer_px, seed=self.bank_seed)
        return [lambda photo, rng: rainy_pair(photo, bank=bank, rng=rng, config=self)]

    def validation(self) -> dict[str, Degrade]:
        """Light rain by another mechanism, and clean photos that must come back as they are."""
        return {"light": lambda image, rng: add_validation_rain(image, rng=rng), "clean": lambda image, rng: image}


def rainy_pair(photo: Photo, *, bank: RainBank, rng: np.random.Generator, config: RainConfig) -> tuple[Photo, Photo]:
    """(rainy, as it should be) of a clean photo or patch of any size.

    `photo` is sRGB in [0, 1], float32; so are both results, clipped and rounded to 8-bit levels, as files are.
    The same generator state gives the same pair.
    """
    kind = rng.choice(KINDS, p=mixture(config, KINDS))
    if rng.random() < config.recoloured:
        photo = recoloured(photo, rng)
    if rng.random() < config.simple:
        photo = simplified(photo, rng)
    if rng.random() < config.look_alikes:
        photo = draw_look_alikes(photo, rng)
    scale = log_uniform(rng, config.scale) if rng.random() < config.enlarged else 1.0
    rainy = photo if kind == "clean" else _RAIN[kind](photo, Rain(bank, rng, scale, config.near)).clip(0, 1)
    if rng.random() >= config.photographed:
        return from_levels(to_levels(rainy)), from_levels(to_levels(photo))
    exposure = Exposure.draw(photo.shape[:2], rng, compressed=config.compressed, quality=config.jpeg_quality)
    return exposure.photo(exposure.to_light(rainy)), exposure.photo(exposure.to_light(photo))


def simplified(photo: Photo, rng: np.random.Generator) -> Photo:
    """Far out of focus: what is left of it at a size smaller by 8 to 64."""
    height, width = photo.shape[:2]
    factor = log_uniform(rng, (8, 64))
    small = (max(1, round(width / factor)), max(1, round(height / factor)))
    image = Image.fromarray(to_levels(photo)).resize(small, Image.Resampling.BOX)
    return from_levels(np.asarray(image.resize((width, height), Image.Resampling.BICUBIC)))


@dataclass(frozen=True, eq=False)
class Rain:
    """Where the streaks of a sample come from: bank, generator, their scale, and the share of near drops."""

    bank: RainBank
    rng: np.random.Generator
    scale: float
    near: float


def _heavy(photo: Photo, rain: Rain) -> Photo:
    """Benchmark rain: two to four dense directions around a common one, at times thin drops across; added."""
    rng, bank = rain.rng, rain.bank
    mean = rng.uniform(0.1, 0.25) if rng.random() < 0.5 else rng.uniform(0.22, 0.45)
    angles = rng.normal(0, 4) + rng.normal(0, 10, rng.integers(2, 5))
    picks = [bank.dense_near(angle, rng) for angle in angles]
    if rng.random() < 0.5:
        picks.append(bank.sparse_near(rng.normal(0, 25), rng))
    layers = (rng.uniform(0.2, 1) * window(layer, photo.shape, rng, scale=rain.scale) for layer in picks)
    streaks = reduce(np.add, layers)
    # The floor keeps a window with hardly a streak in it from being stretched into a few blinding ones.
    return photo + (streaks * (mean / max(streaks.mean(), 8)))[..., None]


def _light(photo: Photo, rain: Rain) -> Photo:
    """One direction (at times two layers of it, near and far), added, screened or lit by the sky."""
    rng = rain.rng
    angle = np.clip(rng.normal(0, 18), -55, 55)
    scales = [rain.scale] * rng.choice([1, 1, 2])
    opacities = [(0.1, 0.6)] * len(scales)
    if rng.random() < rain.near:
        scales.append(min(rain.scale * log_uniform(rng, NEAR_SCALE), 2 * LARGEST_SCALE))
        opacities.append((0.05, 0.35))
    layers = (
        log_uniform(rng, limits) / 255 * window(rain.bank.sparse_near(angle, rng), photo.shape, rng, scale=scale)
        for scale, limits in zip(scales, opacities, strict=True)
    )
    return blended(photo, reduce(np.add, layers), rng)


def _mist(photo: Photo, rain: Rain) -> Photo:
    """Light rain seen through haze: a pale veil, thicker towards one side, blended over.

    The veil stays thin: a network taught to lift thick haze would also change clean photos of low contrast.
    """
    rng = rain.rng
    down, right = (np.linspace(-1, 1, length, dtype=np.float32) for length in photo.shape[:2])
    slope = rng.uniform(-0.06, 0.06, 2).astype(np.float32)
    veil = np.float32(rng.uniform(0.04, 0.2)) + slope[0] * down[:, None] + slope[1] * right[None, :]
    veil = np.clip(veil, 0, 1)[..., None]
    return _light(photo * (1 - veil) + np.float32(rng.uniform(0.6, 0.95)) * veil, rain)


def _droplets(photo: Photo, rain: Rain) -> Photo:
    """Light rain and drops on the lens: soft discs through which the photo is blurred and paler."""
    rng, (height, width) = rain.rng, photo.shape[:2]
    disc = np.zeros((height, width), dtype=np.float32)
    for _ in range(rng.poisson(height * width / 4000)):
        radius, y, x = rng.uniform(2, 9), rng.uniform(0, height), rng.uniform(0, width)
        rows = np.arange(max(int(y - radius), 0), min(int(y + radius) + 2, height))[:, None]
        cols = np.arange(max(int(x - radius), 0), min(int(x + radius) + 2, width))[None, :]
        distance = np.hypot(rows - y, cols - x)
        disc[rows, cols] = np.maximum(disc[rows, cols], np.clip(1.5 * (1 - distance / radius), 0, 1))
    paleness = np.float32(rng.uniform(0.05, 0.2))
    through = ndimage.uniform_filter(photo, (13, 13, 1)) * np.float32(0.85) + paleness
    return _light(photo + disc[..., None] * (through - photo), rain)


_RAIN: dict[str, Callable[[Photo, Rain], Photo]] = {
    "heavy": _heavy,
    "light": _light,
    "mist": _mist,
    "droplets": _droplets,
}
