"""Formats that hold 8-bit pixels and hardly more, read by imageio."""

import numpy as np

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.formats.base import Stored, require_size
from glmha_cli.io.photos.metadata import Metadata


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
