"""Validation sets, fixed by committed seeds and never used for training."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from glmha_cli.training.data.pairs import PhotoPair
from glmha_cli.training.data.samples import Sample, sample
from glmha_cli.training.data.sources import CleanImage, centre_crop
from glmha_cli.training.degradations import Degrade, aiming_at_the_image


def synthetic_sets(
    held_out: Mapping[str, Sequence[CleanImage]], degradations: Mapping[str, Degrade]
) -> dict[str, list[Sample]]:
    """Per named degradation and kind of held-out target, each target degraded under the seed of its place."""
    return {
        name + ending: [
            sample(target, aiming_at_the_image(degrade), np.random.default_rng(seed))
            for seed, target in enumerate(targets)
        ]
        for name, degrade in degradations.items()
        for ending, targets in held_out.items()
    }


def whole_samples(pairs: Iterable[PhotoPair]) -> list[Sample]:
    return [((degraded,), clean) for degraded, clean in (pair.read() for pair in pairs)]


def centre_samples(pairs: Iterable[PhotoPair]) -> list[Sample]:
    """Of their middles."""
    return [((centre_crop(degraded),), centre_crop(clean)) for (degraded,), clean in whole_samples(pairs)]
