"""Motion blur for training: paths (motion.py), scaled, turned and averaged along per patch.

Light adds up while the shutter is open, so blur is in linear light, before highlights clip; noise, demosaicing and the
camera's curve come after it (exposure.py). The sharp photo is what is seen at the middle of the exposure, as benchmarks
define it. Those averaged from high-speed video (Nah et al., "Deep multi-scale convolutional neural network for dynamic
scene deblurring", 2017) are free of noise: so is a share of the samples.

A patch does not hold what moves in from outside, so it is continued by reflection at its borders.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float
from PIL import Image

from glmha_cli.errors import BadDataError
from glmha_cli.physics.colour import linear_to_srgb, srgb_to_linear
from glmha_cli.training.degradations import Degrade, MakePair
from glmha_cli.training.degradations.exposure import Exposure
from glmha_cli.training.degradations.mixtures import mixture, require_mixture, require_scale, require_shares
from glmha_cli.training.degradations.motion import Path, at_mid_exposure, continued, convolve, draw_paths, kernel_of
from glmha_cli.training.degradations.sensor import from_levels, log_uniform, to_levels
from glmha_cli.training.degradations.validation_blur import add_validation_blur

KINDS = ("uniform", "varying", "moving", "weak", "clean")
SHARES = ("enlarged", "saturated", "photographed", "compressed")
MAX_EXTENT_PX = 58.0
CORNERS = np.array([[-1 - 1j, 1 - 1j], [-1 + 1j, 1 + 1j]]) / np.sqrt(2)
FRAME_STEPS = 6
"""Steps of a path between two frames of an averaged sequence."""

Photo = Float[np.ndarray, "h w 3"]
Paths = Complex[np.ndarray, "n steps"]


@dataclass(frozen=True, kw_only=True)
class BlurConfig:
    """What the samples are (shares of all samples, summing to 1), how strong, and how many paths there are.

    `uniform` is one path for the whole patch, `varying` a path that turns and stretches across it, `moving` a sequence
    of frames in which an object goes its own way, or nearer things move more than those behind them, `weak` hardly any
    blur, `clean` the photo as it is. Paths span `extent_px` (`weak_px`, of weak ones), as many short as long ones on a
    logarithmic scale, at most 58 px. Of all but clean samples, the share `enlarged` shows a photo of more pixels: it is
    enlarged, with its blur, by a factor in `scale`; `saturated` has highlights brighter than white, by a factor in
    `boost`; `photographed` has the noise, mosaic and curve of a camera, and of these `compressed` went through JPEG of
    a quality in `jpeg_quality`. The others are free of noise, as averaged video is.
    """

    uniform: float = 0.3
    varying: float = 0.28
    moving: float = 0.24
    weak: float = 0.1
    clean: float = 0.08
    extent_px: tuple[float, float] = (3.0, 40.0)
    weak_px: tuple[float, float] = (0.3, 2.5)
    enlarged: float = 0.3
    scale: tuple[float, float] = (1.0, 4.0)
    saturated: float = 0.3
    boost: tuple[float, float] = (2.0, 10.0)
    photographed: float = 0.6
    compressed: float = 0.4
    jpeg_quality: tuple[int, int] = (70, 100)
    bank_paths: int = 1024
    bank_seed: int = 0

    def __post_init__(self) -> None:
        require_mixture(self, KINDS, of="blur")
        require_shares(self, SHARES)
        require_scale(self.scale)
        for low, high in (self.extent_px, self.weak_px):
            if not 0 < low <= high <= MAX_EXTENT_PX:
                raise BadDataError(f"paths of {low} to {high} px: blur is possible up to {MAX_EXTENT_PX} px")
        if self.bank_paths < 1:
            raise BadDataError("a bank needs at least one path")

    def training(self) -> MakePair:
        """Blur of all kinds, along paths drawn now."""
        paths = draw_paths(self.bank_paths, seed=self.bank_seed)
        return lambda photo, rng: blurred_pair(photo, paths=paths, rng=rng, config=self)

    def validation(self) -> dict[str, Degrade]:
        """Blur by another mechanism, and sharp photos that must come back as they are."""
        return {"shake": lambda image, rng: add_validation_blur(image, rng=rng), "sharp": lambda image, rng: image}


def blurred_pair(photo: Photo, *, paths: Paths, rng: np.random.Generator, config: BlurConfig) -> tuple[Photo, Photo]:
    """(blurred, sharp) of a sharp photo or patch of any size.

    `photo` is sRGB in [0, 1], float32; so are both results, clipped and rounded to 8-bit levels, as files are.
    The same generator state gives the same pair.
    """
    kind = rng.choice(KINDS, p=mixture(config, KINDS))
    photo = from_levels(to_levels(photo))
    if kind == "clean":
        return photo, photo
    scale = log_uniform(rng, config.scale) if rng.random() < config.enlarged else 1.0
    photo = enlarged(photo, scale)
    exposure = None
    if rng.random() < config.photographed:
        exposure = Exposure.draw(photo.shape[:2], rng, compressed=config.compressed, quality=config.jpeg_quality)
    light = exposure.to_light(photo) if exposure else srgb_to_linear(photo)
    if kind != "weak" and rng.random() < config.saturated:
        light = boost_highlights(light, log_uniform(rng, config.boost))
    blurred = _BLURS[kind](light, Motion(paths, rng, config, scale)).clip(0, 1)
    return (exposure.photo(blurred) if exposure else from_levels(to_levels(linear_to_srgb(blurred)))), photo


def enlarged(photo: Photo, scale: float) -> Photo:
    """The middle of the photo at the size of the whole: the same scene in more pixels."""
    if scale == 1:
        return photo
    height, width = photo.shape[:2]
    rows, cols = (max(1, round(side / scale)) for side in (height, width))
    top, left = (height - rows) // 2, (width - cols) // 2
    part = Image.fromarray(to_levels(photo[top : top + rows, left : left + cols]))
    return from_levels(np.asarray(part.resize((width, height), Image.Resampling.BICUBIC)))


def boost_highlights(linear: Float[np.ndarray, "h w 3"], factor: float) -> Float[np.ndarray, "h w 3"]:
    """What a clipped lamp or glint was in the scene: the brightest pixels, two in a hundred at most, times `factor`.

    Large white areas are left alone: they are rarely much brighter than white.
    """
    brightness = linear.mean(axis=2, keepdims=True)
    knee = max(0.6, np.quantile(brightness, 0.98))
    share = np.clip((brightness - knee) / max(1 - knee, 1e-3), 0, 1)
    return linear * (1 + (factor - 1) * share).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Motion:
    """Where the paths of a sample come from, and how much longer than stated they are."""

    paths: Paths
    rng: np.random.Generator
    config: BlurConfig
    scale: float

    def extent(self, limits_px: tuple[float, float]) -> float:
        return min(log_uniform(self.rng, limits_px) * self.scale, MAX_EXTENT_PX)

    def path(self, extent_px: float) -> Path:
        """One of the paths, turned at will, in px; 0 at the middle of the exposure."""
        turned = self.rng.choice(self.paths) * (extent_px * np.exp(2j * np.pi * self.rng.random()))
        return at_mid_exposure(turned)


def _uniform(light: Photo, motion: Motion) -> Photo:
    return convolve(light, [[kernel_of(motion.path(motion.extent(motion.config.extent_px)))]])


def _weak(light: Photo, motion: Motion) -> Photo:
    return convolve(light, [[kernel_of(motion.path(motion.extent(motion.config.weak_px)))]])


def _varying(light: Photo, motion: Motion) -> Photo:
    """The camera also rolls and nears: at z from the centre the path is p(t) + z q(t), with q complex."""
    extent_px = motion.extent(motion.config.extent_px)
    path = motion.path(extent_px)
    # Together not longer than the longest path, so that kernels stay as small.
    twist = motion.path(min(motion.rng.uniform(0.2, 0.8) * extent_px + 2, MAX_EXTENT_PX - extent_px))
    return convolve(light, [[kernel_of(path + twist * corner) for corner in row] for row in CORNERS])


def _moving(light: Photo, motion: Motion) -> Photo:
    """The mean of frames in which an object and the background behind it are moved separately."""
    front, back = (np.rint(track[::FRAME_STEPS]) for track in _tracks(motion))
    margin = int(max(np.abs(track).max() for track in (front, back))) + 1
    behind = continued(light, margin)
    mask = _blob(behind.shape[:2], motion.rng)
    before = behind * mask

    def frame(layer: np.ndarray, shift: complex) -> np.ndarray:
        top, left = margin + int(shift.imag), margin + int(shift.real)
        return layer[top : top + light.shape[0], left : left + light.shape[1]]

    total = np.zeros_like(light)
    for shift, ground in zip(front, back, strict=True):
        total += frame(before, shift) + (1 - frame(mask, shift)) * frame(behind, ground)
    return total / np.float32(len(front))


def _tracks(motion: Motion) -> tuple[Path, Path]:
    """Of the object and of the background: each its own, or of one moving camera, by their depth."""
    rng, config = motion.rng, motion.config
    front = motion.path(motion.extent(config.extent_px))
    if rng.random() < 0.4:
        return front, front * rng.uniform(0.2, 0.8)
    back = motion.path(motion.extent(config.weak_px if rng.random() < 0.4 else config.extent_px))
    follows = rng.random() < 0.3  # the camera, the object
    return (back, front) if follows else (front, back)


_BLURS: dict[str, Callable[[Photo, Motion], Photo]] = {
    "uniform": _uniform,
    "varying": _varying,
    "moving": _moving,
    "weak": _weak,
}


def _blob(shape: tuple[int, int], rng: np.random.Generator) -> Float[np.ndarray, "h w 1"]:
    """A mask in [0, 1] of smooth outline: the sign, softened, of a sum of slow random waves."""
    rows, cols = (np.cos(np.pi * np.arange(5) * (np.arange(side)[:, None] + 0.5) / side) for side in shape)
    field = rows @ rng.standard_normal((5, 5)) @ cols.T
    field = (field - field.mean()) / (field.std() + 1e-9)
    return np.clip(0.5 + rng.uniform(4, 20) * field, 0, 1).astype(np.float32)[..., None]
