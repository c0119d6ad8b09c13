"""Test-time augmentation: the mean of a photo's results in all eight orientations (Timofte et al., CVPR 2016)."""

from itertools import product

import numpy as np
from jaxtyping import Float

from glmha_cli.errors import UsageError
from glmha_cli.inference.restorer import Restorer


def restore_in_all_orientations(restorer: Restorer, source: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w c"]:
    """The mean over four turns, each as it is and mirrored, in the photo's own orientation; eight times the work.

    Raises UsageError for a task whose input is a measurement: a coded camera disperses in one direction.
    """
    if restorer.task.input_kind != "photo":
        raise UsageError(
            f"--tta is for photos: a measurement of '{restorer.task.name}' cannot be rotated", "leave out --tta"
        )
    total = None
    for turns, mirrored in product(range(4), (False, True)):
        turned = np.rot90(source, turns)
        result = restorer.restore(np.ascontiguousarray(turned[:, ::-1] if mirrored else turned))
        upright = np.rot90(result[:, ::-1] if mirrored else result, -turns)
        total = upright.astype(np.float64) if total is None else total + upright
    return (total / 8).astype(np.float32)
