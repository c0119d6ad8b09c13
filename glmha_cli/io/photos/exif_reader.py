"""Reads the directories of a TIFF structure, damaged ones as far as they go."""

import os
import struct
from typing import BinaryIO

from glmha_cli.io.photos.exif_entries import (
    EXIF_IFD,
    GPS_IFD,
    INTEROP_IFD,
    LAYOUTS,
    MAKER_NOTE,
    TYPE_BYTES,
    Directory,
    Entry,
    number,
)

_SHARED = 4  # how often entries may share the bytes of their values, on average
_NAMES = {EXIF_IFD: "EXIF directory", GPS_IFD: "GPS directory", INTEROP_IFD: "interoperability directory"}


class DirectoryReader:
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
        count_format, entry_format, offset_format = (self.order + part for part in LAYOUTS[self.big])
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


def _read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    """Exactly `size` bytes; asks for no more than there are, since damaged tags declare gigabytes."""
    file.seek(0, os.SEEK_END)
    if offset + size > file.tell():
        raise ValueError("a directory of tags or a value in it is cut")
    file.seek(offset)
    return file.read(size)
