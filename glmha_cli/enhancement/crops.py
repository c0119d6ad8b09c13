"""Crops that an enhancement learns from and measures by, as training has them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from glmha_cli.enhancement.statistics import Inputs
from glmha_cli.training.data.samples import Samples
from glmha_cli.training.module import to_network
from glmha_cli.training.recipe import Stage

HELD_OUT = 10**6
"""A step that training never reaches: its crops are for other use. The first ones are for statistics and layers."""


@dataclass(frozen=True)
class Crops:
    """Of the dataset, a batch for each step of the stage."""

    dataset: Samples
    stage: Stage

    def pairs(self, first: int) -> Iterator[tuple[Inputs, Tensor]]:
        """What the network takes and the truth, batch by batch from the step `first` on, without end."""
        step = first
        while True:
            inputs, targets = zip(*(self.dataset[(step, i, self.stage)] for i in range(self.stage.batch)), strict=True)
            parts = [np.stack(part) for part in (*zip(*inputs, strict=True), targets)]
            *given, target = (to_network(torch.from_numpy(part)) for part in parts)
            yield given, target
            step += 1

    def inputs(self, first: int) -> Iterator[Inputs]:
        return (given for given, _ in self.pairs(first))
