"""JPEG 2000 (ISO/IEC 15444-1), as JP2 file or bare codestream: imagecodecs for the pixels, of any depth up to 16."""

import struct
from collections.abc import Iterator

import numpy as np
from jaxtyping import Num

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.formats.alpha import say_unnamed, straight
from glmha_cli.io.photos.formats.base import Stored, full_range, require_size
from glmha_cli.io.photos.formats.isobmff import boxes, file_boxes
from glmha_cli.io.photos.icc import is_of_other_colours
from glmha_cli.io.photos.metadata import METRES_PER_INCH, Findings, Metadata, usable_dpi

_SIZES = b"\xff\x4f\xff\x51"  # start of the codestream, then the marker SIZ (annex A.5.1)
_FIRST_TILE, _END = b"\xff\x90", b"\xff\xd9"  # SOT, EOC
_KNOWN = {b"jP  ", b"ftyp", b"jp2h", b"jp2c"}
_RGB, _GRAY = 16, 17  # EnumCS of the colour specification box (annex I.5.3.3)
_ENUMERATED, _RESTRICTED_PROFILE, _ANY_PROFILE = 1, 2, 3  # METH of the same
_OPACITY, _MULTIPLIED = 1, 2  # Typ of the channel definition box (annex I.5.3.6)
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_EXIF = b"JpgTiffExif->JP2"


def decode(data: bytes, max_pixels: int) -> Stored:
    import imagecodecs

    at = _codestream_at(data)
    if not data.startswith(_SIZES, at):
        raise BadDataError("damaged: it holds no codestream")
    right, bottom, left, top = struct.unpack_from(">4I", data, at + 8)
    require_size(right - left, bottom - top, max_pixels)
    bits = data[at + 42]  # of the first component: whether signed, and its depth less one
    findings = Findings()
    metadata = _metadata(data, findings) if at else _of_codestream(data, findings)
    samples = imagecodecs.jpeg2k_decode(_with_ignored_profiles(data) if at else data)
    if samples.shape[:2] != (bottom - top, right - left):
        raise BadDataError("damaged: its picture is not of the size it declares")
    if bits & 0x80 or bits > 15 or samples.ndim not in (2, 3) or samples.shape[2:] not in ((), (1,), (2,), (3,), (4,)):
        raise BadDataError("not gray or RGB of up to 16 bit", "convert it to PNG or TIFF first")
    samples = full_range(samples, bits + 1)
    if samples.shape[2] in (2, 4):
        samples = _with_alpha(samples, _beside_colours(data), findings)
    return Stored(samples=samples, metadata=metadata, findings=findings)


def _codestream_at(data: bytes) -> int:
    """Of the first, which is the photo (annex I.5.4)."""
    if data.startswith(_SIZES):
        return 0
    return next((at for kind, at, _ in boxes(data, 0, len(data)) if kind == b"jp2c"), len(data))


def _of_codestream(data: bytes, findings: Findings) -> Metadata:
    """It carries nothing; but something may follow it. No tile holds the bytes of the marker EOC (annex B.10.1)."""
    end = data.find(_END, data.find(_FIRST_TILE))
    findings.behind(data[end + len(_END) :] if end >= 0 else b"")
    return Metadata()


def _metadata(data: bytes, findings: Findings) -> Metadata:
    """BadDataError for colours that the samples would have to be converted from, such as sYCC."""
    exif = xmp = profile = b""
    dpi, left_out = None, []
    for kind, at, end in file_boxes(data, (b"jp2c",), findings):
        if kind == b"jp2h":
            profile, dpi = _header(data, at, end)
        elif kind == b"uuid" and data[at : at + 16] == _XMP:
            xmp = data[at + 16 : end]
        elif kind == b"uuid" and data[at : at + 16] == _EXIF:
            exif = data[at + 16 : end]
        elif kind not in _KNOWN:
            left_out.append(kind.decode("latin-1").strip())
    findings.left_out("JPEG 2000 boxes", left_out)
    return Metadata(exif=exif, xmp=xmp, icc_profile=profile, dpi=dpi)


def _profile(colours: bytes) -> bytes:
    """Of a colour specification box, which has one or the number of a colour space; BadDataError for others than RGB
    and gray.
    """
    method, space, profile = colours[0], int.from_bytes(colours[3:7]), colours[3:]
    is_enumerated, is_profile = method == _ENUMERATED, method == _RESTRICTED_PROFILE
    if (is_enumerated and space not in (_RGB, _GRAY)) or (is_profile and is_of_other_colours(profile)):
        raise BadDataError("its colours are neither RGB nor gray", "convert it to PNG or TIFF first")
    return profile if is_profile else b""


def _with_ignored_profiles(data: bytes) -> bytes:
    """The file with its profiles called of a kind that OpenJPEG leaves alone.

    It would convert the samples to sRGB by them, while the photo keeps its profile and stays in its colours.
    """
    changed = bytearray(data)
    for kind, at, end in _header_boxes(data):
        if kind == b"colr" and at < end and data[at] == _RESTRICTED_PROFILE:
            changed[at] = _ANY_PROFILE
    return bytes(changed)


def _header_boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """What the header box holds, as `boxes`, up to the picture."""
    for kind, at, end in boxes(data, 0, len(data)):
        if kind == b"jp2h":
            yield from boxes(data, at, end)
        if kind == b"jp2c":
            return


def _with_alpha(samples: Num[np.ndarray, "h w c"], kind: int, findings: Findings) -> Num[np.ndarray, "h w c"]:
    if kind == _MULTIPLIED:
        return straight(samples, findings)
    if kind != _OPACITY:
        say_unnamed(findings)
    return samples


def _beside_colours(data: bytes) -> int:
    """What the channel definition box says of the channel that is no colour (annex I.5.3.6), whichever: OpenJPEG
    puts it last. Alpha where there is no such box.
    """
    for kind, at, end in () if data.startswith(_SIZES) else _header_boxes(data):
        if kind == b"cdef":
            return max(use for _, use, _ in struct.iter_unpack(">3H", data[at + 2 : end]))
    return _OPACITY


def _header(data: bytes, at: int, end: int) -> tuple[bytes, tuple[float, float] | None]:
    """ICC profile and resolution of the header box."""
    profile, dpi = b"", None
    for kind, body_at, body_end in boxes(data, at, end):
        if kind == b"colr":
            profile = _profile(data[body_at:body_end]) or profile
        if kind == b"pclr":
            raise BadDataError("its colours are those of a palette", "convert it to PNG or TIFF first")
        for inner, place, _ in boxes(data, body_at, body_end) if kind == b"res " else ():
            if inner in (b"resc", b"resd"):
                y, y_per, x, x_per, y_power, x_power = struct.unpack_from(">4H2b", data, place)
                per_metre = x / max(x_per, 1) * 10.0**x_power, y / max(y_per, 1) * 10.0**y_power
                dpi = usable_dpi(*(value * METRES_PER_INCH for value in per_metre))
    return profile, dpi
