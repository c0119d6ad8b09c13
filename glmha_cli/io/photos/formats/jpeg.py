"""JPEG by Pillow, 4:4:4 when written. Of a multi-picture file (MPO) the main picture is the photo."""

import io
from pathlib import Path

import numpy as np

from glmha_cli.io.photos.formats import jpeg_segments
from glmha_cli.io.photos.formats.base import Stored, require_size, squeezed_gray
from glmha_cli.io.photos.formats.jpeg_parts import APP2, Parts, taken_apart
from glmha_cli.io.photos.formats.jpeg_segments import MULTI_PICTURE
from glmha_cli.io.photos.formats.pillow import from_pillow
from glmha_cli.io.photos.metadata import Findings, Metadata

_TRAILERS = {b"ftyp": "a video", b"SEFH": "data of a Samsung camera", b"MotionPhoto_Data": "a video"}


def decode(data: bytes, max_pixels: int) -> Stored:
    from PIL.JpegImagePlugin import JpegImageFile

    parts = taken_apart(data)
    # Not Image.open: its own pixel limit cannot be set per call.
    image = JpegImageFile(io.BytesIO(parts.picture))
    require_size(*image.size, max_pixels)
    findings = Findings()
    metadata = jpeg_segments.metadata_of(parts, findings)
    _say_left_behind(parts, findings)
    return from_pillow(image, metadata, findings)


def _say_left_behind(parts: Parts, findings: Findings) -> None:
    name = next((name for sign, name in _TRAILERS.items() if sign in parts.trailer), "")
    # By the MPO standard the first picture is the photo, the others are previews, depth or gain maps.
    if any(each.marker == APP2 and each.body.startswith(MULTI_PICTURE) for each in parts.segments):
        findings.notes.append("only the main picture of this multi-picture JPEG is processed")
        findings.notes += [f"{name} behind its pictures was left out"] if name else []
    else:
        findings.behind(parts.trailer, name or "data")


def encode(path: Path, samples: np.ndarray, metadata: Metadata, quality: int) -> None:
    from PIL import Image

    image = Image.fromarray(squeezed_gray(samples))
    buffer = io.BytesIO()  # given a real file, Pillow 13 takes half a write, on a full disk, for a whole one
    image.save(buffer, "JPEG", quality=quality, subsampling=0, dpi=metadata.dpi or (0, 0))
    path.write_bytes(jpeg_segments.with_metadata(buffer.getvalue(), metadata))
