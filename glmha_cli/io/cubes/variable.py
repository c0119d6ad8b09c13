"""One named array in a file, before it is read."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from glmha_cli.io.cubes.on_disk import OnDisk


@dataclass(frozen=True, kw_only=True)
class Variable:
    """open: its numbers, still in the file; None where they are read as a whole.
    shape, is_numeric, is_text: as the file declares them. reverses_axes: these may be in reverse (see `Stored`).
    read: its real numbers, or its text as an array of one string, or of one for each row of a matrix of characters."""

    shape: tuple[int, ...]
    is_numeric: bool
    is_text: bool = False
    reverses_axes: bool = False
    read: Callable[[], np.ndarray]
    open: Callable[[], OnDisk] | None = None

    def __call__(self) -> np.ndarray:
        return self.read()


def texts_in(characters: str, shape: tuple[int, ...]) -> np.ndarray:
    """One string, or without the blanks that fill them up the rows of a matrix of characters, column by column."""
    if len(shape) != 2 or shape[0] < 2 or len(characters) != math.prod(shape):
        return np.array(characters)
    return np.array(["".join(row).rstrip() for row in np.reshape(list(characters), shape, order="F")])
