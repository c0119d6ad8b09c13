"""How a run goes on, beside its recipe and its data: where it writes, on what it computes, whom it tells."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """folder: receives checkpoint, curve and weights. resume: go on from the folder's last checkpoint.

    start_from: a checkpoint of the same network, or of a part of it, whose weights a new run begins with.
    max_minutes: from the call on, reading the data included; the validation after the last step comes on top.
    """

    folder: Path
    resume: bool = False
    start_from: Path | None = None
    max_minutes: float | None = None

    @property
    def checkpoint(self) -> Path:
        """Everything needed to go on."""
        return self.folder / "last.ckpt"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """device: auto, cpu, cuda or mps. num_devices: GPUs, or processes on a CPU, each with its share of a batch.

    precision: as Lightning names it. compiled: by torch.compile, which takes minutes to begin and pays on GPUs.
    num_workers: processes that prepare data.
    """

    device: str = "auto"
    num_devices: int = 1
    precision: str = "bf16-mixed"
    compiled: bool = False
    num_workers: int = 1


ANY_MACHINE = Machine()
"""One device, the fastest there is."""


class TrainingReporter(Protocol):
    """What a run tells while it goes on."""

    def validated(self, row: Mapping[str, float]) -> None:
        """After each validation: its row of curve.csv."""

    def step_done(self, done: int, total: int) -> None:
        """After each step, and before the first."""

    def warn(self, text: str) -> None:
        """What else a user should know."""


class Silent:
    """Tells nobody."""

    def validated(self, row: Mapping[str, float]) -> None: ...

    def step_done(self, done: int, total: int) -> None: ...

    def warn(self, text: str) -> None: ...


SILENT: TrainingReporter = Silent()
