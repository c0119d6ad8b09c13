"""Cubes by rows: what a file says of its cube, and some of its rows, without the others.

Both are functions of plain values, to be called in a process of their own (`io.supervised`); what a file's header says
is kept between calls, its numbers are not.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.axes import order_of
from glmha_cli.io.cubes.cube import format_to_read
from glmha_cli.io.cubes.model import Cube, CubeOptions, Facts, Stored
from glmha_cli.io.cubes.stored import to_cube
from glmha_cli.io.guard import reading

BLOCK_BYTES = 32 << 20
"""Rows are read in blocks of about so many bytes as float32."""


@dataclass(frozen=True, kw_only=True)
class Outline:
    """A cube without its values. is_whole: its format is read as a whole whatever is asked for."""

    shape: tuple[int, int, int]
    facts: Facts
    is_whole: bool

    @property
    def nbytes(self) -> int:
        """As float32."""
        return math.prod(self.shape) * np.dtype(np.float32).itemsize


@dataclass(frozen=True)
class Outlined:
    """What is known of a cube by its outline."""

    outline: Outline

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.outline.shape

    @property
    def facts(self) -> Facts:
        return self.outline.facts


def outline(path: Path, options: CubeOptions) -> Outline:
    """What the file says; raises as `read_cube`, but for what only its values tell."""
    with reading(path, format_to_read(path, options).title):
        stored, axes, note = _opened(path, options, *_version(path))
        sizes = dict(zip(axes, stored.values.shape, strict=True))
        # One row tells what becomes of the facts: its wavelengths, its order of bands, and all notes.
        first = to_cube(_rows_of(stored, axes, slice(0, 1)), options, is_part=True)
        notes = (*first.facts.notes, note) if note else first.facts.notes
        return Outline(
            shape=(sizes["h"], sizes["w"], sizes["b"]),
            facts=replace(first.facts, notes=notes),
            is_whole=isinstance(stored.values, np.ndarray),
        )


def read_rows(path: Path, options: CubeOptions, start: int, stop: int) -> Cube:
    """The rows start..stop as a cube of their own."""
    with reading(path, format_to_read(path, options).title):
        stored, axes, _ = _opened(path, options, *_version(path))
        return to_cube(_rows_of(stored, axes, slice(start, stop)), options, is_part=True)


def blocks(shape: tuple[int, ...], block_bytes: int | None = None, *, of: int = 1) -> Iterator[tuple[int, int]]:
    """(start, stop) of blocks of rows, together all rows; as many as `of` or a multiple, but for the last."""
    height, width, bands = shape
    rows = max(1, min(height, (block_bytes or BLOCK_BYTES) // (4 * width * bands)))
    rows = -(-rows // of) * of
    for start in range(0, height, rows):
        yield start, min(start + rows, height)


def _version(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=2)
def _opened(path: Path, options: CubeOptions, *version: int) -> tuple[Stored, str, str]:
    """(what the file holds, with its values still in it where its format can, the order of axes, a note)."""
    cube_format = format_to_read(path, options)
    stored = (cube_format.open or cube_format.read)(path, options)
    axes, note = order_of(stored, options.axes, bands=options.bands)
    return stored, axes, note


def _rows_of(stored: Stored, axes: str, rows: slice) -> Stored:
    sides = zip(axes, stored.values.shape, strict=True)
    first, second, third = (rows if axis == "h" else slice(0, side) for axis, side in sides)
    values = stored.values[first, second, third]
    if not values.size:
        raise BadDataError(f"has no rows {rows.start} to {rows.stop}")
    mask = None if stored.mask is None else stored.mask[rows]
    return replace(stored, values=values, mask=mask, axes=axes, states_axes=True)
