"""EXIF: a TIFF structure, whatever the format that carries it. A TIFF file is one itself.

Handled as raw entries, since Pillow's own rewriting turns non-ASCII text into "?".
"""

import io
import os
import struct
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from glmha_cli.io.photos.metadata import Metadata
from glmha_cli.io.tiff_file import TYPE_BYTES

Entry = tuple[int, bytes]  # type, value in the byte order of its file
_WHOLE_NUMBERS = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_LAYOUTS = {False: ("H", "HHI4s", "I"), True: ("Q", "HHQ8s", "Q")}  # classic, BigTIFF: count, entry, offset
ASCII, LONG, _LONG8 = 2, 4, 16
EXIF_IFD, _GPS_IFD, _INTEROP_IFD = 0x8769, 0x8825, 0xA005
ORIENTATION, X_RESOLUTION, SOFTWARE = 274, 282, 305


@dataclass(frozen=True, kw_only=True)
class Directories:
    """The root directory of a TIFF structure, and those under it that are kept: {pointer tag: directory}.

    order: "<" or ">", as for struct. big: BigTIFF, with 8-byte offsets.
    """

    order: str = "<"
    big: bool = False
    root: dict[int, Entry] = field(default_factory=dict)
    below: dict[int, dict[int, Entry]] = field(default_factory=dict)

    @classmethod
    def read(cls, file: BinaryIO) -> "Directories":
        """Read EXIF bytes or a TIFF file: its first directory, EXIF and GPS.

        Raises ValueError or struct.error for damaged ones.
        """
        file.seek(0)
        header = file.read(16).ljust(16, b"\0")
        order = {b"II": "<", b"MM": ">"}.get(header[:2])
        if order is None:
            raise ValueError("no TIFF header")
        big = struct.unpack_from(order + "H", header, 2)[0] == 43
        self = cls(order=order, big=big)
        offset = struct.unpack_from(order + ("8xQ" if big else "4xI"), header)[0]
        root = self._directory(file, offset)
        pointers = root.keys() & {EXIF_IFD, _GPS_IFD}
        below = {tag: self._directory(file, self.number(root.pop(tag))) for tag in pointers}
        return replace(self, root=root, below=below)

    def _directory(self, file: BinaryIO, offset: int) -> dict[int, Entry]:
        """Entries at `offset`, except empty ones and (as TIFF 6.0 says) those of unknown type.

        The next directory (a thumbnail) and the Interoperability directory are not followed.
        """
        count_format, entry_format, offset_format = (self.order + part for part in _LAYOUTS[self.big])
        size = struct.calcsize(count_format)
        (count,) = struct.unpack(count_format, _read_at(file, offset, size))
        table = _read_at(file, offset + size, count * struct.calcsize(entry_format))
        entries = {}
        for tag, kind, length, value in struct.iter_unpack(entry_format, table):
            size = length * TYPE_BYTES.get(kind, 0)
            if size == 0 or tag == _INTEROP_IFD:
                continue
            if size > len(value):
                value = _read_at(file, *struct.unpack(offset_format, value), size)
            entries[tag] = kind, value[:size]
        return entries

    def number(self, entry: Entry) -> int:
        """The value of an entry that holds one whole number, or the first of several."""
        kind, value = entry
        return struct.unpack_from(self.order + _WHOLE_NUMBERS[kind], value)[0]

    def packed(self, at: int) -> tuple[bytes, int]:
        """All directories for position `at` of a file, and the position where the root directory begins."""
        kind, number = (_LONG8, "Q") if self.big else (LONG, "I")
        data, pointers = b"", {}
        for tag, entries in self.below.items():
            pointers[tag] = kind, struct.pack(self.order + number, at + len(data))
            data += self._packed_directory(entries, at + len(data))
        return data + self._packed_directory(self.root | pointers, at + len(data)), at + len(data)

    def _packed_directory(self, entries: dict[int, Entry], at: int) -> bytes:
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
    body, root_at = exif.packed(8)
    return (b"II" if exif.order == "<" else b"MM") + struct.pack(exif.order + "HI", 42, root_at) + body


def exif_with_provenance(metadata: Metadata) -> bytes:
    """The EXIF, with a Software tag of "glmha " and the provenance if there is one."""
    if not metadata.provenance:
        return metadata.exif
    exif = load_exif(metadata.exif)
    exif.root[SOFTWARE] = ASCII, f"glmha {metadata.provenance}\0".encode()
    return dump_exif(exif)
