"""Motion blur by kind: how light is averaged along the paths of a moving camera, or of an object before it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float

from glmha_cli.training.degradations.motion import Path, continued, convolve, from_halfway, kernel_of
from glmha_cli.training.degradations.sensor import log_uniform

MAX_EXTENT_PX = 58.0
CORNERS = np.array([[-1 - 1j, 1 - 1j], [-1 + 1j, 1 + 1j]]) / np.sqrt(2)
FRAME_STEPS = 6
"""Steps of a path between two frames of an averaged sequence."""

Photo = Float[np.ndarray, "h w 3"]
Paths = Complex[np.ndarray, "n steps"]


@dataclass(frozen=True, eq=False)
class Motion:
    """Where the paths of a sample come from, how far they span in px, and how much longer than stated they are."""

    paths: Paths
    rng: np.random.Generator
    extent_px: tuple[float, float]
    weak_px: tuple[float, float]
    scale: float

    def extent(self, limits_px: tuple[float, float]) -> float:
        return min(log_uniform(self.rng, limits_px) * self.scale, MAX_EXTENT_PX)

    def path(self, extent_px: float) -> Path:
        """One of the paths, turned at will, in px; 0 where half of its light is on either side."""
        turned = self.rng.choice(self.paths) * (extent_px * np.exp(2j * np.pi * self.rng.random()))
        return from_halfway(turned)


def _uniform(light: Photo, motion: Motion) -> Photo:
    return convolve(light, [[kernel_of(motion.path(motion.extent(motion.extent_px)))]])


def _weak(light: Photo, motion: Motion) -> Photo:
    return convolve(light, [[kernel_of(motion.path(motion.extent(motion.weak_px)))]])


def _varying(light: Photo, motion: Motion) -> Photo:
    """The camera also rolls and nears: at z from the centre the path is p(t) + z q(t), with q complex."""
    extent_px = motion.extent(motion.extent_px)
    path = motion.path(extent_px)
    # Little, as in the middle the blur is the mean of the corners'; together not longer than the longest path.
    twist = motion.path(min(motion.rng.uniform(0.1, 0.4) * extent_px + 0.5, MAX_EXTENT_PX - extent_px))
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
    rng = motion.rng
    front = motion.path(motion.extent(motion.extent_px))
    if rng.random() < 0.4:
        return front, front * rng.uniform(0.2, 0.8)
    back = motion.path(motion.extent(motion.weak_px if rng.random() < 0.4 else motion.extent_px))
    follows = rng.random() < 0.3  # the camera, the object
    return (back, front) if follows else (front, back)


BLURS: dict[str, Callable[[Photo, Motion], Photo]] = {
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
