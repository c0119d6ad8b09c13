"""Synthetic damage for training and validation: what is to be restored in, what is seen of it out; seeded, numpy only.

A degradation is a frozen config of its knobs, with the two methods of `Degradation`.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from jaxtyping import Float

Degrade = Callable[[Float[np.ndarray, "h w c"], np.random.Generator], np.ndarray | tuple[np.ndarray, ...]]
"""(target, rng) -> the network's input, or a tuple of them. The target is a photo (h, w, 3) or a cube (h, w, bands) of
any size, float32 in [0, 1]; inputs are (h, w + extra, c), float32. The same generator state gives the same."""


class Degradation(Protocol):
    def training(self) -> Degrade:
        """What training samples go through."""

    def validation(self) -> dict[str, Degrade]:
        """By the name of the validation set that each makes; at least one mechanism differs from training."""


DEGRADATIONS = {
    "rain": "glmha_cli.training.degradations.rain:RainConfig",
    "blur": "glmha_cli.training.degradations.blur:BlurConfig",
    "camera": "glmha_cli.training.degradations.camera:CameraConfig",
    "snapshot": "glmha_cli.training.degradations.snapshot:SnapshotConfig",
}

UNDONE_BY = {"rain": "derain", "blur": "deblur", "camera": "rgb2hsi", "snapshot": "sci"}
"""Degradation -> the task that undoes it."""
