"""Test-time augmentation: the mean of a photo's results in all eight orientations (Timofte et al., CVPR 2016)."""

from itertools import product

import numpy as np
from jaxtyping import Float

from glmha_cli.errors import UsageError
from glmha_cli.inference.restorer import Restorer
from glmha_cli.tasks.base import Task


def require_any_orientation(task: Task) -> None:
    """UsageError for a task whose input cannot be rotated, such as one of a camera that disperses in one direction."""
    if not task.any_orientation:
        raise UsageError(f"--tta is not possible for {task.name}: its input cannot be rotated", "leave out --tta")


def restore_in_all_orientations(restorer: Restorer, source: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w c"]:
    """The mean over four turns, each as it is and mirrored, in the photo's own orientation; eight times the work.

    Raises UsageError: see `require_any_orientation`.
    """
    require_any_orientation(restorer.task)
    total: float | Float[np.ndarray, "h w c"] = 0.0
    for turns, mirrored in product(range(4), (False, True)):
        turned = np.rot90(source, turns)
        result = restorer.restore(np.ascontiguousarray(turned[:, ::-1] if mirrored else turned))
        upright = np.rot90(result[:, ::-1] if mirrored else result, -turns)
        total = total + upright.astype(np.float64)
    return np.asarray(total / 8, np.float32)
