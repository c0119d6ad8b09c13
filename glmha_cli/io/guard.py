"""What every reader of scientific files owes its caller: no foreign exception, no size taken on trust, no other file.

The rule about other files: nothing is opened but the file that was named and its partners, which stand beside it in the
same folder (the other half of an ENVI pair; see `require_partner`). What a file says of others is not followed: series
of TIFF files (OME, Micro-Manager, NDTiff, ScanImage; see `tiff_file`), links, virtual datasets and external storage of
HDF5 (`cubes.hdf5`), virtual mosaics of ENVI, sidecars of GDAL, playlists and lists that FFmpeg takes for videos
(`videos.open_video`).
"""

import errno
import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import IO, cast

import numpy as np

from glmha_cli.errors import BadDataError, GlmhaError, NoInputError
from glmha_cli.io.stores import is_store, no_file_text
from glmha_cli.shapes import size_text

MAX_BYTES = 16 << 30
FREE_BYTES = 256 << 20
PIECE_BYTES = 64 << 20
MAX_RATIO = 1100  # deflate shrinks data at most 1032 times


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a parser raises inside the block into an error that names the file.

    Raises:
        NoInputError: `path` is missing or cannot be opened.
        BadDataError: the block raised one (`path` is put before its message), or anything but MemoryError.
    """
    require_readable(path)
    try:
        yield
    except BadDataError as error:
        raise type(error)(f"'{path}': {error.message}", error.hint) from error
    except GlmhaError:
        raise
    except MemoryError as error:
        raise GlmhaError(f"'{path}' needs more memory than this machine has free") from error
    except Exception as error:  # on damaged data parsers raise anything: OSError, IndexError, their own
        raise BadDataError(f"'{path}' is damaged or not {kind}") from error


def require_readable(path: Path) -> None:
    """NoInputError unless `path` is a file whose first byte can be read, an empty file, or a store that can be listed.

    A pipe would wait.
    """
    try:
        if is_store(path) and os.path.isdir(path):
            return os.scandir(path).close()
    except OSError as error:
        raise NoInputError(f"'{path}' cannot be opened: {error.strerror or error}") from error
    if os.path.exists(path) and not os.path.isfile(path):
        raise NoInputError(no_file_text(path))
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise NoInputError(f"'{path}' cannot be opened: {error.strerror or error}") from error


def file_problem(path: Path, *, absent: str) -> NoInputError | None:
    """Why `path` is no file that can be read; where pathlib would raise, as in closed folders, that costs one input."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        is_absent = error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
        return NoInputError(f"'{path}' {absent if is_absent else f'cannot be opened: {error.strerror}'}")
    is_one = stat.S_ISREG(mode) or (stat.S_ISDIR(mode) and is_store(path))
    return None if is_one else NoInputError(f"'{path}' is not a file")


def require_plausible(path: Path, shape: tuple[int, ...], itemsize: int, *, most_bytes: float = MAX_BYTES) -> None:
    """BadDataError if an array is declared larger than its file can hold, or than `most_bytes`.

    A file of a kilobyte can declare 10 TB. Up to FREE_BYTES any ratio passes (a constant cube shrinks well),
    above it MAX_RATIO times the size of the file.
    """
    declared_bytes, size_bytes = math.prod(shape) * itemsize, path.stat().st_size
    if declared_bytes > min(most_bytes, max(FREE_BYTES, MAX_RATIO * size_bytes)):
        raise BadDataError(f"declares {size_text(shape)} values, {declared_bytes} bytes, but has {size_bytes}")


def require_partner(named: Path, partner: Path) -> Path:
    """`partner` itself, if it lies where `named` does; BadDataError where it is a link out of that folder."""
    if partner.resolve().parent not in (named.parent.resolve(), named.resolve().parent):
        raise BadDataError(
            f"'{partner.name}' beside it is a link to another folder, which is not followed", "copy the file there"
        )
    return partner


def read_into(file: IO[bytes], array: np.ndarray) -> None:
    """Fill a C-contiguous array of numbers from `file`; BadDataError where it ends before (it may shrink meanwhile)."""
    if not array.size:
        return
    left = array.reshape(-1).view(np.uint8).data
    while left:
        count = cast(BufferedIOBase, file).readinto(left[:PIECE_BYTES])
        if not count:
            raise BadDataError(f"truncated: {len(left)} bytes of its values are missing")
        left = left[count:]
