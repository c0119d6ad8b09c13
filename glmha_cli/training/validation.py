"""Validation sets, fixed by committed seeds and never used for training, and what they are scored by."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from glmha_cli.evaluation.metrics import derain_psnr_db, mrae, psnr_db, rgb_psnr_db, sam_deg
from glmha_cli.training.data import Sample, sample
from glmha_cli.training.degradations import Degrade
from glmha_cli.training.pairs import find_pairs
from glmha_cli.training.sources import Source


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


def synthetic_sets(held_out: Mapping[str, Sequence[Source]],
                   degradations: Mapping[str, Degrade]) -> dict[str, list[Sample]]:
    """Per named degradation and kind of held-out target, each target degraded under the seed of its place."""
    return {name + ending: [sample(target, degrade, np.random.default_rng(seed)) for seed, target in enumerate(targets)]
            for name, degrade in degradations.items() for ending, targets in held_out.items()}


def folder_pairs(folder: Path) -> list[Sample]:
    """All pairs of a folder with `input` and `target` inside, matched by stem; a missing partner is an error."""
    return [((degraded,), clean) for degraded, clean in (pair.read() for group in find_pairs(folder) for pair in group)]
