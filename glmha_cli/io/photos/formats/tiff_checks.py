"""What a page of a TIFF has to be before it is decoded: whole, of a compression that is read, and a photo."""

import math
from typing import TYPE_CHECKING

from glmha_cli.errors import BadDataError
from glmha_cli.io.tiff_file import STREAMS

if TYPE_CHECKING:
    from tifffile import TiffPage

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6  # PhotometricInterpretation
NUM_COLOURS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3}
PREMULTIPLIED, STRAIGHT = 1, 2  # ExtraSamples
REWRITE = "write it anew, compressed by deflate or LZW"
_MAX_EXTRA = 4  # channels beside the colours; what has more is a cube
_FAX, _LZW, JPEG, _LERC, _WEBP = {2, 3, 4, 32771, 34661}, 5, 7, 34887, 50001
_OLD_JPEG, _OF_SCANNERS, _OF_LIGHT = 6, {32766, 32809}, {32909, 34676, 34677}
_READ = STREAMS | _FAX | {_LZW, _OLD_JPEG, JPEG, _LERC, _WEBP} | _OF_SCANNERS | _OF_LIGHT
"""Compressions that libtiff knows."""


def require_whole(page: "TiffPage", size_bytes: int) -> None:
    """A decoder may fill what is missing with zeros. Blocks without a place and a size are those that GDAL left out."""
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    missing = len(segments) < math.prod(page.chunked) or not any(count for _, count in segments)
    if missing or any((at and not count) or at + count > size_bytes for at, count in segments):
        raise BadDataError("truncated: parts of its picture are missing")


def require_compression(page: "TiffPage") -> None:
    """BadDataError for JPEG 2000, JPEG XL and the like within a TIFF, and JPEG of other than 8 bit."""
    from tifffile import COMPRESSION

    if page.compression not in _READ:
        names = (known.name for known in COMPRESSION if known == page.compression)
        name = next(names, f"a method of number {int(page.compression)}")
        raise BadDataError(
            f"its picture is compressed by {name}, which is not read within a TIFF",
            REWRITE,
        )
    if page.compression == JPEG and page.bitspersample != 8:
        raise BadDataError(f"its picture is a JPEG of {page.bitspersample} bit", REWRITE)


def require_photo(page: "TiffPage") -> None:
    from tifffile import PHOTOMETRIC

    kind, channels = int(page.photometric), page.samplesperpixel
    num_extra = channels - NUM_COLOURS.get(kind, 0)
    unconverted = kind == YCBCR and page.compression != JPEG
    most = _MAX_EXTRA if kind == RGB or alpha_index(page) is not None else 1
    if kind not in NUM_COLOURS or unconverted or not 0 <= num_extra <= most or page.imagedepth != 1:
        raise BadDataError(f"not a photo: {channels} channel(s), colours {PHOTOMETRIC(kind).name}")


def alpha_index(page: "TiffPage") -> int | None:
    """Of the first extra channel that says it is alpha."""
    kinds = (int(kind) for kind in page.extrasamples)
    return next((index for index, kind in enumerate(kinds) if kind in (PREMULTIPLIED, STRAIGHT)), None)


def keeps_numbers(page: "TiffPage") -> bool:
    """Whether the samples of the photo are the numbers in the file: no indices, inverted, stretched or divided."""
    is_divided = PREMULTIPLIED in map(int, page.extrasamples)
    return page.photometric in (BLACK_IS_ZERO, RGB, YCBCR) and page.bitspersample in (8, 16, 32, 64) and not is_divided
