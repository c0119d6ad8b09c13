"""Coded snapshots of cubes, for sci: a CASSI camera (physics.cassi) with random or measured masks, and its noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy import ndimage, special

from glmha_cli.errors import BadDataError
from glmha_cli.io.measurements.read import read_mask
from glmha_cli.physics import cassi
from glmha_cli.training.degradations import Degrade, MakePair, aiming_at_the_image
from glmha_cli.training.degradations.sensor import add_noise, log_uniform

Masks = Sequence[Float[np.ndarray, "_ _"]]
VALIDATION_SHOT, VALIDATION_READ = 1e-3, 5e-3


@dataclass(frozen=True, kw_only=True)
class SnapshotConfig:
    """How snapshots are taken.

    masks: files of plain masks; if any, the share `measured` of all samples has windows of them. Of the other
        samples the share `binary` has random bits, one a pixel; the rest have masks that look manufactured.
    step: px that each band is shifted further; the network's must be the same.
    other_steps: taken in turn with it, batch by batch, for networks that take any step.
    noisy: share of samples with shot noise (variance per light: `shot`) and read noise (`read`). For scale:
        the snapshot of a cube of ones is about bands / 2.
    """

    masks: tuple[str, ...] = ()
    measured: float = 0.6
    binary: float = 0.4
    step: int = 2
    other_steps: tuple[int, ...] = ()
    noisy: float = 0.7
    shot: tuple[float, float] = (2e-4, 2e-2)
    read: tuple[float, float] = (1e-3, 3e-2)

    def __post_init__(self) -> None:
        shares = (self.measured, self.binary, self.noisy)
        if not all(0 <= share <= 1 for share in shares) or min(self.steps) < 0:
            raise BadDataError(
                f"snapshots with shares {shares} and steps {self.steps}",
                "measured, binary and noisy lie in 0..1, step and other_steps are not negative",
            )

    @property
    def steps(self) -> tuple[int, ...]:
        """One for each batch, in turn."""
        return self.step, *self.other_steps

    def training(self) -> Sequence[MakePair]:
        """By one step each: snapshots of a batch have one size."""
        masks = [read_plain_mask(Path(name)) for name in self.masks]

        def maker(step: int) -> MakePair:
            return aiming_at_the_image(lambda cube, rng: _training_snapshot(cube, masks, rng, self, step))

        return [maker(step) for step in self.steps]

    def validation(self) -> dict[str, Degrade]:
        """Snapshots at one noise, coded by gray masks, and by the measured ones where there are any."""
        masks = [read_plain_mask(Path(name)) for name in self.masks]
        makers = {"gray": gray_mask}
        if masks:
            makers["measured"] = lambda shape, rng: window(masks, shape, rng)

        def degrade_with(make_mask):
            return lambda cube, rng: snapshot(
                cube,
                make_mask(cube.shape[:2], rng),
                step=self.step,
                shot=VALIDATION_SHOT,
                read=VALIDATION_READ,
                rng=rng,
            )

        return {name: degrade_with(make_mask) for name, make_mask in makers.items()}


def read_plain_mask(path: Path) -> Float[np.ndarray, "h w"]:
    mask = read_mask(path)
    if mask.is_shifted:
        raise BadDataError(f"'{path}' holds a shifted mask", "train with the plain mask (height x width) of the camera")
    return mask.values


def _training_snapshot(
    cube: np.ndarray, masks: Masks, rng: np.random.Generator, config: SnapshotConfig, step: int
) -> tuple[np.ndarray, np.ndarray]:
    shape = cube.shape[:2]
    if masks and rng.random() < config.measured:
        mask = window(masks, shape, rng)
    else:
        mask = binary_mask(shape, rng) if rng.random() < config.binary else manufactured_mask(shape, rng)
    noisy = rng.random() < config.noisy
    shot, read = (log_uniform(rng, limits) if noisy else 0.0 for limits in (config.shot, config.read))
    return snapshot(cube, mask, step=step, shot=shot, read=read, rng=rng)


def snapshot(
    cube: Float[np.ndarray, "h w bands"],
    mask: Float[np.ndarray, "h w"],
    *,
    step: int,
    shot: float,
    read: float,
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, "h w bands"], Float[np.ndarray, "h w_ext bands"]]:
    """H and Phi, the inputs of MST-S/M/L, of a cube in [0, 1]; float32."""
    bands = cube.shape[2]
    measurement = add_noise(cassi.forward(cube, mask, step=step), rng, shot=shot, read=read)
    return cassi.network_input(measurement, bands=bands, step=step), cassi.shifted_mask(mask, bands=bands, step=step)


# Masks: transmissions in [0, 1], float32


def window(masks: Masks, shape: tuple[int, int], rng: np.random.Generator) -> Float[np.ndarray, "h w"]:
    """A window of one of the masks from a random place, continued by its other end where it is too small."""
    mask = masks[int(rng.integers(len(masks)))]
    rows, cols = (
        (rng.integers(side) + np.arange(length)) % side for side, length in zip(mask.shape, shape, strict=True)
    )
    return mask[rows[:, None], cols]


def binary_mask(shape: tuple[int, int], rng: np.random.Generator) -> Float[np.ndarray, "h w"]:
    return rng.integers(2, size=shape).astype(np.float32)


def manufactured_mask(shape: tuple[int, int], rng: np.random.Generator) -> Float[np.ndarray, "h w"]:
    """Bits of two pixels a side at any offset, seen through a lens that blurs and shades: the dark is not black,
    the open not equally bright. The measured masks of TSA-Net's prototype correlate like this.
    """
    bits = rng.integers(2, size=(shape[0] // 2 + 2, shape[1] // 2 + 2)).astype(np.float32)
    top, left = rng.integers(2, size=2)
    pixels = bits.repeat(2, axis=0).repeat(2, axis=1)[top : top + shape[0], left : left + shape[1]]
    blurred = ndimage.gaussian_filter(pixels, rng.uniform(0.3, 0.8))
    dark, bright = rng.uniform(0, 0.08), rng.uniform(0.85, 1)
    shade = [1 - rng.uniform(0, 0.15) * np.linspace(-1, 1, length, dtype=np.float32) ** 2 for length in shape]
    return ((dark + (bright - dark) * blurred) * shade[0][:, None] * shade[1]).astype(np.float32)


def gray_mask(shape: tuple[int, int], rng: np.random.Generator) -> Float[np.ndarray, "h w"]:
    """All transmissions equally often, in blurred noise; for validation, as no training mask is like it."""
    noise = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 0.8)
    return special.ndtr(noise / noise.std()).astype(np.float32)
