"""Synthetic damage for training and validation: what is to be restored in, what is seen of it out; seeded, numpy only.

A degradation is a frozen config of its knobs, with the two methods of `Degradation`.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from jaxtyping import Float

Clean = Float[np.ndarray, "h w c"]
"""A photo (h, w, 3) or a cube (h, w, bands) of any size, float32 in [0, 1]."""
Inputs = np.ndarray | tuple[np.ndarray, ...]
"""The network's input, or several of them: (h, w + extra, c), float32."""
Degrade = Callable[[Clean, np.random.Generator], Inputs]
"""(target, rng) -> inputs. The same generator state gives the same."""
MakePair = Callable[[Clean, np.random.Generator], tuple[Inputs, Clean]]
"""(clean image, rng) -> (inputs, target): the target may differ from the image, by what is not to be undone."""


def aiming_at_the_image(degrade: Degrade) -> MakePair:
    """The clean image itself is the target."""
    return lambda image, rng: (degrade(image, rng), image)


class Degradation(Protocol):
    def training(self) -> Sequence[MakePair]:
        """How training samples are made: those of a batch by one, those of the next batch by the next one."""

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
