"""What a photo carries beside its pixels, whatever its format."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

_NAMED_MAX = 8
DPI_MAX = 65535  # of JFIF, the smallest
METRES_PER_INCH = 0.0254


class Kind(StrEnum):
    """Side data that some formats have no place for, in the words of a message. formats/__init__.py says which do."""

    PHOTOSHOP = "IPTC data and Photoshop resources"
    COMMENT = "comment of a JPEG"
    EXTENDED_XMP = "extended XMP"
    TEXTS = "texts of a PNG"
    CHUNK = "further chunks of a PNG"
    CICP = "cICP or nclx colours"
    PNG_COLOURS = "gAMA or cHRM of a PNG"
    LIGHT_LEVELS = "HDR light levels"
    ASPECT = "shape of its pixels (not square)"
    GEO = "GeoTIFF keys"
    TIFF_TAGS = "further TIFF tags"


COLOURS = {Kind.CICP, Kind.PNG_COLOURS}
"""Kinds that say what the colours are: a format without a place for them may hold an ICC profile instead."""


@dataclass(frozen=True, kw_only=True)
class Extra:
    """One piece of side data, as it was stored.

    key: the type of the PNG chunk that holds or would hold it; empty for what is no chunk.
    body: of the chunk, or what the segments of a JPEG hold together; a TIFF structure for GEO and TIFF_TAGS.
    """

    kind: Kind
    body: bytes
    key: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """Empty means absent.

    exif: a TIFF structure (EXIF 2.32 section 4.5.2) without the JPEG prefix "Exif" 0 0.
    icc_profile, xmp: the profile and the XMP packet, byte for byte.
    dpi: pixels per inch (x, y), positive.
    extras: what only some formats hold.
    provenance: how the photo was made, one line of ASCII JSON. Written, never read.
    """

    exif: bytes = b""
    icc_profile: bytes = b""
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None
    extras: tuple[Extra, ...] = ()
    provenance: str = ""

    def of(self, kind: Kind) -> list[Extra]:
        return [extra for extra in self.extras if extra.kind == kind]


@dataclass
class Findings:
    """What reading a file brings to light, for the user to see: filled by the parts of a decoder as they go.

    notes: what was changed or left out of a sound file. damage: what was left out because it cannot be read.
    """

    notes: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)

    def left_out(self, what: str, names: Iterable[str]) -> None:
        """Things of one sort, each named once; of hundreds the first."""
        names = list(dict.fromkeys(names))
        if names:
            more = f" and {len(names) - _NAMED_MAX} more" if len(names) > _NAMED_MAX else ""
            self.notes.append(f"its {what} {', '.join(names[:_NAMED_MAX])}{more} were left out")

    def behind(self, data: bytes, what: str = "data") -> None:
        """`data` follows the picture in its file; zeros that pad one are nothing."""
        if data.strip(b"\0"):
            self.notes.append(f"{what} behind the picture ({len(data)} bytes) was left out")


def pixel_shape(x: float, y: float) -> list[Extra]:
    """So many pixels to any length across and down, as the pHYs of a PNG; nothing of square pixels, or of none."""
    ratio = Fraction(x / y).limit_denominator(DPI_MAX) if x > 0 and y > 0 and x / y <= DPI_MAX else Fraction(1)
    if ratio in (0, 1):
        return []
    return [Extra(kind=Kind.ASPECT, key=b"pHYs", body=struct.pack(">IIB", *ratio.as_integer_ratio(), 0))]


def usable_dpi(x: float, y: float) -> tuple[float, float] | None:
    """(x, y) if both are positive and at most what every format holds: files do carry 0, and 1/0."""
    x, y = float(x), float(y)
    return (x, y) if all(0 < v <= DPI_MAX for v in (x, y)) else None
