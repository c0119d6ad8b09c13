"""EXIF changed in place: what is not changed stays where it is.

Maker notes and private tags point at other places of the block, counted from its header (EXIF 2.32 section 4.6.5); laid
out anew, lens names and serial numbers would read as garbage.
"""

import struct
from collections.abc import Iterator, Mapping

from glmha_cli.io.photos.exif import Directories, dump_exif
from glmha_cli.io.photos.exif_entries import (
    ASCII,
    EXIF_IFD,
    LONG,
    ORIENTATION,
    SHORT,
    SOFTWARE,
    TYPE_BYTES,
    X_RESOLUTION,
    Y_RESOLUTION,
    Entry,
)
from glmha_cli.io.photos.metadata import Metadata
from glmha_cli.io.photos.turn import Turn

_RECORD = "HHI4s"  # tag, type, count, value or its position
_RECORD_BYTES = 12
_SIZES = ((256, 257), (40962, 40963))  # ImageWidth/Length, PixelX/YDimension
PLACES = {0x9214: (2, 3, 4), 0xA214: (2,)}
"""SubjectArea (a point, a circle or a rectangle by its centre) and SubjectLocation: how many numbers they can have."""
_SHORT_MAX = 65535
_THUMBNAILS = ((513, 514), (273, 279))
"""Where one is and its length: a JPEG, or a picture stored plainly in one strip."""


def upright_exif(data: bytes, *, turn: Turn, width: int, height: int) -> bytes:
    """The EXIF of the same photo stored upright in `width` x `height` pixels, without the thumbnail.

    That would show the photo before restoration. turn: by which it became upright; places in it are turned so too, see
    `PLACES`. Raises ValueError or struct.error for damaged EXIF.
    """
    block = _Block(data)
    values = {ORIENTATION: (SHORT, 1)}
    for width_tag, height_tag in _SIZES:
        values |= {width_tag: (LONG, width), height_tag: (LONG, height)}
    for directory_at in (block.root_at, block.pointer(block.root_at, EXIF_IFD)):
        for at, tag in block.records(directory_at) if directory_at else ():
            if tag in values:
                kind, value = values[tag]
                form = "HIHxx" if kind == SHORT else "HII"
                struct.pack_into(block.order + form, block.data, at + 2, kind, 1, value)
            elif tag in PLACES:
                block.turn_place(at, turn, right=width - 1, bottom=height - 1)
    if turn.swapped:
        block.swap(X_RESOLUTION, Y_RESOLUTION)
    block.drop_thumbnail()
    return bytes(block.data)


def is_place(tag: int, kind: int, count: int) -> bool:
    """Whether an entry of `PLACES` has the form that EXIF 2.32 gives it, in which it can be turned."""
    return kind == SHORT and count in PLACES[tag]


def with_root_entries(data: bytes, entries: Mapping[int, Entry]) -> bytes:
    """The EXIF with these entries of its root directory replaced or added."""
    if not data:
        return dump_exif(Directories(root=dict(entries)))
    block = _Block(data)
    for tag, entry in entries.items():
        block.set(tag, entry)
    return bytes(block.data)


def exif_with_provenance(metadata: Metadata) -> bytes:
    """The EXIF, with a Software tag of "glmha " and the provenance if there is one."""
    if not metadata.provenance:
        return metadata.exif
    return with_root_entries(metadata.exif, {SOFTWARE: (ASCII, f"glmha {metadata.provenance}\0".encode())})


