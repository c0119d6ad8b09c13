"""Arrays of real numbers in MATLAB level 5 files (MathWorks, "MAT-File Format", 2016, chapter 1).

scipy writes these files for us, but its reader trusts the type codes it finds: a damaged file crashes the
whole process (seen with scipy 1.17), where a batch must report that file and go on.
"""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from glmha_cli.errors import BadDataError
from glmha_cli.io.guard import require_plausible

_HEADER_BYTES, _TAG_BYTES = 128, 8
_BYTE_ORDERS = {b"IM": "<", b"MI": ">"}
_MATRIX, _COMPRESSED = 14, 15
_PREFIX_BYTES = 4096  # more than flags, dimensions and name of an array take
_STORED_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
_COMPLEX_FLAG = 0x800


@dataclass(frozen=True, kw_only=True)
class _Element:
    """A top-level element: `offset` and `size_bytes` of its body, after the tag."""

    kind: int
    offset: int
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class _Header:
    """What an array says before its numbers; these begin `offset` bytes into the body."""

    name: str
    array_class: int
    is_complex: bool
    shape: tuple[int, ...]
    offset: int


def mat5_variables(path: Path) -> Mapping[str, Callable[[], np.ndarray]]:
    """Name -> function that reads it; listing reads no numbers.

    Raises:
        BadDataError: not such a file, truncated (other than exactly between two variables); when read: text,
            cells, structures, complex numbers, or a size that does not fit the file.
    """
    with path.open("rb") as file:
        order = _BYTE_ORDERS.get(file.read(_HEADER_BYTES)[126:])
        if order is None:
            raise BadDataError("not a MAT file of level 5 or 7.3")
        elements = list(_elements(path, order))
    found = {_header(_body(path, e, order, _PREFIX_BYTES), order).name: e for e in elements}
    return {name: partial(_read, path, element, order) for name, element in found.items()}


def _elements(path: Path, order: str) -> Iterator[_Element]:
    offset, size_bytes = _HEADER_BYTES, path.stat().st_size
    with path.open("rb") as file:
        while offset < size_bytes:
            file.seek(offset)
            kind, length = struct.unpack(f"{order}II", file.read(_TAG_BYTES).ljust(_TAG_BYTES, b"\xff"))
            offset += _TAG_BYTES + length
            if offset > size_bytes or kind not in (_MATRIX, _COMPRESSED):
                raise BadDataError("truncated or damaged")
            yield _Element(kind=kind, offset=offset - length, size_bytes=length)


def _body(path: Path, element: _Element, order: str, limit_bytes: int | None = None) -> bytes:
    """The body of an array, or its first `limit_bytes`, decompressed if need be."""
    with path.open("rb") as file:
        file.seek(element.offset)
        if element.kind == _MATRIX:
            return file.read(element.size_bytes if limit_bytes is None else min(limit_bytes, element.size_bytes))
        stream = zlib.decompressobj()
        compressed = file.read(element.size_bytes)
    kind, length = struct.unpack(f"{order}II", stream.decompress(compressed, _TAG_BYTES))
    if kind != _MATRIX:
        raise BadDataError("holds compressed data that are no array")
    require_plausible(path, (length,), 1)
    wanted = length if limit_bytes is None else min(length, limit_bytes)
    return stream.decompress(stream.unconsumed_tail, max(1, wanted))  # 0 would mean without limit


def _part(body: bytes, offset: int, order: str) -> tuple[int, int, int, int]:
    """(type, first byte, size in bytes, offset of the next) of the data element at `offset` of a body."""
    kind, length = struct.unpack_from(f"{order}II", body, offset)
    if kind >> 16:  # "small data element": type and size share a word, the data are the next
        return kind & 0xFFFF, offset + 4, kind >> 16, offset + 8
    start = offset + _TAG_BYTES
    return kind, start, length, start + length + -length % 8


def _header(body: bytes, order: str) -> _Header:
    _, start, _, offset = _part(body, 0, order)
    (flags,) = struct.unpack_from(f"{order}I", body, start)
    _, start, length, offset = _part(body, offset, order)
    shape = struct.unpack_from(f"{order}{length // 4}i", body, start)
    _, start, length, offset = _part(body, offset, order)
    return _Header(
        name=body[start : start + length].decode(),
        array_class=flags & 0xFF,
        is_complex=bool(flags & _COMPLEX_FLAG),
        shape=shape,
        offset=offset,
    )


def _read(path: Path, element: _Element, order: str) -> np.ndarray:
    header = _header(_body(path, element, order, _PREFIX_BYTES), order)
    if header.array_class not in _CLASSES or header.is_complex:
        raise BadDataError(f"variable '{header.name}' is not an array of real numbers")
    target = np.dtype(_CLASSES[header.array_class])
    require_plausible(path, header.shape, target.itemsize)
    body = _body(path, element, order)
    kind, start, length, _ = _part(body, header.offset, order)
    numbers = body[start : start + length]
    if kind not in _STORED_TYPES or min(header.shape) < 0 or len(numbers) < length:
        raise BadDataError(f"variable '{header.name}' is damaged")
    # MATLAB stores numbers in the smallest type that holds them all.
    stored = np.frombuffer(numbers, f"{order}{_STORED_TYPES[kind]}")
    return stored.reshape(header.shape, order="F").astype(target, copy=False)
