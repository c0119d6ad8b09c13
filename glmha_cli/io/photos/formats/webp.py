"""WebP by Pillow, lossy when written; its alpha stays exact."""

import io
from pathlib import Path

import numpy as np

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.formats.base import Stored, require_single, require_size, squeezed_gray
from glmha_cli.io.photos.formats.pillow import from_pillow, pillow_metadata
from glmha_cli.io.photos.metadata import Metadata


def decode(data: bytes, max_pixels: int) -> Stored:
    from PIL.WebPImagePlugin import WebPImageFile

    if len(data) < 8 + int.from_bytes(data[4:8], "little"):
        raise BadDataError("truncated: shorter than its header says")
    image = WebPImageFile(io.BytesIO(data))
    require_size(*image.size, max_pixels)
    require_single(image.n_frames, "frames (animated WebP)")
    return from_pillow(image, ())


def encode(path: Path, samples: np.ndarray, metadata: Metadata, quality: int) -> None:
    from PIL import Image

    image = Image.fromarray(squeezed_gray(samples))
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, exact=True, **pillow_metadata(metadata))
    path.write_bytes(buffer.getbuffer())