class _Block:
    def __init__(self, data: bytes) -> None:
        self.order = {b"II": "<", b"MM": ">"}.get(data[:2], "")
        if not self.order:
            raise ValueError("no TIFF header")
        self.data = bytearray(data)

    @property
    def root_at(self) -> int:
        return self._number("I", 4)

    def _number(self, form: str, at: int) -> int:
        return struct.unpack_from(self.order + form, self.data, at)[0]

    def records(self, directory_at: int) -> Iterator[tuple[int, int]]:
        """(position, tag) of each entry of the directory."""
        for index in range(self._number("H", directory_at)):
            at = directory_at + 2 + _RECORD_BYTES * index
            yield at, self._number("H", at)

    def pointer(self, directory_at: int, tag: int) -> int:
        """The number that the entry holds, long or short; 0 without one, or of several."""
        at = next((at for at, found in self.records(directory_at) if found == tag), None)
        if at is None or self._number("I", at + 4) > 1:
            return 0
        return self._number("H" if self._number("H", at + 2) == SHORT else "I", at + 8)

    def swap(self, one: int, other: int) -> None:
        """The values of two entries of the root directory, where it has both."""
        places = {tag: slice(at + 2, at + _RECORD_BYTES) for at, tag in self.records(self.root_at)}
        if one in places and other in places:
            first, second = self.data[places[one]], self.data[places[other]]
            self.data[places[one]], self.data[places[other]] = second, first

    def set(self, tag: int, entry: Entry) -> None:
        """Over the old value where that has room, else at the end, with a new root directory if it is a new entry."""
        kind, value = entry
        old = next((at for at, found in self.records(self.root_at) if found == tag), None)
        place = self._place(old, value)
        record = struct.pack(self.order + _RECORD, tag, kind, len(value) // TYPE_BYTES[kind], place)
        if old is not None:
            self.data[old : old + _RECORD_BYTES] = record
            return
        records = {found: bytes(self.data[at : at + _RECORD_BYTES]) for at, found in self.records(self.root_at)}
        records[tag] = record
        root_at = self._append(b"")
        table = b"".join(records[tag] for tag in sorted(records))
        self._append(struct.pack(self.order + "H", len(records)) + table + bytes(4))
        struct.pack_into(self.order + "I", self.data, 4, root_at)

    def _place(self, old: int | None, value: bytes) -> bytes:
        """Put the value somewhere; the four bytes of its record."""
        if len(value) <= 4:
            return value
        if old is not None:
            kind, count, at = struct.unpack_from(self.order + "HII", self.data, old + 2)
            if count * TYPE_BYTES.get(kind, 0) >= len(value) and at + len(value) <= len(self.data):
                self.data[at : at + len(value)] = value
                return struct.pack(self.order + "I", at)
        return struct.pack(self.order + "I", self._append(value))

    def _append(self, value: bytes) -> int:
        """The position of the value, on a word as TIFF 6.0 says."""
        self.data += bytes(len(self.data) % 2)
        at = len(self.data)
        self.data += value
        return at

    def turn_place(self, record_at: int, turn: Turn, *, right: int, bottom: int) -> None:
        """Turn the place that a record has, within the photo; it may have a width and a height too."""
        tag, kind, count = struct.unpack_from(self.order + "HHI", self.data, record_at)
        if turn == Turn() or not is_place(tag, kind, count):
            return
        at = record_at + 8 if count == 2 else self._number("I", record_at + 8)
        x, y, *size = struct.unpack_from(f"{self.order}{count}H", self.data, at)
        turned = (round(v) for v in turn.point(x, y, right=right, bottom=bottom))
        place = [min(max(v, 0), end, _SHORT_MAX) for v, end in zip(turned, (right, bottom), strict=True)]
        size = size[::-1] if turn.swapped else size
        struct.pack_into(f"{self.order}{len(place + size)}H", self.data, at, *place, *size)

    def drop_thumbnail(self) -> None:
        """End the list of directories after the root; cut the picture if it is last, else blank it."""
        root_at = self.root_at
        next_at = root_at + 2 + _RECORD_BYTES * self._number("H", root_at)
        thumbnail_at = self._number("I", next_at)
        struct.pack_into(self.order + "I", self.data, next_at, 0)
        if not 8 <= thumbnail_at <= len(self.data) - 2:
            return
        for tags in _THUMBNAILS:
            try:
                at, size = (self.pointer(thumbnail_at, tag) for tag in tags)
            except struct.error:  # the directory is cut
                return
            if at >= 8 and 0 < size <= len(self.data) - at:
                self.data[at : at + size] = bytes(size)
                if len(self.data) - (at + size) < 16:
                    del self.data[at:]
