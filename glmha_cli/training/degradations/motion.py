"""Paths of shaking hands, drawn once, and blur along them.

A path is a Markov motion (Boracchi and Foi, "Modeling the performance of image restoration from motion blur",
2012; Kupyn et al., "DeblurGAN", 2018): a velocity with inertia, jitter, now and then a jerk back, and a pull to
the centre. It is complex, x + iy.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Complex, Float
from scipy import fft

PATH_STEPS = 192
JITTER, JERKS, PULL = (0.003, 0.2), (3e-4, 0.02), (1e-5, 5e-3)
"""Per step of about unit length: random change of velocity, probability of a jerk back, pull per distance."""

Path = Complex[np.ndarray, " steps"]


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


def from_halfway(path: Path) -> Path:
    """The path seen from where half of the light is on either side, along the longer axis of where it fell.

    On a way in one direction that is the middle of the exposure. Of a path that doubles back no photo tells where that
    was, but this it does.
    """
    centred = path - path.mean()
    # Half the angle of the second moment is the longer axis's.
    along = (centred * np.exp(-0.5j * np.angle((centred**2).mean()))).real
    return path - path[np.argsort(along, kind="stable")[len(path) // 2]]


def kernel_of(path_px: Path) -> Float[np.ndarray, "side side"]:
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
    planes = np.ascontiguousarray(continued(linear, margin).transpose(2, 0, 1))
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


def continued(linear: np.ndarray, margin: int) -> np.ndarray:
    return np.pad(linear, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
