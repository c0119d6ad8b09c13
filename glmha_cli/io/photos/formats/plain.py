"""Formats that hold 8-bit pixels and hardly more, read by Pillow: not by Image.open, which has a limit of its own."""

import io
import struct
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from glmha_cli.io.photos.formats.alpha import say_unnamed
from glmha_cli.io.photos.formats.base import Stored, require_size
from glmha_cli.io.photos.metadata import METRES_PER_INCH, Findings, Metadata, usable_dpi

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_CALIBRATED, _PROFILE, _LINKED = b"\0\0\0\0", b"DEBM", b"KNIL"  # bV5CSType, a number in little-endian order
_ATTRIBUTE_BITS = 15  # of the image descriptor
_TGA_FOOTER = b"TRUEVISION-XFILE"
_V4_BYTES, _V5_BYTES = 108, 124


def _samples(image: "ImageFile", max_pixels: int) -> UInt8[np.ndarray, "h w c"]:
    """Of an open picture, its palette applied."""
    require_size(*image.size, max_pixels)
    samples = np.asarray(image.convert(image.palette.mode) if image.palette else image)
    return np.atleast_3d(samples * np.uint8(255) if samples.dtype == np.bool_ else samples)


def decode_tga(data: bytes, max_pixels: int) -> Stored:
    """TGA 2.0 can hold texts before the picture and an extension area behind it. Pixels have room for alpha by their
    size, and have one where the header counts its bits; else that room may be empty.
    """
    from PIL.TgaImagePlugin import TgaImageFile

    samples, findings = _samples(TgaImageFile(io.BytesIO(data)), max_pixels), Findings()
    if samples.shape[2] in (2, 4) and not data[17] & _ATTRIBUTE_BITS:
        if np.ptp(samples[..., -1]):
            say_unnamed(findings)
        else:
            samples = samples[..., :-1]
    has_extension = data[-18:].startswith(_TGA_FOOTER) and data[-26:-22] != bytes(4)
    if data[0] or has_extension:
        findings.notes.append("the texts beside its picture were left out")
    return Stored(samples=samples, metadata=Metadata(), findings=findings)


def decode_bmp(data: bytes, max_pixels: int) -> Stored:
    """With the resolution and the profile of its header (BITMAPV5HEADER)."""
    from PIL.BmpImagePlugin import BmpImageFile

    samples, findings = _samples(BmpImageFile(io.BytesIO(data)), max_pixels), Findings()
    (file_bytes, _, pixels_at, header_bytes) = struct.unpack_from("<IIII", data, 2)
    if file_bytes > pixels_at:  # some writers leave it 0
        findings.behind(data[file_bytes:])
    dpi, profile = None, b""
    if header_bytes >= 40:
        dpi = usable_dpi(*(v * METRES_PER_INCH for v in struct.unpack_from("<II", data, 14 + 24)))
    if header_bytes >= _V4_BYTES:
        kind = data[14 + 56 : 14 + 60]
        if kind == _PROFILE and header_bytes >= _V5_BYTES:
            at, size = struct.unpack_from("<II", data, 14 + 112)
            profile = data[14 + at : 14 + at + size]
        elif kind == _LINKED or (kind == _CALIBRATED and data[14 + 60 : 14 + _V4_BYTES].strip(b"\0")):
            findings.notes.append("the colours that its header describes were left out: taken as sRGB")
    return Stored(samples=samples, metadata=Metadata(dpi=dpi, icc_profile=profile), findings=findings)
