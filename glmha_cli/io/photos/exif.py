"""EXIF: a TIFF structure, whatever the format that carries it. A TIFF file is one itself.

Handled as raw entries, since Pillow's own rewriting turns non-ASCII text into "?". How a block is changed without
moving what is in it: exif_edit.py.
"""

import io
import struct
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from glmha_cli.io.photos.exif_entries import (
    EXIF_IFD,
    GPS_IFD,
    INTEROP_IFD,
    LAYOUTS,
    LONG,
    LONG8,
    MAKER_NOTE,
    OFFSET_SCHEMA,
    RESOLUTION_UNIT,
    SLONG,
    TYPE_BYTES,
    UNITS_PER_INCH,
    X_RESOLUTION,
    Y_RESOLUTION,
    Directory,
    number,
)
from glmha_cli.io.photos.exif_reader import DirectoryReader
from glmha_cli.io.photos.metadata import usable_dpi


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
        reader = DirectoryReader(file)
        root = reader.directory(reader.root_at if at is None else at)
        below: dict[int, Directory] = {}
        for tag, parent in ((EXIF_IFD, root), (GPS_IFD, root), (INTEROP_IFD, None)):
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

    def dpi(self) -> tuple[float, float] | None:
        """Pixels per inch (x, y); None where the root says none. Of any type that holds numbers: some writers store
        SHORT or FLOAT, not RATIONAL.
        """
        per_inch = UNITS_PER_INCH.get(self.number(RESOLUTION_UNIT, 2), 0.0)
        return usable_dpi(*(self.number(tag) * per_inch for tag in (X_RESOLUTION, Y_RESOLUTION)))

    def packed(self, at: int) -> tuple[bytes, int]:
        """All directories for position `at` of a file, and the position where the root directory begins.

        A maker note does not stay where it was: OffsetSchema (EXIF as Microsoft extends it) says by how much it moved.
        """
        kind, form = (LONG8, "Q") if self.big else (LONG, "I")
        data = b""
        pointers: Directory = {}
        for tag in (INTEROP_IFD, GPS_IFD, EXIF_IFD):
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
        moved = {**entries, OFFSET_SCHEMA: (SLONG, bytes(4))}
        value = entries[MAKER_NOTE][1]
        shift = self._packed_directory(moved, at).index(value) + at - self.maker_note_at
        before = number(self.order, entries[OFFSET_SCHEMA]) if OFFSET_SCHEMA in entries else 0
        return (
            entries if shift == 0 else {**moved, OFFSET_SCHEMA: (SLONG, struct.pack(self.order + "i", before + shift))}
        )

    def _packed_directory(self, entries: Directory, at: int) -> bytes:
        count_format, entry_format, offset_format = (self.order + part for part in LAYOUTS[self.big])
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


def load_exif(data: bytes) -> Directories:
    return Directories.read(io.BytesIO(data)) if data else Directories()


def resolution_of(data: bytes) -> tuple[float, float] | None:
    """Pixels per inch (x, y) that EXIF says; None where it says none, or cannot be read."""
    try:
        return load_exif(data).dpi()
    except (ValueError, struct.error):
        return None


def dump_exif(exif: Directories) -> bytes:
    """The directories laid out anew, in the classic form that EXIF has."""
    body, root_at = replace(exif, big=False).packed(8)
    return (b"II" if exif.order == "<" else b"MM") + struct.pack(exif.order + "HI", 42, root_at) + body
