"""The items of an AVIF or HEIC file, and what they say beside the pixels (ISO/IEC 23008-12).

Properties count for the items that they are associated with: what a thumbnail or a gain map is coded in says nothing
about the photo (section 9.3).
"""

import struct
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from jaxtyping import Num

from glmha_cli.io.photos.formats.av1 import coded_colours
from glmha_cli.io.photos.metadata import Extra, Findings, Kind, pixel_shape

_AUXILIARY = {b"depth": "depth map", b"gainmap": "gain map", b"matte": "matte", b"skymap": "sky map"}
_AUXILIARY |= {b":auxid:2": "depth map"}  # of HEVC (ISO/IEC 23008-12, annex B)
_ORIENTATIONS = {None: (1, 8, 3, 6), 0: (4, 5, 2, 7), 1: (2, 7, 4, 5)}  # by mirror, then by quarter turns to the left
_UNSPECIFIED = 2  # of ITU-T H.273
_AV1_HEAD = 4  # bytes of av1C before what it may repeat of the coded picture (AV1 in ISOBMFF 1.3, section 2.3.3)


@dataclass
class Item:
    """properties: (type, body). auxiliary_for: the item that this one is alpha, depth or the like of.
    multiplied_by: the item whose alpha its colours are multiplied by (ISO/IEC 23008-12, section 6.6.2.1, "prem").
    """

    kind: bytes = b""
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    auxiliary_for: int | None = None
    multiplied_by: int | None = None
    places: list[tuple[int, int, int]] = field(default_factory=list)  # construction method, offset, bytes

    def first(self, kind: bytes) -> bytes:
        return next((body for found, body in self.properties if found == kind), b"")

    @property
    def auxiliary_kind(self) -> bytes:
        """The URN that says what it is, without the data that may follow it."""
        return self.first(b"auxC")[4:].partition(b"\0")[0]

    @property
    def is_alpha(self) -> bool:
        return self.auxiliary_kind.endswith((b":alpha", b":auxid:1"))


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
        return self._data_of(next((item for item in self.items.values() if item.kind == kind), Item()), file)

    def _data_of(self, item: Item, file: bytes) -> bytes:
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

    def colours(self, file: bytes) -> list[Extra]:
        """Its nclx colours, or without such a box those that an AV1 picture says itself, as the body of a PNG's cICP,
        unless an ICC profile or nothing is said.
        """
        boxes = [body for kind, body in self.primary.properties if kind == b"colr"]
        if any(body[:4] in (b"prof", b"rICC") for body in boxes):
            return []
        said = [struct.unpack_from(">HH", body, 4) for body in boxes if body[:4] == b"nclx" and len(body) >= 11]
        if not said and self.primary.kind == b"av01":
            units = self.primary.first(b"av1C")[_AV1_HEAD:] or self._data_of(self.primary, file)
            said = [coded_colours(units)]
        for primaries, transfer in said:
            if max(primaries, transfer) < 256 and _UNSPECIFIED not in (primaries, transfer):
                return [Extra(kind=Kind.CICP, key=b"cICP", body=bytes([primaries, transfer, 0, 1]))]
        return []

    def extras(self, file: bytes) -> tuple[Extra, ...]:
        """All that a PNG has chunks for."""
        return (*self.colours(file), *self.light_levels(), *self.pixel_shape())

    def cropped(self, samples: Num[np.ndarray, "h w c"], findings: Findings) -> Num[np.ndarray, "h w c"]:
        """To its clean aperture (ISO/IEC 14496-12, section 12.1.4), which counts before rotation and mirroring."""
        if len(clap := self.primary.first(b"clap")) < 32:
            return samples
        numbers = struct.unpack_from(">IIIIiIiI", clap)
        try:
            sizes_and_shifts = [Fraction(top, bottom) for top, bottom in zip(numbers[::2], numbers[1::2], strict=True)]
            place = []
            for side, size, shift in zip(samples.shape[1::-1], sizes_and_shifts[:2], sizes_and_shifts[2:], strict=True):
                begin = (side - size) / 2 + shift
                if size.denominator != 1 or begin.denominator != 1 or not 0 <= begin < begin + size <= side:
                    raise ValueError("not whole pixels of the picture")
                place.append(slice(int(begin), int(begin + size)))
        except (ValueError, ZeroDivisionError):
            findings.damage.append("clean aperture")
            return samples
        return samples[place[1], place[0]]

    def pixel_shape(self) -> list[Extra]:
        """pasp as the pHYs of a PNG: how many pixels there are to a length, where pasp has the length of a pixel."""
        if len(pasp := self.primary.first(b"pasp")) < 8:
            return []
        width, height = struct.unpack_from(">II", pasp)
        return pixel_shape(height, width)

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
                signs = (name for sign, name in _AUXILIARY.items() if sign in item.auxiliary_kind)
                names.append(next(signs, "auxiliary picture"))
        names += ["video"] if self.has_video else []
        if names:
            findings.notes.append(f"its {', '.join(dict.fromkeys(names))} was left out")


def without(file: bytes, places: list[int]) -> bytes:
    """The file in which the types at these places are none that a decoder knows."""
    changed = bytearray(file)
    for at in places:
        changed[at : at + 4] = b"free"
    return bytes(changed)
