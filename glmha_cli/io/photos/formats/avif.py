"""AVIF (AV1 Image File Format 1.2), read only: Pillow for its header and metadata, imagecodecs for 8, 10 and 12 bit."""

import io
import re

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.formats.base import Stored, full_range, require_single, require_size
from glmha_cli.io.photos.formats.pillow import metadata_of


def decode(data: bytes, max_pixels: int) -> Stored:
    import imagecodecs
    from PIL.AvifImagePlugin import AvifImageFile

    image = AvifImageFile(io.BytesIO(data))
    require_size(*image.size, max_pixels)
    require_single(image.n_frames, "frames (animated AVIF)")
    samples = imagecodecs.avif_decode(data, numthreads=1)
    if samples.shape[1::-1] != image.size:
        raise BadDataError("damaged: its picture is not of the size it declares")
    return Stored(samples=full_range(samples, _bit_depth(data)), metadata=metadata_of(image))


def _bit_depth(data: bytes) -> int:
    """Of colours and alpha, from the flags of their AV1CodecConfigurationBox (AV1 in ISOBMFF 1.3, section 2.3.3)."""
    flags = {match[1][0] >> 5 & 3 for match in re.finditer(rb"av1C\x81.(.)", data, re.DOTALL)}
    if len(flags) != 1:
        raise BadDataError("its colours and its alpha differ in bit depth", "convert it to PNG first")
    return {0: 8, 2: 10, 3: 12}[flags.pop()]
