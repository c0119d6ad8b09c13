"""GIF by Pillow, read only: still, or the frames of an animation as they are seen, each on what was there before."""

import io

from glmha_cli.io.photos.formats.base import Stored, require_size
from glmha_cli.io.photos.formats.pillow import one_frame
from glmha_cli.io.photos.metadata import Findings, Metadata


def decode(data: bytes, max_pixels: int, frame: int = 0) -> Stored:
    from PIL.GifImagePlugin import GifImageFile

    image = GifImageFile(io.BytesIO(data))
    require_size(*image.size, max_pixels)
    findings = Findings()
    if "comment" in image.info:
        findings.notes.append("its comment was left out")
    return one_frame(image, frame, Metadata(), findings)
