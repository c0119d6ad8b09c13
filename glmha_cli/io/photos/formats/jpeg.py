"""JPEG by Pillow, 4:4:4 when written. Of a multi-picture file (MPO) the main picture is the photo."""

import io
import re
from pathlib import Path

import numpy as np

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.formats.base import Stored, require_size, squeezed_gray
from glmha_cli.io.photos.formats.pillow import from_pillow, pillow_metadata
from glmha_cli.io.photos.metadata import Metadata


def decode(data: bytes, max_pixels: int) -> Stored:
    from PIL.JpegImagePlugin import JpegImageFile

    image = JpegImageFile(io.BytesIO(data))  # not Image.open: its own pixel limit cannot be set per call
    require_size(*image.size, max_pixels)
    if not _has_end(data):
        raise BadDataError("truncated: its picture data has no end")
    # By the MPO standard the first picture is the photo, the others are previews, depth or gain maps.
    notes = ("only the main picture of this multi-picture JPEG is processed",) if "mp" in image.info else ()
    return from_pillow(image, notes)


def _has_end(data: bytes) -> bool:
    """Whether the picture ends with its EOI marker: libjpeg makes gray of what is missing, or zero-filled."""
    at = 2
    while marker := re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])", re.DOTALL).search(data, at):
        if marker[1] == b"\xd9":
            return True
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
    return False


def encode(path: Path, samples: np.ndarray, metadata: Metadata, quality: int) -> None:
    from PIL import Image

    image = Image.fromarray(squeezed_gray(samples))
    dpi = metadata.dpi or (0, 0)
    buffer = io.BytesIO()  # given a real file, Pillow 13 takes half a write, on a full disk, for a whole one
    image.save(buffer, "JPEG", quality=quality, subsampling=0, dpi=dpi, **pillow_metadata(metadata))
    path.write_bytes(buffer.getbuffer())
