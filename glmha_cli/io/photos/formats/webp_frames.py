"""Animated WebP, written frame by frame: whole frames, each a picture of its own (RFC 9649, section 2.7.1)."""

import io
import struct
from collections.abc import Iterable
from pathlib import Path

from glmha_cli.io.photos.exif_edit import exif_with_provenance
from glmha_cli.io.photos.formats.base import Frame, squeezed_gray
from glmha_cli.io.photos.formats.webp import chunks_of

_PROFILE, _ALPHA, _EXIF, _XMP, _ANIMATION = 0x20, 0x10, 0x08, 0x04, 0x02
_NO_BLENDING = 0x02
_PICTURE = {b"VP8 ", b"VP8L", b"ALPH"}
_LONGEST = 2**24 - 1


def encode(path: Path, frames: Iterable[Frame], count: int, quality: int) -> None:
    """The animation repeats without end."""
    with path.open("wb") as file:
        file.write(b"RIFF\0\0\0\0WEBP")
        behind = b""
        for index, frame in enumerate(frames):
            if index == 0:
                head, behind = _head(frame)
                file.write(head)
            file.write(_chunk(b"ANMF", _control(frame) + _picture(frame, quality)))
        file.write(behind)
        size = file.tell()
        file.seek(4)
        file.write(struct.pack("<I", size - 8))


def _head(frame: Frame) -> tuple[bytes, bytes]:
    """What stands before all frames, and behind them."""
    height, width = frame.samples.shape[:2]
    exif, xmp, profile = exif_with_provenance(frame.metadata), frame.metadata.xmp, frame.metadata.icc_profile
    flags = _ANIMATION | (_PROFILE if profile else 0) | (_EXIF if exif else 0) | (_XMP if xmp else 0)
    flags |= _ALPHA if frame.samples.shape[2] == 4 else 0
    head = _chunk(b"VP8X", struct.pack("<I", flags) + _three(width - 1) + _three(height - 1))
    head += _chunk(b"ICCP", profile) if profile else b""
    head += _chunk(b"ANIM", struct.pack("<IH", 0, 0))
    return head, (_chunk(b"EXIF", exif) if exif else b"") + (_chunk(b"XMP ", xmp) if xmp else b"")


def _control(frame: Frame) -> bytes:
    height, width = frame.samples.shape[:2]
    shown = min(max(1, round(frame.seconds * 1000)), _LONGEST)
    return bytes(6) + _three(width - 1) + _three(height - 1) + _three(shown) + bytes([_NO_BLENDING])


def _picture(frame: Frame, quality: int) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(squeezed_gray(frame.samples)).save(buffer, "WEBP", quality=quality, exact=True)
    return b"".join(_chunk(kind, body) for kind, body in chunks_of(buffer.getvalue()) if kind in _PICTURE)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def _three(value: int) -> bytes:
    return value.to_bytes(3, "little")
