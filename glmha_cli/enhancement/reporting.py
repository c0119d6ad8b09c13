"""Whom an enhancement tells how it goes on."""

from typing import Protocol

from glmha_cli.enhancement.measured import Row
from glmha_cli.training.settings import Silent, TrainingReporter


class Reporter(TrainingReporter, Protocol):
    """What an enhancement tells beside its training."""

    def step_of(self, part: str, done: int, total: int) -> None:
        """Within a part of the work, such as "layers"."""

    def measured(self, row: Row) -> None:
        """After each part; see `Measure`."""


class Quiet(Silent):
    """Tells nobody."""

    def step_of(self, part: str, done: int, total: int) -> None: ...

    def measured(self, row: Row) -> None: ...
