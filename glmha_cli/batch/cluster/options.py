"""Which cluster does the work, and with how much of it."""

import math
import re
from dataclasses import dataclass

from glmha_cli.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster by Ray.

    address: of Ray; None for what RAY_ADDRESS names, a cluster that runs on this machine, or else one of its own.
    actors: processes that restore; None for as many as there is room for. cpus, gpus: of each, also fractions.
    """

    address: str | None = None
    actors: int | None = None
    cpus: float = 1.0
    gpus: float = 0.0

    def __post_init__(self) -> None:
        """UsageError for shares that Ray does not give."""
        for name, share in (("cpus", self.cpus), ("gpus", self.gpus)):
            if not math.isfinite(share) or share < 0 or (share > 1 and share != int(share)):
                raise UsageError(
                    f"--{name}-per-actor takes a whole number or a part of one, not {share:g}", f"--{name}-per-actor 1"
                )
        if not self.cpus:
            raise UsageError("each actor needs a CPU, or a part of one", "--cpus-per-actor 0.5")

    @classmethod
    def parse(cls, text: str, *, actors: int | None = None, cpus: float = 1.0, gpus: float = 0.0) -> "Cluster":
        """`ray` or `ray://host:port`; UsageError for anything else."""
        if text != "ray" and not re.fullmatch(r"ray://[^/\s]+", text):
            raise UsageError(f"--cluster takes ray or ray://HOST:PORT, not '{text}'", "--cluster ray")
        return cls(address=None if text == "ray" else text, actors=actors, cpus=cpus, gpus=gpus)
