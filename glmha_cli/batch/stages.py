"""What a file has come to between the stages of a batch."""

import threading
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Num

from glmha_cli.batch.files import Source
from glmha_cli.inference.restorer import Restorer


class OwnRestorer(threading.local):
    """Each thread's own copy: what a restorer learns of one photo, such as its scale, is not told of another's."""

    def __init__(self, restorer: Restorer) -> None:
        self.restorer = copy(restorer)


@dataclass(frozen=True, kw_only=True, eq=False)
class Read:
    """A source, and what tells its file from a changed one (if anyone wants to know)."""

    source: Source
    identity: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Written:
    """An output that is in its place.

    hashes: see `Worker.look`. losses: what the user should know. sent: see `Places.send`.
    """

    hashes: Mapping[Path, str]
    losses: list[str]
    sent: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Computed:
    """A result, with what it was made of and how."""

    read: Read
    result: Num[np.ndarray, "h w c"]
    provenance: Mapping[str, str]
    written: Written | None = None
