"""The photo formats: one row each. Everything that lists, finds or names formats derives from this table.

A new format is a module with `decode` (and `encode`, if it is written) and a row here. Codecs are imported when used.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from glmha_cli.io.photos.metadata import Kind


@dataclass(frozen=True, kw_only=True)
class PhotoFormat:
    """How files of a format are told, read and written, and what one can hold.

    signature: regular expression of a file's first bytes, as Latin-1; the first row that matches counts.
    suffixes: lower case with the dot, the usual one first; none for a format that is known only to be refused.
    decode, encode: "module:function", see `DecodePhoto` and `EncodePhoto` in formats/base.py; encode None: read only.
    several: what the pictures are called that one file can hold: "pages", "frames" (of an animation), or neither.
    encode_frames: as `encode`, of several; see `EncodeFrames`.
    becomes: the format that results are written in by default where this one is not written.
    The limits are those of writing. bit_depths: of a sample. dpi: has a place for the resolution.
    keeps: the kinds of side data, beside EXIF, ICC profile and XMP, that have a place.
    max_metadata_bytes: of EXIF and of XMP, each. max_profile_bytes: of an ICC profile.
    """

    name: str
    signature: str
    suffixes: tuple[str, ...]
    decode: str
    encode: str | None = None
    several: Literal["", "pages", "frames"] = ""
    encode_frames: str | None = None
    becomes: str = ""
    bit_depths: tuple[int, ...] = (8,)
    alpha: bool = True
    grayscale: bool = True
    dpi: bool = True
    keeps: frozenset[Kind] = frozenset()
    max_side_px: int = 2**31 - 1
    max_metadata_bytes: int = 2**31 - 1
    max_profile_bytes: int = 2**31 - 1

    def begins(self, first_bytes: bytes) -> bool:
        """Whether a file that begins so is of this format. 64 bytes are enough."""
        return re.match(self.signature, first_bytes.decode("latin-1"), re.DOTALL) is not None


_MODULES = "glmha_cli.io.photos.formats"
_ROWS = (
    PhotoFormat(
        name="PNG",
        signature=r"\x89PNG\r\n\x1a\n",
        suffixes=(".png", ".apng"),
        decode=f"{_MODULES}.png:decode",
        encode=f"{_MODULES}.png:encode",
        several="frames",
        encode_frames=f"{_MODULES}.png_frames:encode",
        bit_depths=(8, 16),
        keeps=frozenset(Kind) - {Kind.EXTENDED_XMP, Kind.GEO, Kind.TIFF_TAGS},
    ),
    PhotoFormat(
        name="JPEG",
        signature=r"\xff\xd8\xff",
        suffixes=(".jpg", ".jpeg", ".jfif", ".jpe"),
        decode=f"{_MODULES}.jpeg:decode",
        encode=f"{_MODULES}.jpeg:encode",
        alpha=False,
        keeps=frozenset({Kind.PHOTOSHOP, Kind.COMMENT, Kind.EXTENDED_XMP}),
        max_side_px=65500,
        max_metadata_bytes=65_500,  # one segment of 65 533 with its name
        max_profile_bytes=255 * 65_519,  # in so many segments
    ),
    PhotoFormat(
        name="RAW",  # also DNG, NEF and ARW, which are TIFFs: their decoder tells them by what is in them
        signature=r"II\*\0.{4}CR\x02|.{4}ftypcrx |FUJIFILMCCD-RAW|IIU\0|IIR[OS]",
        suffixes=(".dng", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".raf", ".rw2", ".rwl", ".orf", ".pef", ".srw"),
        decode=f"{_MODULES}.raw:decode",
        becomes="TIFF",
    ),
    PhotoFormat(
        name="TIFF",
        signature=r"II[*+]\0|MM\0[*+]",
        suffixes=(".tif", ".tiff"),
        decode=f"{_MODULES}.tiff:decode",
        encode=f"{_MODULES}.tiff_write:encode",
        several="pages",
        encode_frames=f"{_MODULES}.tiff_write:encode_pages",
        bit_depths=(8, 16, 32),
        keeps=frozenset({Kind.PHOTOSHOP, Kind.GEO, Kind.TIFF_TAGS}),
    ),
    PhotoFormat(
        name="WebP",
        signature=r"RIFF.{4}WEBP",
        suffixes=(".webp",),
        decode=f"{_MODULES}.webp:decode",
        encode=f"{_MODULES}.webp:encode",
        several="frames",
        encode_frames=f"{_MODULES}.webp_frames:encode",
        grayscale=False,
        dpi=False,
        max_side_px=16383,
    ),
    PhotoFormat(
        name="AVIF",
        signature=r".{4}ftyp(avi[fs]|m[is]f1.{4}(.{4})*?avi[fs])",
        suffixes=(".avif",),
        decode=f"{_MODULES}.avif:decode",
        becomes="JPEG",
    ),
    PhotoFormat(
        name="HEIC",
        signature=r".{4}ftyp(hei[cmsx]|hev[cmsx]|m[is]f1)",
        suffixes=(".heic", ".heif", ".hif"),
        decode=f"{_MODULES}.heif:decode",
        becomes="JPEG",
    ),
    PhotoFormat(
        name="JPEG XL",
        signature=r"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n",
        suffixes=(".jxl",),
        decode=f"{_MODULES}.jpegxl:decode",
        becomes="PNG",
    ),
    PhotoFormat(
        name="BMP",
        signature=r"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0",
        suffixes=(".bmp", ".dib"),
        decode=f"{_MODULES}.plain:decode_bmp",
        becomes="PNG",
    ),
    PhotoFormat(
        name="JPEG 2000",
        signature=r"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51",
        suffixes=(".jp2", ".j2k", ".jpf", ".jpx"),
        decode=f"{_MODULES}.jpeg2000:decode",
        becomes="PNG",
    ),
    PhotoFormat(
        name="PPM",
        signature=r"P[56][\s#]",
        suffixes=(".ppm", ".pgm", ".pnm"),
        decode=f"{_MODULES}.netpbm:decode",
        becomes="PNG",
    ),
    PhotoFormat(
        name="TGA",
        # No signature of its own: a kind of picture, at the origin (those of GIMP from the top on: at their height), of
        # a depth and an order that there are.
        signature=r".[\0\1][\1\2\3\x09\x0a\x0b].{5}\0\0(\0\0.{4}|(..)..\2)[\x08\x10\x18\x20][\0\x08\x20\x28]",
        suffixes=(".tga",),
        decode=f"{_MODULES}.plain:decode_tga",
        becomes="PNG",
    ),
    PhotoFormat(
        name="GIF",
        signature=r"GIF8[79]a",
        suffixes=(".gif",),
        decode=f"{_MODULES}.gif:decode",
        several="frames",
        becomes="PNG",
    ),
)
FORMATS: Mapping[str, PhotoFormat] = {row.name: row for row in _ROWS}


def format_of(first_bytes: bytes) -> PhotoFormat | None:
    """The format of a file that begins so, whatever its name; None for none of ours."""
    return next((row for row in FORMATS.values() if row.begins(first_bytes)), None)


def readable_suffixes() -> tuple[str, ...]:
    """Of files that are looked for in folders."""
    return tuple(suffix for row in FORMATS.values() for suffix in row.suffixes)


def writable_suffixes() -> tuple[str, ...]:
    """That an output may have."""
    return tuple(suffix for row in FORMATS.values() if row.encode for suffix in row.suffixes)


def output_suffix(suffix: str) -> str:
    """Of the result of a photo with this suffix, by default: the same where it can be written."""
    row = next((row for row in FORMATS.values() if suffix.lower() in row.suffixes), None)
    return FORMATS[row.becomes].suffixes[0] if row and row.becomes else suffix


def readable_names() -> str:
    """The formats that are read, for a sentence: "PNG, JPEG or TIFF"."""
    *most, last = (row.name for row in FORMATS.values() if row.suffixes)
    return f"{', '.join(most)} or {last}"
