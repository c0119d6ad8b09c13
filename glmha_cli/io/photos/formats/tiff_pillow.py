"""Pages of a TIFF that Pillow decodes: some of those that are JPEG within, and CMYK."""

import io
import struct
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.formats.base import Stored
from glmha_cli.io.photos.formats.pillow import from_pillow
from glmha_cli.io.photos.formats.tiff_checks import (
    BLACK_IS_ZERO,
    JPEG,
    REWRITE,
    STRAIGHT,
    WHITE_IS_ZERO,
    alpha_index,
)
from glmha_cli.io.photos.metadata import Findings, Metadata

if TYPE_CHECKING:
    from PIL.TiffImagePlugin import TiffImageFile
    from tifffile import TiffPage

_PHOTOMETRIC, _EXTRA_SAMPLES = 262, 338
_PLANES = 2  # PlanarConfiguration


def with_tag(data: bytes, page: "TiffPage", number: int, value: int) -> bytes:
    """The file with a tag, where it is there, saying something else.

    Decoders act by some tags that we act by ourselves, in one place for all kinds of pages, such as orientation
    (libtiff of what is JPEG within, and flips alone; Pillow of all).
    """
    tag = page.tags.get(number)
    if tag is None or tag.value == value:
        return data
    order = page.parent.byteorder
    place = 8 if page.parent.is_bigtiff else 4  # behind tag and type: the count, then the value
    record = struct.pack(f"{order}HH{'Q' if place == 8 else 'I'}H", number, 3, 1, value)
    record = record.ljust(4 + 2 * place, b"\0")
    return data[: tag.offset] + record + data[tag.offset + len(record) :]


def is_odd_jpeg(page: "TiffPage") -> bool:
    """Whether it is JPEG within of which imagecodecs has libtiff make a picture to show, white as white and its colours
    multiplied by its alpha, or reads planes as if they were none.
    """
    in_planes = page.planarconfig == _PLANES and page.samplesperpixel > 1
    return page.compression == JPEG and bool(in_planes or page.extrasamples or page.photometric == WHITE_IS_ZERO)


def of_jpeg(data: bytes, page: "TiffPage") -> UInt8[np.ndarray, "h w c"]:
    """Samples as they are stored, neither inverted nor made straight, without further channels beside alpha."""
    has_several = len(page.extrasamples) > 1 and alpha_index(page) is not None
    if page.planarconfig == _PLANES and (page.samplesperpixel == 2 or has_several):  # Pillow reads one of two planes
        raise BadDataError("gray or further channels beside alpha, in planes of JPEG", REWRITE)
    if page.photometric == WHITE_IS_ZERO:
        data = with_tag(data, page, _PHOTOMETRIC, BLACK_IS_ZERO)
    if len(page.extrasamples) == 1:
        data = with_tag(data, page, _EXTRA_SAMPLES, STRAIGHT)
    return np.atleast_3d(np.asarray(_opened(data, page)))


def cmyk_as_rgb(data: bytes, page: "TiffPage", metadata: Metadata, findings: Findings) -> Stored:
    if page.bitspersample != 8 or page.samplesperpixel != 4:
        raise BadDataError("CMYK with more than 8 bit or with alpha", "convert it to RGB first")
    return from_pillow(_opened(data, page), metadata, findings)


def _opened(data: bytes, page: "TiffPage") -> "TiffImageFile":
    from PIL.TiffImagePlugin import TiffImageFile

    image = TiffImageFile(io.BytesIO(data))
    image.seek(page.index)
    return image
