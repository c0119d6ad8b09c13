"""Validation sets, fixed by committed seeds and never used for training, and what they are scored by."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from os.path import realpath
from pathlib import Path

import numpy as np
from jaxtyping import Float

from glmha_cli.errors import UsageError
from glmha_cli.evaluation.metrics import derain_psnr_db, mrae, psnr_db, rgb_psnr_db, sam_deg
from glmha_cli.evaluation.pairs import set_name
from glmha_cli.training.data import Sample, sample
from glmha_cli.training.degradations import Degrade
from glmha_cli.training.pairs import Pair, find_pairs
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


def synthetic_sets(
    held_out: Mapping[str, Sequence[Source]], degradations: Mapping[str, Degrade]
) -> dict[str, list[Sample]]:
    """Per named degradation and kind of held-out target, each target degraded under the seed of its place."""
    return {
        name + ending: [sample(target, degrade, np.random.default_rng(seed)) for seed, target in enumerate(targets)]
        for name, degrade in degradations.items()
        for ending, targets in held_out.items()
    }


def require_unseen(pairs: Iterable[Pair], trained_on: Collection[str], name: str) -> None:
    """UsageError if a photo of the pairs is trained on, by whatever name or link; trained_on: real paths."""
    if any(realpath(path) in trained_on for pair in pairs for path in (pair.clean, pair.degraded)):
        raise UsageError(f"{name} are trained on, so they tell nothing", "--pairs and --images without them")


def folder_sets(
    folders: Iterable[Path], *, trained_on: Collection[str] = (), taken: Collection[str] = ()
) -> dict[str, list[Sample]]:
    """All pairs of each folder by `set_name`.

    Raises as that and as `find_pairs`, and UsageError for pairs with photos that are trained on.
    """
    sets = {}
    for folder in folders:
        pairs = [pair for group in find_pairs(folder) for pair in group]
        require_unseen(pairs, trained_on, f"pairs of '{folder}'")
        sets[set_name(folder, {*taken, *sets})] = [
            ((degraded,), clean) for degraded, clean in (pair.read() for pair in pairs)
        ]
    return sets
