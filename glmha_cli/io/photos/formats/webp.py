"""WebP by Pillow, lossy when written; its alpha stays exact. Its chunks are read here (RFC 9649, section 2)."""

import io
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.exif_edit import exif_with_provenance
from glmha_cli.io.photos.formats.base import Stored, require_size, squeezed_gray
from glmha_cli.io.photos.formats.pillow import from_pillow, one_frame
from glmha_cli.io.photos.metadata import Findings, Metadata

_PICTURE = {b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"}
_METADATA = {b"EXIF", b"XMP ", b"ICCP"}


def decode(data: bytes, max_pixels: int, frame: int = 0) -> Stored:
    from PIL.WebPImagePlugin import WebPImageFile

    if len(data) < 8 + int.from_bytes(data[4:8], "little"):
        raise BadDataError("truncated: shorter than its header says")
    image = WebPImageFile(io.BytesIO(data))
    require_size(*image.size, max_pixels)
    findings = Findings()
    findings.behind(data[8 + int.from_bytes(data[4:8], "little") :])
    metadata = _metadata(data, findings)
    if image.n_frames > 1:
        return one_frame(image, frame, metadata, findings)
    return from_pillow(image, metadata, findings)


def _metadata(data: bytes, findings: Findings) -> Metadata:
    chunks: dict[bytes, bytes] = {}
    others = []
    for kind, body in chunks_of(data):
        if kind in _METADATA and kind not in chunks:
            chunks[kind] = body
        elif kind not in _PICTURE:
            others.append(kind.decode("latin-1").strip())
    findings.left_out("WebP chunks", others)
    return Metadata(
        exif=chunks.get(b"EXIF", b""),
        icc_profile=chunks.get(b"ICCP", b""),
        xmp=chunks.get(b"XMP ", b""),
    )


def chunks_of(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at, end = 12, 8 + int.from_bytes(data[4:8], "little")
    while at + 8 <= end:
        kind, size = struct.unpack_from("<4sI", data, at)
        yield kind, data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def encode(path: Path, samples: np.ndarray, metadata: Metadata, quality: int) -> None:
    from PIL import Image

    image = Image.fromarray(squeezed_gray(samples))
    buffer = io.BytesIO()
    image.save(
        buffer,
        "WEBP",
        quality=quality,
        exact=True,
        exif=exif_with_provenance(metadata),
        icc_profile=metadata.icc_profile,
        xmp=metadata.xmp,
    )
    path.write_bytes(buffer.getbuffer())
