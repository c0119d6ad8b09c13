"""GIF is no photo format: known only to be refused by name."""

import io

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.formats.base import Stored


def decode(data: bytes, max_pixels: int) -> Stored:
    from PIL.GifImagePlugin import GifImageFile

    frames = GifImageFile(io.BytesIO(data)).n_frames
    raise BadDataError(f"a GIF of {frames} frame(s), which is not a photo format", "convert it to PNG first")
