"""Boxes, and the list of items that AVIF and HEIC files make of them (ISO/IEC 14496-12; ISO/IEC 23008-12)."""

import struct
from collections.abc import Collection, Iterator

from glmha_cli.io.photos.formats.heif_items import Container, Item
from glmha_cli.io.photos.metadata import Findings

_SAYS_NOTHING = {b"ftyp", b"styp", b"mdat", b"free", b"skip"}


def read_container(file: bytes, findings: Findings) -> Container:
    """As far as it can be read; what is damaged there does not show in the pixels."""
    found, others = Container(), []
    try:
        for kind, at, end in file_boxes(file, (b"meta",), findings):
            if kind == b"meta":
                _read_meta(file, at + 4, end, found)
            elif kind == b"mpvd":
                found.has_video = True
            elif kind not in _SAYS_NOTHING:
                others.append(kind.decode("latin-1").strip())
    except (struct.error, IndexError):
        findings.damage.append("list of items")
    findings.left_out("boxes", others)
    return found


def exif_of(body: bytes) -> bytes:
    """Of a box or an item: behind an offset and as many bytes (ISO/IEC 23008-12, annex A.2.1). Where that leads out of
    it, all there is, which whoever reads it will find damaged.
    """
    return body[4 + int.from_bytes(body[:4]) :] or body[4:] or body


def file_boxes(file: bytes, holders: Collection[bytes], findings: Findings) -> Iterator[tuple[bytes, int, int]]:
    """As `boxes`, of a whole file; what is behind its boxes is noted. struct.error where a box is cut before one of
    `holders`, which hold the picture, was whole.
    """
    at, is_held = 0, False
    while at + 8 <= len(file) and any(file[at + 4 : at + 8]):
        try:
            kind, begin, end = next(boxes(file, at, len(file)))
        except struct.error:
            if is_held:
                break
            raise
        yield kind, begin, end
        is_held |= kind in holders
        at = end
    findings.behind(file[at:])


def boxes(file: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, begin and end of the body) of each box in turn."""
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", file, at)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", file, at + 8), 16
        size = end - at if size == 0 else size
        if size < head or at + size > end:
            raise struct.error("a box is cut")
        yield kind, at + head, at + size
        at += size


def _read_meta(file: bytes, at: int, end: int, found: Container) -> None:
    properties: list[tuple[bytes, bytes]] = []
    for kind, body_at, body_end in boxes(file, at, end):
        cursor = _Cursor(file, body_at)
        if kind == b"pitm":
            found.primary_id = cursor.number(2 if cursor.version() == 0 else 4)
        elif kind == b"idat":
            found.item_data = file[body_at:body_end]
        elif kind in _PARSERS:
            _PARSERS[kind](cursor, body_end, found)
        elif kind == b"iprp":
            for inner, inner_at, inner_end in boxes(file, body_at, body_end):
                if inner == b"ipco":
                    properties = [(name, file[a:b]) for name, a, b in boxes(file, inner_at, inner_end)]
                elif inner == b"ipma":
                    _associations(_Cursor(file, inner_at), properties, found)


class _Cursor:
    def __init__(self, file: bytes, at: int) -> None:
        self.file, self.at, self.flags = file, at, 0

    def number(self, size: int) -> int:
        if self.at + size > len(self.file):
            raise struct.error("a box is cut")
        value = int.from_bytes(self.file[self.at : self.at + size])
        self.at += size
        return value

    def version(self) -> int:
        version = self.number(1)
        self.flags = self.number(3)
        return version


def _associations(cursor: _Cursor, properties: list[tuple[bytes, bytes]], found: Container) -> None:
    id_size = 2 if cursor.version() == 0 else 4
    index_size = 2 if cursor.flags & 1 else 1
    for _ in range(cursor.number(4)):
        item = found.items.setdefault(cursor.number(id_size), Item())
        for _ in range(cursor.number(1)):
            index = cursor.number(index_size) & (2 ** (8 * index_size - 1) - 1)
            if 1 <= index <= len(properties):
                item.properties.append(properties[index - 1])


def _item_list(cursor: _Cursor, end: int, found: Container) -> None:
    cursor.number(2 if cursor.version() == 0 else 4)
    for kind, at, _ in boxes(cursor.file, cursor.at, end):
        entry = _Cursor(cursor.file, at)
        version = entry.version()
        if kind == b"infe" and version >= 2:
            item_id = entry.number(2 if version == 2 else 4)
            entry.number(2)  # protection
            item = found.items.setdefault(item_id, Item())
            item.kind = cursor.file[entry.at : entry.at + 4]
            found.exif_at += [entry.at] if item.kind == b"Exif" else []


def _references(cursor: _Cursor, end: int, found: Container) -> None:
    id_size = 2 if cursor.version() == 0 else 4
    for kind, at, _ in boxes(cursor.file, cursor.at, end):
        link = _Cursor(cursor.file, at)
        item = found.items.setdefault(link.number(id_size), Item())
        if kind not in (b"auxl", b"prem") or not link.number(2):
            continue
        if kind == b"prem":
            item.multiplied_by = link.number(id_size)
        else:
            item.auxiliary_for = link.number(id_size)
            found.links.append(at - 4)


def _locations(cursor: _Cursor, end: int, found: Container) -> None:
    version = cursor.version()
    sizes = cursor.number(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    id_size = 2 if version < 2 else 4
    for _ in range(cursor.number(id_size)):
        item = found.items.setdefault(cursor.number(id_size), Item())
        method = cursor.number(2) & 15 if version else 0
        cursor.number(2)  # data reference
        base = cursor.number(base_size)
        count = cursor.number(2)
        for _ in range(count if offset_size or length_size else 0):  # else each costs time and no bytes
            cursor.number(index_size if version else 0)
            at = base + cursor.number(offset_size)
            item.places.append((method, at, cursor.number(length_size)))


_PARSERS = {b"iinf": _item_list, b"iref": _references, b"iloc": _locations}
