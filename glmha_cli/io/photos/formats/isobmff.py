"""What AVIF and HEIC files say beside their pixels: items and their properties (ISO/IEC 23008-12; ISO/IEC 14496-12).

Properties count for the items that they are associated with: what a thumbnail or a gain map is coded in says nothing
about the photo (23008-12, section 9.3).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from glmha_cli.io.photos.metadata import Extra, Findings, Kind

_AUXILIARY = {b"depth": "depth map", b"gainmap": "gain map", b"matte": "matte", b"skymap": "sky map"}
_ORIENTATIONS = {None: (1, 8, 3, 6), 0: (4, 5, 2, 7), 1: (2, 7, 4, 5)}  # by mirror, then by quarter turns to the left
_UNSPECIFIED = 2  # of ITU-T H.273


@dataclass
class Item:
    """properties: (type, body). auxiliary_for: the item that this one is alpha, depth or the like of."""

    kind: bytes = b""
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    auxiliary_for: int | None = None
    places: list[tuple[int, int, int]] = field(default_factory=list)  # construction method, offset, bytes

    def first(self, kind: bytes) -> bytes:
        return next((body for found, body in self.properties if found == kind), b"")

    @property
    def is_alpha(self) -> bool:
        return self.first(b"auxC")[4:].rstrip(b"\0").endswith((b":alpha", b"aux:hevc:1"))


@dataclass
class Container:
    """The items of a file. has_video: of a motion photo.

    links, exif_at: where the file says that an item is auxiliary, and that one is EXIF: see `without`.
    """

    items: dict[int, Item] = field(default_factory=dict)
    primary_id: int = 0
    item_data: bytes = b""
    links: list[int] = field(default_factory=list)
    exif_at: list[int] = field(default_factory=list)
    has_video: bool = False

    @property
    def primary(self) -> Item:
        return self.items.get(self.primary_id, Item())

    @property
    def alpha(self) -> Item | None:
        found = (item for item in self.items.values() if item.auxiliary_for == self.primary_id and item.is_alpha)
        return next(found, None)

    def data(self, file: bytes, kind: bytes) -> bytes:
        """Of the first item of a kind; nothing where it declares more than the file has."""
        item = next((item for item in self.items.values() if item.kind == kind), Item())
        if sum(size for *_, size in item.places) > len(file):
            return b""
        sources = (file, self.item_data)
        return b"".join(sources[method][at : at + size] for method, at, size in item.places if method < 2)

    @property
    def orientation(self) -> int:
        """As EXIF numbers it, of rotation and mirroring (ISO/IEC 23008-12, sections 6.5.10 and 6.5.12)."""
        rotation, mirror = self.primary.first(b"irot"), self.primary.first(b"imir")
        turns = rotation[0] & 3 if rotation else 0
        return _ORIENTATIONS[mirror[0] & 1 if mirror else None][turns]

    def colours(self) -> list[Extra]:
        """Its nclx colours as the body of a PNG's cICP, unless an ICC profile or nothing is said."""
        boxes = [body for kind, body in self.primary.properties if kind == b"colr"]
        if any(body[:4] in (b"prof", b"rICC") for body in boxes):
            return []
        for body in boxes:
            if body[:4] == b"nclx" and len(body) >= 11:
                primaries, transfer = struct.unpack_from(">HH", body, 4)
                if max(primaries, transfer) < 256 and _UNSPECIFIED not in (primaries, transfer):
                    return [Extra(kind=Kind.CICP, key=b"cICP", body=bytes([primaries, transfer, 0, 1]))]
        return []

    def light_levels(self) -> list[Extra]:
        """clli and mdcv as the chunks cLLI and mDCV of a PNG: other units, and red, green, blue in that order."""
        found = []
        if len(clli := self.primary.first(b"clli")) >= 4:
            levels = (10_000 * level for level in struct.unpack_from(">HH", clli))
            found.append(Extra(kind=Kind.LIGHT_LEVELS, key=b"cLLI", body=struct.pack(">II", *levels)))
        if len(mdcv := self.primary.first(b"mdcv")) >= 24:
            body = mdcv[8:12] + mdcv[:8] + mdcv[12:24]
            found.append(Extra(kind=Kind.LIGHT_LEVELS, key=b"mDCV", body=body))
        return found

    def left_behind(self, findings: Findings) -> None:
        """Notes on what belongs to the photo and is not restored with it."""
        names = ["gain map"] if any(item.kind == b"tmap" for item in self.items.values()) else []
        for item in self.items.values():
            if item.auxiliary_for == self.primary_id and not item.is_alpha:
                urn = item.first(b"auxC")[4:].split(b"\0")[0]
                names.append(next((name for sign, name in _AUXILIARY.items() if sign in urn), "auxiliary picture"))
        names += ["video"] if self.has_video else []
        if names:
            findings.notes.append(f"its {', '.join(dict.fromkeys(names))} was left out")


def without(file: bytes, places: list[int]) -> bytes:
    """The file in which the types at these places are none that a decoder knows."""
    changed = bytearray(file)
    for at in places:
        changed[at : at + 4] = b"free"
    return bytes(changed)


def read_container(file: bytes, findings: Findings) -> Container:
    """As far as it can be read; what is damaged there does not show in the pixels."""
    found = Container()
    try:
        for kind, at, end in boxes(file, 0, len(file)):
            if kind == b"meta":
                _read_meta(file, at + 4, end, found)
            found.has_video |= kind == b"mpvd"
    except (struct.error, IndexError):
        findings.damage.append("list of items")
    return found


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
        item_id = link.number(id_size)
        if kind == b"auxl" and link.number(2):
            found.items.setdefault(item_id, Item()).auxiliary_for = link.number(id_size)
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
