"""Formats that hold 8-bit pixels and hardly more, read by imageio."""

import struct

import numpy as np

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.formats.base import Stored, require_size
from glmha_cli.io.photos.metadata import Findings, Metadata, usable_dpi

_CALIBRATED, _PROFILE, _LINKED = b"\0\0\0\0", b"DEBM", b"KNIL"  # bV5CSType, a number in little-endian order
_TGA_FOOTER = b"TRUEVISION-XFILE"
_V4_BYTES, _V5_BYTES = 108, 124


def decode(data: bytes, max_pixels: int) -> Stored:
    import imageio.v3 as iio

    properties = iio.improps(data, plugin="pillow")  # of the header; nothing is decoded
    height, width = properties.shape[:2]
    require_size(width, height, max_pixels)
    if properties.dtype not in (np.uint8, np.bool_):
        raise BadDataError(f"its samples are {properties.dtype}", "convert it to PNG or TIFF first")
    samples = np.atleast_3d(iio.imread(data, plugin="pillow"))
    samples = samples * np.uint8(255) if samples.dtype == np.bool_ else samples
    return Stored(samples=samples, metadata=Metadata())


def decode_tga(data: bytes, max_pixels: int) -> Stored:
    """TGA 2.0 can hold texts before the picture and an extension area behind it."""
    stored, findings = decode(data, max_pixels), Findings()
    has_extension = data[-18:].startswith(_TGA_FOOTER) and data[-26:-22] != bytes(4)
    if data[0] or has_extension:
        findings.notes.append("the texts beside its picture were left out")
    return Stored(samples=stored.samples, metadata=Metadata(), findings=findings)


def decode_bmp(data: bytes, max_pixels: int) -> Stored:
    """With the resolution and the profile of its header (BITMAPV5HEADER)."""
    stored, findings = decode(data, max_pixels), Findings()
    (file_bytes, _, pixels_at, header_bytes) = struct.unpack_from("<IIII", data, 2)
    if file_bytes > pixels_at:  # some writers leave it 0
        findings.behind(data[file_bytes:])
    dpi, profile = None, b""
    if header_bytes >= 40:
        dpi = usable_dpi(*(v * 0.0254 for v in struct.unpack_from("<II", data, 14 + 24)))
    if header_bytes >= _V4_BYTES:
        kind = data[14 + 56 : 14 + 60]
        if kind == _PROFILE and header_bytes >= _V5_BYTES:
            at, size = struct.unpack_from("<II", data, 14 + 112)
            profile = data[14 + at : 14 + at + size]
        elif kind == _LINKED or (kind == _CALIBRATED and data[14 + 60 : 14 + _V4_BYTES].strip(b"\0")):
            findings.notes.append("the colours that its header describes were left out: taken as sRGB")
    return Stored(samples=stored.samples, metadata=Metadata(dpi=dpi, icc_profile=profile), findings=findings)
