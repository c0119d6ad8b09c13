"""Arrays of real numbers, and texts, in MATLAB level 5 files (MathWorks, "MAT-File Format", 2016, chapter 1).

scipy writes these files for us, but its reader trusts the type codes it finds: a damaged file crashes the
whole process (seen with scipy 1.17), where a batch must report that file and go on.
"""

import math
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.variable import Variable, texts_in
from glmha_cli.io.guard import require_plausible

_HEADER_BYTES, _TAG_BYTES = 128, 8
_BYTE_ORDERS = {b"IM": "<", b"MI": ">"}
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCTURE, _TEXT = 1, 2, 4
_DEPTH, _ITEMS, _NAME_BYTES = 8, 4096, 4096
_ENCODINGS = {16: "utf-8", 17: "utf-16-{}", 18: "utf-32-{}"}
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
    """What an array says before its content; this begins `offset` bytes into the body."""

    name: str
    array_class: int
    is_complex: bool
    shape: tuple[int, ...]
    offset: int


def mat5_variables(path: Path) -> Mapping[str, Variable]:
    """Name -> array; fields of structures and items of cells as `name.field`, `name{1}`. Listing reads no numbers.

    Raises:
        BadDataError: not such a file, truncated (other than exactly between two variables); when read: objects, complex
            numbers, or a size that does not fit the file.
    """
    with path.open("rb") as file:
        order = _BYTE_ORDERS.get(file.read(_HEADER_BYTES)[126:])
        if order is None:
            raise BadDataError("not a MAT file of level 5 or 7.3", "in MATLAB: save x.mat -v7")
        elements = list(_elements(path, order))
    found: dict[str, Variable] = {}
    for element in elements:
        header = _header(_body(path, element, order, _PREFIX_BYTES), order)
        if header.array_class in (_CELL, _STRUCTURE):
            found.update(_inside(path, header.name, _body(path, element, order), order, depth=0))
        else:
            found[header.name] = _variable(header, partial(_read, path, element, order))
    return found


def _variable(header: _Header, read: Callable[[], np.ndarray]) -> Variable:
    is_numeric = header.array_class in _CLASSES and not header.is_complex
    return Variable(shape=header.shape, is_numeric=is_numeric, is_text=header.array_class == _TEXT, read=read)


def _inside(path: Path, name: str, body: bytes, order: str, *, depth: int) -> Iterator[tuple[str, Variable]]:
    """The arrays within a structure or a cell called `name`, and within those in it; the first thousands of them."""
    header = _header(body, order)
    count = math.prod(header.shape)
    if depth > _DEPTH or not 0 <= count <= _ITEMS:
        return
    at, names = header.offset, [f"{name}{{{i + 1}}}" for i in range(count)]
    if header.array_class == _STRUCTURE:
        fields, at = _field_names(body, at, order)
        items = [name] if count == 1 else [f"{name}({i + 1})" for i in range(count)]
        names = [f"{item}.{field}" for item in items for field in fields]
    for each in names[:_ITEMS]:
        kind, start, length, at = _part(body, at, order)
        inner = body[start : start + length]
        if kind != _MATRIX or len(inner) < length:
            raise BadDataError(f"variable '{each}' is damaged")
        if not inner:
            continue
        inner_header = _header(inner, order)
        if inner_header.array_class in (_CELL, _STRUCTURE):
            yield from _inside(path, each, inner, order, depth=depth + 1)
        else:
            yield each, _variable(inner_header, partial(_numbers, path, each, inner, order))


def _field_names(body: bytes, at: int, order: str) -> tuple[list[str], int]:
    """(names of a structure's fields, offset behind them)."""
    _, start, _, at = _part(body, at, order)
    (width,) = struct.unpack_from(f"{order}i", body, start)
    _, start, length, at = _part(body, at, order)
    if not 0 < width <= _NAME_BYTES:
        raise BadDataError("holds a structure whose fields are damaged")
    return [body[i : i + width].partition(b"\0")[0].decode() for i in range(start, start + length, width)], at


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
        raise BadDataError("holds compressed data that is not an array")
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
    _require_readable_class(path, header.name, header)
    return _numbers(path, header.name, _body(path, element, order), order)


def _require_readable_class(path: Path, name: str, header: _Header) -> None:
    if header.array_class not in (*_CLASSES, _TEXT) or header.is_complex:
        raise BadDataError(f"variable '{name}' is not an array of real numbers")
    require_plausible(path, header.shape, np.dtype(_CLASSES.get(header.array_class, "u2")).itemsize)


def _numbers(path: Path, name: str, body: bytes, order: str) -> np.ndarray:
    """The numbers of an array, or its text as an array of strings."""
    header = _header(body, order)
    _require_readable_class(path, name, header)
    kind, start, length, _ = _part(body, header.offset, order)
    numbers = body[start : start + length]
    if kind not in (*_STORED_TYPES, *_ENCODINGS) or min(header.shape) < 0 or len(numbers) < length:
        raise BadDataError(f"variable '{name}' is damaged")
    if kind in _ENCODINGS:
        text = numbers.decode(_ENCODINGS[kind].format("le" if order == "<" else "be"), "replace")
        return texts_in(text, header.shape)
    # MATLAB stores numbers in the smallest type that holds them all.
    stored = np.frombuffer(numbers, f"{order}{_STORED_TYPES[kind]}")
    if header.array_class == _TEXT:
        return texts_in("".join(map(chr, stored)), header.shape)
    return stored.reshape(header.shape, order="F").astype(_CLASSES[header.array_class], copy=False)
