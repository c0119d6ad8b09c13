"""Arrays that stay in their files: windows of them are read, so that a cube may be larger than memory.

Nothing is mapped into memory, and no file stays open: each window opens it anew.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from jaxtyping import Num

from glmha_cli.io.guard import read_into

Window = tuple[slice, slice, slice]


class OnDisk(Protocol):
    """Three axes of real numbers; indexed by three slices with both ends and no step."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype: ...

    def __getitem__(self, window: Window) -> Num[np.ndarray, "a b c"]: ...


@dataclass(frozen=True)
class RawArray:
    """Bare numbers from `offset` on, the last axis fastest."""

    path: Path
    offset: int
    shape: tuple[int, int, int]
    dtype: np.dtype

    def __getitem__(self, window: Window) -> Num[np.ndarray, "a b c"]:
        ranges = [range(*each.indices(side)) for each, side in zip(window, self.shape, strict=True)]
        last = self.shape[2]
        rows = np.empty((len(ranges[1]), last), self.dtype)
        found = np.empty([len(each) for each in ranges], self.dtype)
        with self.path.open("rb") as file:
            for i, plane in enumerate(ranges[0]):
                file.seek(self.offset + (plane * self.shape[1] + ranges[1].start) * last * self.dtype.itemsize)
                read_into(file, rows)
                found[i] = rows[:, window[2]]
        return found


@dataclass(frozen=True)
class Reversed:
    """An array with its axes the other way round, as Fortran and MATLAB have them."""

    array: OnDisk

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape[::-1]

    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype

    def __getitem__(self, window: Window) -> Num[np.ndarray, "a b c"]:
        first, second, third = window
        return self.array[third, second, first].T


@dataclass(frozen=True)
class Viewed:
    """An array whose bytes are numbers of another kind, of the same size."""

    array: OnDisk
    dtype: np.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    def __getitem__(self, window: Window) -> Num[np.ndarray, "a b c"]:
        return self.array[window].view(self.dtype)


@dataclass(frozen=True)
class Read:
    """An array that a function reads by windows, with both ends of each slice as numbers."""

    shape: tuple[int, ...]
    dtype: np.dtype
    read: Callable[[Window], np.ndarray]

    def __getitem__(self, window: Window) -> Num[np.ndarray, "a b c"]:
        first, second, third = (slice(*each.indices(side)[:2]) for each, side in zip(window, self.shape, strict=True))
        return self.read((first, second, third))


def size_bytes(array: OnDisk) -> int:
    return math.prod(array.shape) * array.dtype.itemsize
