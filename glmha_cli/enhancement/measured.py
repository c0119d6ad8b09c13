"""How good an enhancement is after each part of its work, beside the network it comes from."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import nn

from glmha_cli.enhancement.plan import gmacs_of
from glmha_cli.lookup import resolve
from glmha_cli.networks.config import built_from
from glmha_cli.tasks import TASKS
from glmha_cli.training.data.samples import Sample
from glmha_cli.training.module import restore, stored_like
from glmha_cli.training.scores import SCORES, Metric

Row = dict[str, Any]
HIGHEST_DB = 100.0
"""What equal pictures count."""


@dataclass(kw_only=True, eq=False)
class Measure:
    """sets: what is measured on, by name. rows: part of the work -> PSNR to the truth and to what the teacher gives
    (means over the sets), multiply-adds, parameters, minutes since `start`. seconds: that the last row took."""

    task: str
    teacher: nn.Module
    sets: Mapping[str, Sequence[Sample]]
    start: float
    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0

    def __call__(self, part: str, network: nn.Module, **more: Any) -> Row:
        """A new row, with what is given beside."""
        began = time.monotonic()
        score = SCORES[resolve(TASKS, self.task, "task").protocol]
        means = np.mean([np.mean(list(self._scores(network, name, score)), 0) for name in self.sets], 0)
        row = {
            "part": part,
            "psnr_db": round(float(means[0]), 3),
            **({} if network is self.teacher else {"psnr_to_source_db": round(float(means[1]), 2)}),
            "gmacs": round(gmacs_of(built_from(network)), 4),
            "parameters": sum(each.numel() for each in network.parameters()),
            "minutes": round((time.monotonic() - self.start) / 60, 2),
            **more,
        }
        self.rows.append(row)
        self.seconds = time.monotonic() - began
        return row

    @cached_property
    def wanted(self) -> dict[str, list[np.ndarray]]:
        """What the teacher gives, set by set."""
        return {name: [self._result(self.teacher, each) for each in samples] for name, samples in self.sets.items()}

    def _scores(self, network: nn.Module, name: str, score: Metric) -> Iterator[tuple[float, float]]:
        for sample, wanted in zip(self.sets[name], self.wanted[name], strict=True):
            result = wanted if network is self.teacher else self._result(network, sample)
            yield min(score(result, sample[1]), HIGHEST_DB), min(score(result, wanted), HIGHEST_DB)

    @torch.no_grad()
    def _result(self, network: nn.Module, sample: Sample) -> np.ndarray:
        inputs = [torch.from_numpy(part)[None] for part in sample[0]]
        return stored_like(sample[1], restore(network.eval(), inputs, built_from(network).size_multiple))
