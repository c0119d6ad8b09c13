"""What an enhancement leaves in its folder once its layers are taught, to go on from."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from glmha_cli.enhancement.measured import Row
from glmha_cli.enhancement.plan import Plan
from glmha_cli.errors import UsageError
from glmha_cli.networks import network_to_plain
from glmha_cli.training.checks import require_creatable
from glmha_cli.weights.about import read_about
from glmha_cli.weights.checkpoint import load_network, save_checkpoint
from glmha_cli.weights.integrity import sha256_of


@dataclass(frozen=True)
class Kept:
    """folder: of the run, in which `path` holds the network. identity: what else must be the same to go on."""

    folder: Path
    identity: dict[str, Any]

    @classmethod
    def of(cls, folder: Path, source: Path, plan: Plan) -> "Kept":
        settings = {key: value for key, value in plan.settings().items() if key != "minutes"}
        return cls(folder, json.loads(json.dumps({"source": sha256_of(source), **settings})))

    @property
    def path(self) -> Path:
        return self.folder / "layers.safetensors"

    def require(self, *, resume: bool) -> None:
        """UsageError where a run has been, and is not to go on; CannotCreateError where none can be."""
        require_creatable(self.folder)
        if self.path.exists() and not resume:
            raise UsageError(f"'{self.folder}' holds an enhancement already", "--resume, or another --run-dir")

    def save(self, student: nn.Module, task: str, rows: list[Row], whole_steps: int) -> None:
        """whole_steps: how many are to follow."""
        about = {
            "task": task,
            "network": network_to_plain(student.config),
            "enhancement": {"identity": self.identity, "rows": rows, "whole_steps": whole_steps},
        }
        save_checkpoint(self.path, student.state_dict(), about, dtype=torch.float32)

    def load(self) -> tuple[nn.Module, list[Row], int]:
        """The network, rows so far, and how many steps are to follow. UsageError for another run's."""
        about = read_about(self.path)["enhancement"]
        if about["identity"] != self.identity:
            raise UsageError(f"'{self.folder}' holds another enhancement", "the same options, or another --run-dir")
        return load_network(self.path), list(about["rows"]), int(about["whole_steps"])
