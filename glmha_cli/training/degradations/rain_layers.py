"""Layers of streaks, drawn once: filtered noise, then cropped, turned around, enlarged and mixed per patch.

Drawing a layer costs as much as a training step of the network; taking a window of one costs next to nothing.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image
from scipy import fft

from glmha_cli.training.degradations.sensor import log_uniform

Layer = UInt8[np.ndarray, "size size"]
"""Brightness of streaks of one direction, 0..255, periodic in both axes."""


@dataclass(frozen=True, kw_only=True)
class RainBank:
    """Streak layers, each of one direction and periodic in both axes, with that direction.

    `dense`, `sparse`: brightness 0..255. `*_angles_deg`: from the vertical, positive where the upper end of a
    streak is to the right of its lower end.
    """

    dense: UInt8[np.ndarray, "n size size"]
    dense_angles_deg: Float[np.ndarray, " n"]
    sparse: UInt8[np.ndarray, "m size size"]
    sparse_angles_deg: Float[np.ndarray, " m"]

    def dense_near(self, angle_deg: float, rng: np.random.Generator) -> Layer:
        return self.dense[_nearest(self.dense_angles_deg, angle_deg, rng)]

    def sparse_near(self, angle_deg: float, rng: np.random.Generator) -> Layer:
        return self.sparse[_nearest(self.sparse_angles_deg, angle_deg, rng)]

    @classmethod
    def draw(cls, *, num_layers: int, layer_px: int, seed: int) -> "RainBank":
        """Half dense, half sparse; about 0.02 s and 256 kB a layer of 512 px."""
        rng = np.random.default_rng(seed)
        half = num_layers // 2
        dense_angles = np.clip(rng.normal(0, 13, half), -40, 40)
        sparse_angles = np.clip(rng.normal(0, 20, num_layers - half), -60, 60)
        dense = [_dense_layer(rng, angle_deg=angle, size=layer_px) for angle in dense_angles]
        sparse = [_sparse_layer(rng, angle_deg=angle, size=layer_px) for angle in sparse_angles]
        return cls(
            dense=np.stack(dense),
            dense_angles_deg=dense_angles,
            sparse=np.stack(sparse),
            sparse_angles_deg=sparse_angles,
        )


def _dense_layer(rng: np.random.Generator, *, angle_deg: float, size: int) -> UInt8[np.ndarray, "size size"]:
    """Soft tapering streaks, or (one layer in three) the benchmark's hard flat ones with blunt ends."""
    load, coverage = rng.uniform(0.6, 2.5), rng.uniform(0.3, 0.9)
    hard = rng.random() < 1 / 3
    return _streaks(
        rng,
        size=size,
        angle_deg=angle_deg,
        load=load,
        coverage=coverage,
        length_px=log_uniform(rng, (24, 150 if hard else 260)),
        taper=0.0 if hard else 0.3,
        sigma_px=rng.uniform(0.6, 0.95 if hard else 1.15),
        plateau=rng.uniform(0.15, 0.5) if hard else rng.uniform(0.005, 0.15),
    )


def _sparse_layer(rng: np.random.Generator, *, angle_deg: float, size: int) -> UInt8[np.ndarray, "size size"]:
    load = log_uniform(rng, (0.01, 0.4))
    return _streaks(
        rng,
        size=size,
        angle_deg=angle_deg,
        load=load,
        coverage=2 * load,
        length_px=log_uniform(rng, (6, 120)),
        taper=rng.uniform(0.1, 0.7),
        sigma_px=rng.uniform(0.4, 1.2),
        plateau=rng.uniform(0.02, 0.3),
    )


def _streaks(
    rng: np.random.Generator,
    *,
    size: int,
    angle_deg: float,
    length_px: float,
    taper: float,
    sigma_px: float,
    load: float,
    coverage: float,
    plateau: float,
) -> UInt8[np.ndarray, "size size"]:
    """Motion-blurred sparse noise, stretched to the full range.

    `load` is the mean number of streaks over a pixel, `taper` the share of its length over which one fades
    in and out. The brightest `coverage` of the pixels are rain, and of these the share `plateau` is clipped
    at full brightness, as in rain rendered by levels.
    """
    rate = load / (length_px * 2.5 * sigma_px)
    drops = rng.random((size, size), dtype=np.float32) < rate
    drops = drops * rng.gamma(2.0, 0.5, (size, size)).astype(np.float32)
    fy, fx = fft.fftfreq(size)[:, None], fft.rfftfreq(size)[None, :]
    angle = np.deg2rad(angle_deg)
    along = fy * np.cos(angle) - fx * np.sin(angle)
    motion = np.sinc(length_px * along) * np.sinc(taper * length_px * along)
    focus = np.exp(-2 * (np.pi * sigma_px) ** 2 * (fx**2 + fy**2))
    blurred = fft.irfft2(fft.rfft2(drops) * (motion * focus).astype(np.float32), s=(size, size))
    black, white = np.quantile(blurred, [1 - coverage, 1 - coverage * plateau])
    # Where fewer pixels than `coverage` are wet, the rest is rounding noise of the transform around zero.
    black = max(black, 0.02 * white)
    stretched = (blurred - black) * (255 / max(white - black, 1e-9))
    return np.clip(np.rint(stretched), 0, 255).astype(np.uint8)


def _nearest(angles_deg: np.ndarray, wanted_deg: float, rng: np.random.Generator) -> int:
    """A random one of the six layers closest in angle."""
    return rng.choice(np.argsort(np.abs(angles_deg - wanted_deg))[:6])


def window(
    layer: Layer, shape: tuple[int, ...], rng: np.random.Generator, *, scale: float = 1.0
) -> Float[np.ndarray, "h w"]:
    """A window of a layer from a random place, wrapped as needed, half the time turned around; 0..255.

    scale: how much longer and wider its streaks are, 1 or more.
    """
    small = [int(np.ceil(length / scale)) for length in shape[:2]]
    rows, cols = ((rng.integers(len(layer)) + np.arange(length)) % len(layer) for length in small)
    if rng.random() < 0.5:
        rows, cols = rows[::-1], cols[::-1]
    found = layer[rows[:, None], cols]
    if scale > 1:
        found = np.asarray(Image.fromarray(found).resize((shape[1], shape[0]), Image.Resampling.BICUBIC))
    return found.astype(np.float32)
