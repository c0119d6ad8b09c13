"""From the name of a model to a network that restores: found and verified first, loaded when there is work."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from glmha_cli.inference.engine import EngineOptions, formats_for, open_engine
from glmha_cli.inference.memory import fitted
from glmha_cli.inference.restorer import Restorer, Say
from glmha_cli.tasks.base import Task
from glmha_cli.weights.store import Access, Weights, find_weights, ignore


@dataclass(frozen=True, kw_only=True)
class Loader:
    """A model for a task, not loaded yet.

    model: its id or the path of a checkpoint, None for the task's default. engine: how it is run. access: how its
    weights may be had. project: finish with the task's closed-form step, if it has one.
    """

    task: Task
    model: str | None = None
    engine: EngineOptions = field(default_factory=EngineOptions)
    access: Access = field(default_factory=Access)
    project: bool = True

    def find(self, *, quick: bool = False, offline: bool = False) -> Weights:
        """The checkpoint, in a format that the engine can load; see `find_weights` for what is raised.

        quick: for little work (`engine_choice.is_quick`). offline: make no request, whatever `access` allows.
        """
        return find_weights(
            self.model,
            task=self.task.name,
            device=self.engine.device,
            formats=formats_for(self.engine, quick=quick),
            access=replace(self.access, offline=self.access.offline or offline),
        )

    def find_again(self, weights: Weights) -> Weights:
        """On another machine: the same model in the same format, wherever it is there."""
        return find_weights(
            self.model if weights.entry is None else weights.entry.id,
            task=self.task.name,
            formats=("onnx" if weights.path.suffix.lower() == ".onnx" else "safetensors",),
            access=self.access,
        )

    def load(self, weights: Weights, *, say: Callable[[str], None] = ignore) -> Restorer:
        """The network on its device. `say` is told of what is changed to make it fit into the memory."""
        return open_restorer(self.task, weights.path, self.engine, project=self.project, say=say)

    def settings(self) -> dict[str, Any]:
        """What a result depends on, beside its input, the weights and how files are read."""
        return self.engine.settings() | ({} if self.task.project is None else {"project": self.project})


def open_restorer(task: Task, weights: Path, options: EngineOptions, *, project: bool, say: Say) -> Restorer:
    """Load a checkpoint of `task`, in tiles that fit into the memory; `say` takes warnings for the user.

    Raises UsageError for a device or precision that this machine does not have, BadDataError for a damaged file.
    """
    engine = open_engine(weights, options)
    tiling, batch = fitted(engine, options.tiling, say=say)
    return Restorer(
        task=task,
        engine=engine,
        tiling=tiling,
        batch=batch,
        project=project,
        say=say,
        scales=options.scales,
        for_8_bits=engine.for_8_bits() if task.restores_photos and options.precision == "auto" else None,
    )
