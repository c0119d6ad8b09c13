"""Motion blur for training: paths of shaking hands, drawn once, then scaled, turned and averaged along per patch.

A path is a Markov motion (Boracchi and Foi, "Modeling the performance of image restoration from motion blur",
2012; Kupyn et al., "DeblurGAN", 2018): a velocity with inertia, jitter, now and then a jerk back, and a pull to
the centre. Light adds up while the shutter is open, so blur is in linear light, before highlights clip.

A patch does not hold what moves in from outside, so it is continued by reflection at its borders. A path is
complex, x + iy, and its mean is 0: a result is not shifted against its photo.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float
from scipy import fft

from glmha_cli.errors import BadDataError
from glmha_cli.physics.colour import linear_to_srgb, srgb_to_linear
from glmha_cli.training.degradations import Degrade
from glmha_cli.training.degradations.sensor import add_noise, from_levels, log_uniform, through_jpeg, to_levels
from glmha_cli.training.degradations.validation_blur import add_validation_blur

SHARES = ("uniform", "varying", "moving", "weak", "clean")
PATH_STEPS = 192
MAX_EXTENT_PX = 58.0
JITTER, JERKS, PULL = (0.003, 0.2), (3e-4, 0.02), (1e-5, 5e-3)
"""Per step of about unit length: random change of velocity, probability of a jerk back, pull per distance."""
SHOT, READ = (1e-5, 4e-4), (2e-4, 2e-3)
"""Variance of shot noise per light, deviation of read noise; white is 1."""
CORNERS = np.array([[-1 - 1j, 1 - 1j], [-1 + 1j, 1 + 1j]]) / np.sqrt(2)


@dataclass(frozen=True, kw_only=True)
class BlurConfig:
    """What the samples are (shares of all samples, summing to 1), how strong, and how many paths there are.

    `uniform` is one path for the whole patch, `varying` a path that turns and stretches across it, `moving` an
    object that goes its own way before the background, `weak` hardly any blur, `clean` the photo as it is.
    Paths span `extent_px` (`weak_px`, of weak ones), as many short as long ones on a logarithmic scale, at
    most 58 px (kernels of 61). Of all but clean samples, the share `saturated` has highlights brighter than
    white, by a factor in `boost`; `noisy` has read noise and shot noise; `compressed` went through JPEG of a
    quality in `jpeg_quality`.
    """

    uniform: float = 0.32
    varying: float = 0.27
    moving: float = 0.23
    weak: float = 0.1
    clean: float = 0.08
    extent_px: tuple[float, float] = (3.0, 40.0)
    weak_px: tuple[float, float] = (0.3, 2.5)
    saturated: float = 0.3
    boost: tuple[float, float] = (2.0, 10.0)
    noisy: float = 0.4
    compressed: float = 0.3
    jpeg_quality: tuple[int, int] = (70, 100)
    bank_paths: int = 1024
    bank_seed: int = 0

    def __post_init__(self) -> None:
        shares = [getattr(self, name) for name in SHARES]
        if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
            raise BadDataError(f"blur shares must be non-negative and sum to 1, not {shares}")
        for low, high in (self.extent_px, self.weak_px):
            if not 0 < low <= high <= MAX_EXTENT_PX:
                raise BadDataError(f"paths of {low} to {high} px: blur is possible up to {MAX_EXTENT_PX} px")
        if self.bank_paths < 1:
            raise BadDataError("a bank needs at least one path")

    def training(self) -> Degrade:
        """Blur of all kinds, along paths drawn now."""
        paths = draw_paths(self.bank_paths, seed=self.bank_seed)
        return lambda image, rng: add_blur(image, paths=paths, rng=rng, config=self)

    def validation(self) -> dict[str, Degrade]:
        """Blur by another mechanism, and sharp photos that must come back as they are."""
        return {"shake": lambda image, rng: add_validation_blur(image, rng=rng), "sharp": lambda image, rng: image}


def draw_paths(num_paths: int, *, seed: int) -> Complex[np.ndarray, "n steps"]:
    """Markov motions of mean 0 that just touch the circle of diameter 1, from nearly straight to erratic."""
    rng = np.random.default_rng(seed)
    jitter, jerks, pull = (low * (high / low) ** rng.random(num_paths) for low, high in (JITTER, JERKS, PULL))
    velocity = np.exp(2j * np.pi * rng.random(num_paths))
    positions = np.zeros((num_paths, PATH_STEPS), complex)
    for step in range(1, PATH_STEPS):
        jerk = rng.random(num_paths) < jerks
        velocity = np.where(jerk, -velocity * np.exp(0.6j * rng.standard_normal(num_paths)), velocity)
        velocity = velocity + jitter * _normal(rng, num_paths) - pull * positions[:, step - 1]
        positions[:, step] = positions[:, step - 1] + velocity
    positions -= positions.mean(axis=1, keepdims=True)
    return positions / (2 * np.abs(positions).max(axis=1, keepdims=True))


def _normal(rng: np.random.Generator, num: int) -> Complex[np.ndarray, " num"]:
    return rng.standard_normal(num) + 1j * rng.standard_normal(num)


def add_blur(
    image: Float[np.ndarray, "h w 3"],
    *,
    paths: Complex[np.ndarray, "n steps"],
    rng: np.random.Generator,
    config: BlurConfig,
) -> Float[np.ndarray, "h w 3"]:
    """Motion blur of a random kind on a sharp photo or patch of any size.

    `image` is sRGB in [0, 1], float32; so is the result, clipped and rounded to 8-bit levels, as files are.
    The same generator state gives the same blur.
    """
    kind = rng.choice(SHARES, p=[getattr(config, name) for name in SHARES])
    if kind == "clean":
        return from_levels(to_levels(image))
    linear = srgb_to_linear(image)
    if kind != "weak" and rng.random() < config.saturated:
        linear = boost_highlights(linear, log_uniform(rng, config.boost))
    blurred = _KINDS[kind](linear, paths, rng, config).clip(0, 1)
    if rng.random() < config.noisy:
        noisy = add_noise(blurred, rng, shot=log_uniform(rng, SHOT), read=log_uniform(rng, READ))
        blurred = noisy.clip(0, 1)
    levels = to_levels(linear_to_srgb(blurred))
    if rng.random() < config.compressed:
        levels = through_jpeg(levels, rng, config.jpeg_quality)
    return from_levels(levels)


def boost_highlights(linear: Float[np.ndarray, "h w 3"], factor: float) -> Float[np.ndarray, "h w 3"]:
    """What a clipped lamp or glint was in the scene: the brightest pixels, two in a hundred at most, times `factor`.

    Large white areas are left alone: they are rarely much brighter than white.
    """
    brightness = linear.mean(axis=2, keepdims=True)
    knee = max(0.6, np.quantile(brightness, 0.98))
    share = np.clip((brightness - knee) / max(1 - knee, 1e-3), 0, 1)
    return linear * (1 + (factor - 1) * share).astype(np.float32)


def _uniform(linear: np.ndarray, paths: np.ndarray, rng: np.random.Generator, config: BlurConfig) -> np.ndarray:
    return convolve(linear, [[kernel_of(_path(paths, rng, config.extent_px))]])


def _weak(linear: np.ndarray, paths: np.ndarray, rng: np.random.Generator, config: BlurConfig) -> np.ndarray:
    return convolve(linear, [[kernel_of(_path(paths, rng, config.weak_px))]])


def _varying(linear: np.ndarray, paths: np.ndarray, rng: np.random.Generator, config: BlurConfig) -> np.ndarray:
    """The camera also rolls and nears: at z from the centre the path is p(t) + z q(t), with q complex."""
    path = _path(paths, rng, config.extent_px)
    # Together not longer than the longest path, so that kernels stay as small.
    room_px = MAX_EXTENT_PX - 2 * np.abs(path).max()
    twist = _path(paths, rng, (1, 1)) * min(rng.uniform(0.2, 0.8) * 2 * np.abs(path).max() + 2, room_px)
    return convolve(linear, [[kernel_of(path + twist * corner) for corner in row] for row in CORNERS])


def _moving(linear: np.ndarray, paths: np.ndarray, rng: np.random.Generator, config: BlurConfig) -> np.ndarray:
    """The mean of frames in which an object and the background behind it are moved separately."""
    moves = config.weak_px if rng.random() < 0.4 else config.extent_px
    tracks = [_path(paths, rng, config.extent_px), _path(paths, rng, moves)]
    if rng.random() < 0.3:  # the camera follows the object
        tracks.reverse()
    front, back = (np.rint(track[::6]) for track in tracks)
    margin = int(np.ceil(MAX_EXTENT_PX / 2))
    behind = _continued(linear, margin)
    mask = _blob(behind.shape[:2], rng)
    before = behind * mask

    def frame(layer: np.ndarray, shift: complex) -> np.ndarray:
        top, left = margin + int(shift.imag), margin + int(shift.real)
        return layer[top : top + linear.shape[0], left : left + linear.shape[1]]

    total = np.zeros_like(linear)
    for shift, ground in zip(front, back, strict=True):
        total += frame(before, shift) + (1 - frame(mask, shift)) * frame(behind, ground)
    return total / np.float32(len(front))


_KINDS = {"uniform": _uniform, "varying": _varying, "moving": _moving, "weak": _weak}


def _path(paths: np.ndarray, rng: np.random.Generator, extent_px: tuple[float, float]) -> Complex[np.ndarray, " steps"]:
    """One of the paths, turned at will, in px."""
    return rng.choice(paths) * (log_uniform(rng, extent_px) * np.exp(2j * np.pi * rng.random()))


def _blob(shape: tuple[int, int], rng: np.random.Generator) -> Float[np.ndarray, "h w 1"]:
    """A mask in [0, 1] of smooth outline: the sign, softened, of a sum of slow random waves."""
    rows, cols = (np.cos(np.pi * np.arange(5) * (np.arange(side)[:, None] + 0.5) / side) for side in shape)
    field = rows @ rng.standard_normal((5, 5)) @ cols.T
    field = (field - field.mean()) / (field.std() + 1e-9)
    return np.clip(0.5 + rng.uniform(4, 20) * field, 0, 1).astype(np.float32)[..., None]


def kernel_of(path_px: Complex[np.ndarray, " steps"]) -> Float[np.ndarray, "side side"]:
    """The time a path spends over each pixel, as shares of 1; side is odd and the origin in the middle."""
    radius = int(np.ceil(max(np.abs(path_px.real).max(), np.abs(path_px.imag).max()))) + 1
    side = 2 * radius + 1
    y, x = path_px.imag + radius, path_px.real + radius
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    down, right = y - top, x - left
    index = np.concatenate([(top + i) * side + left + j for i in (0, 1) for j in (0, 1)])
    weight = np.concatenate([v * h for v in (1 - down, down) for h in (1 - right, right)])
    kernel = np.bincount(index, weight, side * side).reshape(side, side)
    return (kernel / len(path_px)).astype(np.float32)


def convolve(
    linear: Float[np.ndarray, "h w 3"], kernels: Sequence[Sequence[Float[np.ndarray, "side side"]]]
) -> Float[np.ndarray, "h w 3"]:
    """Blur with a grid of kernels spread over the image, corner to corner, and mixed in between.

    The grid is 1 x 1 (the same everywhere) or 2 x 2. Beyond its borders the image is reflected.
    """
    height, width = linear.shape[:2]
    margin = max(len(kernel) for row in kernels for kernel in row) // 2
    planes = np.ascontiguousarray(_continued(linear, margin).transpose(2, 0, 1))
    size = [fft.next_fast_len(side, real=True) for side in planes.shape[1:]]
    spectra = [fft.rfft2(plane, size) for plane in planes]
    result = np.zeros_like(linear)
    for row, down in zip(kernels, _hats(len(kernels), height), strict=True):
        for kernel, right in zip(row, _hats(len(row), width), strict=True):
            # The kernel's corner, not its middle, is at the origin: that shifts the result by its radius.
            first, response = margin + len(kernel) // 2, fft.rfft2(kernel, size)
            weight = down[:, None] * right
            for channel, spectrum in enumerate(spectra):
                blurred = fft.irfft2(spectrum * response, size)
                result[..., channel] += weight * blurred[first : first + height, first : first + width]
    return result


def _hats(num: int, length: int) -> Float[np.ndarray, "num length"]:
    """Weights that sum to 1 everywhere: constant for one, a ramp down and a ramp up for two."""
    ramp = np.linspace(0, 1, length, dtype=np.float32)
    return np.stack([1 - ramp, ramp]) if num == 2 else np.ones((num, length), np.float32)


def _continued(linear: np.ndarray, margin: int) -> np.ndarray:
    return np.pad(linear, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
