"""What validation of a task is scored by."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from glmha_cli.evaluation.metrics import derain_psnr_db, mrae, psnr_db, rgb_psnr_db, sam_deg


def cube_psnr_db(result: Float[np.ndarray, "h w c"], reference: Float[np.ndarray, "h w c"]) -> float:
    """PSNR of a whole cube in [0, 1]."""
    return psnr_db(result, reference, peak=1)


def cube_mrae(result: Float[np.ndarray, "h w c"], reference: Float[np.ndarray, "h w c"]) -> float:
    """`metrics.mrae`; nan for a black reference, which must not end a run of hours."""
    return mrae(result, reference) if reference.any() else float("nan")


Metric = Callable[[np.ndarray, np.ndarray], float]
SCORES: dict[str, Metric] = {
    "derain": derain_psnr_db,
    "gopro": rgb_psnr_db,
    "arad": cube_psnr_db,
    "kaist": cube_psnr_db,
}
"""Protocol of the task -> (result, target) to the PSNR in dB that decides which weights are best."""

BESIDE: dict[str, dict[str, Metric]] = {
    "arad": {"mrae": cube_mrae, "sam_deg": sam_deg},
    "kaist": {"sam_deg": sam_deg},
}
"""Protocol -> what the curve shows beside it, by name."""
