"""EXIF: a TIFF structure, whatever the format that carries it. A TIFF file is one itself.

Handled as raw entries, since Pillow's own rewriting turns non-ASCII text into "?". How a block is changed without
moving what is in it: exif_edit.py.
"""

import io
import os
import struct
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from glmha_cli.io.tiff_file import TYPE_BYTES as TIFF_TYPE_BYTES

Entry = tuple[int, bytes]  # type, value in the byte order of its file
Directory = dict[int, Entry]

TYPE_BYTES = TIFF_TYPE_BYTES | {129: 1}  # UTF-8, EXIF 3.0 section 4.6.2
_NUMBERS = {1: "B", 3: "H", 4: "I", 5: "II", 6: "b", 7: "B", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d", 13: "I"}
_NUMBERS |= {16: "Q", 17: "q", 18: "Q"}
_LAYOUTS = {False: ("H", "HHI4s", "I"), True: ("Q", "HHQ8s", "Q")}  # classic, BigTIFF: count, entry, offset
ASCII, SHORT, LONG, SLONG, _LONG8 = 2, 3, 4, 9, 16
EXIF_IFD, _GPS_IFD, INTEROP_IFD = 0x8769, 0x8825, 0xA005
ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, SOFTWARE = 274, 282, 283, 296, 305
MAKER_NOTE, _OFFSET_SCHEMA = 0x927C, 0xEA1D
_SHARED = 4  # how often entries may share the bytes of their values, on average
_NAMES = {EXIF_IFD: "EXIF directory", _GPS_IFD: "GPS directory", INTEROP_IFD: "interoperability directory"}


@dataclass(frozen=True, kw_only=True)
class Directories:
    """The root directory of a TIFF structure, and those under it that are kept: {pointer tag: directory}.

    order: "<" or ">", as for struct. big: BigTIFF, with 8-byte offsets.
    maker_note_at: where the maker note was read: what is in it may point at places counted from the header.
    damage: what could not be read and is left out.
    """

    order: str = "<"
    big: bool = False
    root: Directory = field(default_factory=dict)
    below: dict[int, Directory] = field(default_factory=dict)
    maker_note_at: int | None = None
    damage: tuple[str, ...] = ()

    @classmethod
    def read(cls, file: BinaryIO, *, at: int | None = None) -> "Directories":
        """Read EXIF bytes or a TIFF file: its first directory or the one at `at`, EXIF, GPS and interoperability.

        Raises ValueError or struct.error where the root directory cannot be read.
        """
        reader = _Reader(file)
        root = reader.directory(reader.root_at if at is None else at)
        below: dict[int, Directory] = {}
        for tag, parent in ((EXIF_IFD, root), (_GPS_IFD, root), (INTEROP_IFD, None)):
            parent = below.get(EXIF_IFD, {}) if parent is None else parent
            if tag in parent:
                reader.below(tag, parent.pop(tag), below)
        return cls(
            order=reader.order,
            big=reader.big,
            root=root,
            below=below,
            maker_note_at=reader.maker_note_at if MAKER_NOTE in below.get(EXIF_IFD, {}) else None,
            damage=tuple(dict.fromkeys(reader.damage)),
        )

    def number(self, tag: int, default: float = 0) -> float:
        """The value of a root entry that holds a number, or the first of several; `default` where there is none."""
        return number(self.order, self.root[tag], default) if tag in self.root else default

    def packed(self, at: int) -> tuple[bytes, int]:
        """All directories for position `at` of a file, and the position where the root directory begins.

        A maker note does not stay where it was: OffsetSchema (EXIF as Microsoft extends it) says by how much it moved.
        """
        kind, form = (_LONG8, "Q") if self.big else (LONG, "I")
        data, pointers = b"", {}
        for tag in (INTEROP_IFD, _GPS_IFD, EXIF_IFD):
            if tag not in self.below:
                continue
            entries = dict(self.below[tag])
            if tag == EXIF_IFD and INTEROP_IFD in pointers:
                entries[INTEROP_IFD] = pointers.pop(INTEROP_IFD)
            pointers[tag] = kind, struct.pack(self.order + form, at + len(data))
            data += self._packed_directory(self._with_offset_schema(entries, at + len(data)), at + len(data))
        return data + self._packed_directory(self.root | pointers, at + len(data)), at + len(data)

    def _with_offset_schema(self, entries: Directory, at: int) -> Directory:
        if self.maker_note_at is None or len(entries.get(MAKER_NOTE, (0, b""))[1]) <= 8:
            return entries
        moved = {**entries, _OFFSET_SCHEMA: (SLONG, bytes(4))}
        value = entries[MAKER_NOTE][1]
        shift = self._packed_directory(moved, at).index(value) + at - self.maker_note_at
        before = number(self.order, entries[_OFFSET_SCHEMA]) if _OFFSET_SCHEMA in entries else 0
        return (
            entries if shift == 0 else {**moved, _OFFSET_SCHEMA: (SLONG, struct.pack(self.order + "i", before + shift))}
        )

    def _packed_directory(self, entries: Directory, at: int) -> bytes:
        count_format, entry_format, offset_format = (self.order + part for part in _LAYOUTS[self.big])
        inline = struct.calcsize(offset_format)
        table = struct.pack(count_format, len(entries))
        values_at = at + len(table) + len(entries) * struct.calcsize(entry_format) + inline
        values = b""
        for tag, (kind, value) in sorted(entries.items()):
            length = len(value) // TYPE_BYTES[kind]
            if len(value) > inline:
                place = struct.pack(offset_format, values_at + len(values))
                values += value + b"\0" * (len(value) % 2)  # TIFF 6.0: values begin on a word
            else:
                place = value
            table += struct.pack(entry_format, tag, kind, length, place)
        return table + bytes(inline) + values  # no next directory


class _Reader:
    """Reads directories one by one and keeps a list of what is damaged."""

    def __init__(self, file: BinaryIO) -> None:
        file.seek(0)
        header = file.read(16).ljust(16, b"\0")
        order = {b"II": "<", b"MM": ">"}.get(header[:2])
        if order is None:
            raise ValueError("no TIFF header")
        self.file, self.order = file, order
        self.big = struct.unpack_from(order + "H", header, 2)[0] == 43
        self.root_at = struct.unpack_from(order + ("8xQ" if self.big else "4xI"), header)[0]
        self.maker_note_at: int | None = None
        self.damage: list[str] = []
        self.bytes_left = _SHARED * file.seek(0, os.SEEK_END)

    def directory(self, offset: int) -> Directory:
        """Entries at `offset` but empty ones; those of an unknown type or with a value outside the file are damage.

        The next directory, a thumbnail, is not followed. ValueError for more values than the file has room for.
        """
        count_format, entry_format, offset_format = (self.order + part for part in _LAYOUTS[self.big])
        size = struct.calcsize(count_format)
        (count,) = struct.unpack(count_format, _read_at(self.file, offset, size))
        table = _read_at(self.file, offset + size, count * struct.calcsize(entry_format))
        entries = {}
        for tag, kind, length, value in struct.iter_unpack(entry_format, table):
            size = length * TYPE_BYTES.get(kind, 0)
            if size > len(value):
                (value_at,) = struct.unpack(offset_format, value)
                try:
                    value = _read_at(self.file, value_at, size)
                except ValueError:
                    self.damage.append(f"EXIF or TIFF tag {tag}")
                    continue
                self.bytes_left -= size
                if self.bytes_left < 0:
                    raise ValueError("its tags declare more than there is room for")
                if tag == MAKER_NOTE:
                    self.maker_note_at = value_at
            if length and kind not in TYPE_BYTES:
                self.damage.append(f"EXIF or TIFF tag {tag} of unknown type {kind}")
            elif size:
                entries[tag] = kind, value[:size]
        return entries

    def below(self, tag: int, pointer: Entry, found: dict[int, Directory]) -> None:
        """Add the directory that `pointer` leads to, or a line to the damage."""
        try:
            found[tag] = self.directory(int(number(self.order, pointer)))
        except (ValueError, struct.error):
            self.damage.append(_NAMES[tag])


def number(order: str, entry: Entry, default: float = 0) -> float:
    """The first number of a value of any type that holds numbers; of text that is one; else `default`."""
    return next(iter(numbers(order, entry)), default)


def numbers(order: str, entry: Entry) -> tuple[float, ...]:
    """All numbers of a value of any type that holds numbers, or of text that is one; none of any other value."""
    kind, value = entry
    try:
        if kind == ASCII:
            return (float(value.partition(b"\0")[0]),)
        values = struct.iter_unpack(order + _NUMBERS[kind], value)
        return tuple(top / bottom[0] if bottom else top for top, *bottom in values)
    except (KeyError, ValueError, struct.error, ZeroDivisionError):
        return ()


def _read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    """Exactly `size` bytes; asks for no more than there are, since damaged tags declare gigabytes."""
    file.seek(0, os.SEEK_END)
    if offset + size > file.tell():
        raise ValueError("a directory of tags or a value in it is cut")
    file.seek(offset)
    return file.read(size)


def load_exif(data: bytes) -> Directories:
    return Directories.read(io.BytesIO(data)) if data else Directories()


def dump_exif(exif: Directories) -> bytes:
    """The directories laid out anew, in the classic form that EXIF has."""
    body, root_at = replace(exif, big=False).packed(8)
    return (b"II" if exif.order == "<" else b"MM") + struct.pack(exif.order + "HI", 42, root_at) + body
