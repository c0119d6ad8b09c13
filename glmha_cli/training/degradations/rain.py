"""Rain for training: a bank of streak layers drawn once, then cropped, turned, mixed and blended per patch.

Heavy rain follows what the Rain200H pairs show (Yang et al., "Deep joint rain detection and removal", 2017):
a grey layer added to the photo and clipped, several streak directions near the vertical, streaks about
two pixels wide, nine pixels in ten covered. Light rain is one sparse direction of any angle a camera sees.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from scipy import fft, ndimage

from glmha_cli.errors import BadDataError
from glmha_cli.training.degradations import Degrade
from glmha_cli.training.degradations.sensor import from_levels, to_levels
from glmha_cli.training.degradations.validation_rain import add_validation_rain

SHARES = ("heavy", "light", "mist", "droplets", "clean")


@dataclass(frozen=True, kw_only=True)
class RainConfig:
    """What the samples are (shares of all samples, summing to 1) and how large the bank is.

    `heavy` is benchmark rain, `light` light to medium rain, `mist` light rain in haze, `droplets` light rain
    with drops on the lens, `clean` the photo as it is. `bank_layers` layers of `layer_px` squared pixels cost
    one byte a pixel; half of them are dense (heavy rain), half sparse. `bank_seed` is the seed to
    draw it from.
    """

    heavy: float = 0.48
    light: float = 0.37
    mist: float = 0.04
    droplets: float = 0.03
    clean: float = 0.08
    bank_layers: int = 192
    layer_px: int = 512
    bank_seed: int = 0

    def __post_init__(self) -> None:
        shares = [getattr(self, name) for name in SHARES]
        if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
            raise BadDataError(f"rain shares must be non-negative and sum to 1, not {shares}")
        if self.bank_layers < 2 or self.layer_px < 16:
            raise BadDataError("a rain bank needs at least 2 layers of 16 px")

    def training(self) -> Degrade:
        """Rain of all kinds, from a bank drawn now."""
        bank = RainBank.draw(self, seed=self.bank_seed)
        return lambda image, rng: add_rain(image, bank=bank, rng=rng, config=self)

    def validation(self) -> dict[str, Degrade]:
        """Light rain by another mechanism, and clean photos that must come back as they are."""
        return {"light": lambda image, rng: add_validation_rain(image, rng=rng), "clean": lambda image, rng: image}


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

    @classmethod
    def draw(cls, config: RainConfig, *, seed: int) -> "RainBank":
        """Draw the whole bank from `seed` (about 0.02 s a layer of 512 px)."""
        rng = np.random.default_rng(seed)
        half = config.bank_layers // 2
        dense_angles = np.clip(rng.normal(0, 13, half), -40, 40)
        sparse_angles = np.clip(rng.normal(0, 20, config.bank_layers - half), -60, 60)
        dense = [_dense_layer(rng, angle_deg=angle, size=config.layer_px) for angle in dense_angles]
        sparse = [_sparse_layer(rng, angle_deg=angle, size=config.layer_px) for angle in sparse_angles]
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
        length_px=_log_uniform(rng, 24, 150 if hard else 260),
        taper=0.0 if hard else 0.3,
        sigma_px=rng.uniform(0.6, 0.95 if hard else 1.15),
        plateau=rng.uniform(0.15, 0.5) if hard else rng.uniform(0.005, 0.15),
    )


def _sparse_layer(rng: np.random.Generator, *, angle_deg: float, size: int) -> UInt8[np.ndarray, "size size"]:
    load = _log_uniform(rng, 0.01, 0.4)
    return _streaks(
        rng,
        size=size,
        angle_deg=angle_deg,
        load=load,
        coverage=2 * load,
        length_px=_log_uniform(rng, 6, 70),
        taper=rng.uniform(0.1, 0.7),
        sigma_px=rng.uniform(0.4, 1.2),
        plateau=rng.uniform(0.02, 0.3),
    )


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


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


def add_rain(
    image: Float[np.ndarray, "h w 3"], *, bank: RainBank, rng: np.random.Generator, config: RainConfig
) -> Float[np.ndarray, "h w 3"]:
    """Rain of a random kind on a clean photo or patch of any size.

    `image` is sRGB in [0, 1], float32; so is the result, clipped and rounded to 8-bit levels, as files are.
    The same generator state gives the same rain.
    """
    kind = rng.choice(SHARES, p=[getattr(config, name) for name in SHARES])
    return from_levels(to_levels(_KINDS[kind](image, bank, rng)))


def _heavy(image: np.ndarray, bank: RainBank, rng: np.random.Generator) -> np.ndarray:
    """Benchmark rain: two to four dense directions around a common one, at times thin drops across; added."""
    mean = rng.uniform(0.1, 0.25) if rng.random() < 0.5 else rng.uniform(0.22, 0.45)
    angles = rng.normal(0, 4) + rng.normal(0, 10, rng.integers(2, 5))
    picks = [bank.dense[_nearest(bank.dense_angles_deg, angle, rng)] for angle in angles]
    if rng.random() < 0.5:
        picks.append(bank.sparse[_nearest(bank.sparse_angles_deg, rng.normal(0, 25), rng)])
    rain = sum(rng.uniform(0.2, 1) * _crop(layer, image.shape, rng) for layer in picks)
    # The floor keeps a window with hardly a streak in it from being stretched into a few blinding ones.
    return image + _grey(rain * (mean / max(rain.mean(), 8)))


def _light(image: np.ndarray, bank: RainBank, rng: np.random.Generator) -> np.ndarray:
    """One direction (at times two layers of it, near and far), added or screened."""
    angle = np.clip(rng.normal(0, 18), -55, 55)
    picks = [bank.sparse[_nearest(bank.sparse_angles_deg, angle, rng)] for _ in range(rng.choice([1, 1, 2]))]
    rain = _grey(sum(_log_uniform(rng, 0.1, 0.6) / 255 * _crop(layer, image.shape, rng) for layer in picks))
    if rng.random() < 0.5:
        return image + rain
    return 1 - (1 - image) * (1 - np.minimum(rain, 1))


def _mist(image: np.ndarray, bank: RainBank, rng: np.random.Generator) -> np.ndarray:
    """Light rain seen through haze: a pale veil, thicker towards one side, blended over.

    The veil stays thin: a network taught to lift thick haze would also change clean photos of low contrast.
    """
    down, right = (np.linspace(-1, 1, length, dtype=np.float32) for length in image.shape[:2])
    slope = rng.uniform(-0.06, 0.06, 2).astype(np.float32)
    veil = np.float32(rng.uniform(0.04, 0.2)) + slope[0] * down[:, None] + slope[1] * right[None, :]
    veil = np.clip(veil, 0, 1)[..., None]
    return _light(image * (1 - veil) + np.float32(rng.uniform(0.6, 0.95)) * veil, bank, rng)


def _droplets(image: np.ndarray, bank: RainBank, rng: np.random.Generator) -> np.ndarray:
    """Light rain and drops on the lens: soft discs through which the photo is blurred and paler."""
    height, width = image.shape[:2]
    disc = np.zeros((height, width), dtype=np.float32)
    for _ in range(rng.poisson(height * width / 4000)):
        radius, y, x = rng.uniform(2, 9), rng.uniform(0, height), rng.uniform(0, width)
        rows = np.arange(max(int(y - radius), 0), min(int(y + radius) + 2, height))[:, None]
        cols = np.arange(max(int(x - radius), 0), min(int(x + radius) + 2, width))[None, :]
        distance = np.hypot(rows - y, cols - x)
        disc[rows, cols] = np.maximum(disc[rows, cols], np.clip(1.5 * (1 - distance / radius), 0, 1))
    paleness = np.float32(rng.uniform(0.05, 0.2))
    through = ndimage.uniform_filter(image, (13, 13, 1)) * np.float32(0.85) + paleness
    return _light(image + disc[..., None] * (through - image), bank, rng)


def _clean(image: np.ndarray, bank: RainBank, rng: np.random.Generator) -> np.ndarray:
    return image


_KINDS = {"heavy": _heavy, "light": _light, "mist": _mist, "droplets": _droplets, "clean": _clean}


def _nearest(angles_deg: np.ndarray, wanted_deg: float, rng: np.random.Generator) -> int:
    """A random one of the six layers closest in angle."""
    return rng.choice(np.argsort(np.abs(angles_deg - wanted_deg))[:6])


def _crop(
    layer: UInt8[np.ndarray, "size size"], shape: tuple[int, ...], rng: np.random.Generator
) -> Float[np.ndarray, "h w"]:
    """A window of a periodic layer from a random place, wrapped as needed, half the time turned around."""
    size = len(layer)
    rows, cols = ((rng.integers(size) + np.arange(length)) % size for length in shape[:2])
    if rng.random() < 0.5:
        rows, cols = rows[::-1], cols[::-1]
    return layer[rows[:, None], cols].astype(np.float32)


def _grey(rain: np.ndarray) -> Float[np.ndarray, "h w 1"]:
    return rain[..., None].astype(np.float32)
