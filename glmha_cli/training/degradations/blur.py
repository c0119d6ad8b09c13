"""Motion blur for training: paths (motion.py), scaled, turned and averaged along per patch (blur_kinds.py).

Light adds up while the shutter is open, so blur is in linear light, before highlights clip; noise, demosaicing and the
camera's curve come after it (exposure.py). The sharp photo is what is seen halfway (`motion.from_halfway`): of ways in
one direction, as benchmarks have them, at the middle of the exposure. Theirs, averaged from high-speed video (Nah et
al., "Deep multi-scale convolutional neural network for dynamic scene deblurring", 2017), are free of noise: so is a
share of the samples.

A patch does not hold what moves in from outside, so it is continued by reflection at its borders.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from PIL import Image

from glmha_cli.errors import BadDataError
from glmha_cli.srgb import linear_to_srgb, srgb_to_linear
from glmha_cli.training.degradations import Degrade, MakePair
from glmha_cli.training.degradations.blur_kinds import BLURS, MAX_EXTENT_PX, Motion, Paths, Photo
from glmha_cli.training.degradations.exposure import Exposure
from glmha_cli.training.degradations.mixtures import mixture, require_mixture, require_scale, require_shares
from glmha_cli.training.degradations.motion import draw_paths
from glmha_cli.training.degradations.sensor import from_levels, log_uniform, to_levels
from glmha_cli.training.degradations.validation_blur import add_validation_blur

KINDS = ("uniform", "varying", "moving", "weak", "clean")
SHARES = ("enlarged", "saturated", "photographed", "mosaic", "compressed")


@dataclass(frozen=True, kw_only=True)
class BlurConfig:
    """What the samples are (shares of all samples, summing to 1), how strong, and how many paths there are.

    `uniform` is one path for the whole patch, `varying` a path that turns and stretches across it, `moving` a sequence
    of frames in which an object goes its own way, or nearer things move more than those behind them, `weak` hardly any
    blur, `clean` the photo as it is. Paths span `extent_px` (`weak_px`, of weak ones), as many short as long ones on a
    logarithmic scale, at most 58 px. Of all but clean samples, the share `enlarged` shows a photo of more pixels: it is
    enlarged, with its blur, by a factor in `scale`; `saturated` has highlights brighter than white, by a factor in
    `boost`; `photographed` has the noise and curve of a camera, and of these `mosaic` its mosaic (the others are as
    photos made smaller), `compressed` went through JPEG of a quality in `jpeg_quality`. The rest is free of noise, as
    averaged video is.
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
    mosaic: float = 0.6
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
            raise BadDataError("bank_paths must be at least 1")

    def training(self) -> Sequence[MakePair]:
        """Blur of all kinds, along paths drawn now."""
        paths = draw_paths(self.bank_paths, seed=self.bank_seed)
        return [lambda photo, rng: blurred_pair(photo, paths=paths, rng=rng, config=self)]

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
        exposure = Exposure.draw(
            photo.shape[:2], rng, compressed=config.compressed, quality=config.jpeg_quality, mosaic=config.mosaic
        )
    light = exposure.to_light(photo) if exposure else srgb_to_linear(photo)
    if kind != "weak" and rng.random() < config.saturated:
        light = boost_highlights(light, log_uniform(rng, config.boost))
    motion = Motion(paths, rng, config.extent_px, config.weak_px, scale)
    blurred = BLURS[kind](light, motion).clip(0, 1)
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
