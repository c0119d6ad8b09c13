"""What every digital picture goes through: noise of the sensor, 8 bits, and often JPEG."""

import io

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image


def log_uniform(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    """Uniform on a logarithmic scale."""
    low, high = limits
    return float(low * (high / low) ** rng.random())


def add_noise(
    linear: Float[np.ndarray, "*shape"], rng: np.random.Generator, *, shot: float, read: float
) -> Float[np.ndarray, "*shape"]:
    """Noise of variance shot * light + read^2, as of photons (of many, so Gaussian) and of the read-out; float32."""
    deviation = np.sqrt(np.float32(shot) * linear + np.float32(read**2))
    return linear + deviation * rng.standard_normal(linear.shape, dtype=np.float32)


def to_levels(image: Float[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)


def from_levels(levels: UInt8[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w 3"]:
    return levels.astype(np.float32) / np.float32(255)


def through_jpeg(
    levels: UInt8[np.ndarray, "h w 3"], rng: np.random.Generator, quality: tuple[int, int]
) -> UInt8[np.ndarray, "h w 3"]:
    """Written at a random quality in `quality` (its end included), with full or halved colour, and read back."""
    file = io.BytesIO()
    subsampling = int(rng.choice([0, 2]))
    level = int(rng.integers(*quality, endpoint=True))
    Image.fromarray(levels).save(file, "JPEG", quality=level, subsampling=subsampling)
    with Image.open(file) as image:
        return np.array(image)
