"""Arrays in NumPy's format, from a file or a member of an archive, read in bounded pieces.

Not mapped into memory: a mapped file that another program shortens ends the process.
"""

from pathlib import Path
from typing import IO

import numpy as np

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.real import require_real
from glmha_cli.io.guard import read_into, require_plausible

_LENGTH_BYTES = {(1, 0): 2, (2, 0): 4}
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_HEADER_MAX_BYTES = 10_000  # NumPy reads a header whole before it looks at its length


def read_npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """(shape, Fortran order, dtype); the file then stands before the numbers. BadDataError for a long header."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise BadDataError(f"has version {version[0]} of NumPy's format")
    start = file.tell()
    length = int.from_bytes(file.read(_LENGTH_BYTES[version]), "little")
    if length > _HEADER_MAX_BYTES:
        raise BadDataError(f"has a header of {length} bytes")
    file.seek(start)
    return _HEADERS[version](file)


def read_npy(file: IO[bytes], path: Path) -> np.ndarray:
    """The array that begins where `file`, of `path`, stands: real numbers, truth values or text.

    Raises:
        BadDataError: other kinds of values (pickles), truncated, or larger than `path` can hold.
    """
    shape, is_fortran, dtype = read_npy_header(file)
    if dtype.kind not in "US":
        require_real(dtype)
    require_plausible(path, shape, dtype.itemsize)
    stored = np.empty(shape[::-1] if is_fortran else shape, dtype)
    read_into(file, stored)
    stored = stored.T if is_fortran else stored
    return np.char.decode(stored, "utf-8", "replace") if dtype.kind == "S" else stored
