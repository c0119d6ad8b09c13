"""One named array in a file, before it is read."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from glmha_cli.io.cubes.on_disk import OnDisk


@dataclass(frozen=True, kw_only=True)
class Variable:
    """open: its numbers, still in the file; None where they are read as a whole.
    shape, is_numeric, is_text: as the file declares them. reverses_axes: these may be in reverse (see `Stored`).
    read: its real numbers, or its text as an array of one string."""

    shape: tuple[int, ...]
    is_numeric: bool
    is_text: bool = False
    reverses_axes: bool = False
    read: Callable[[], np.ndarray]
    open: Callable[[], OnDisk] | None = None

    def __call__(self) -> np.ndarray:
        return self.read()
