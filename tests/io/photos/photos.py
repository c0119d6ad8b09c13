"""Photos for the tests, as other writers make them."""

import io
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms

from glmha_cli.io.photos.read import Photo, read_photo

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SRGB = SRGB[:24] + bytes(12) + SRGB[36:]  # without its date: the same files in every run
MAKE, ORIENTATION, ARTIST = 271, 274, 315


def noise(*shape: int, dtype=np.uint8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def encoded(array: np.ndarray, kind: str, mode: str | None = None, **options) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(buffer, kind, **options)
    return buffer.getvalue()


def read_bytes(path: Path, data: bytes, **options) -> Photo:
    path.write_bytes(data)
    return read_photo(path, **options)


def exif(orientation: int = 1, extra: dict | None = None) -> bytes:
    tags = Image.Exif()
    tags.update(extra or {})
    tags[MAKE], tags[ORIENTATION], tags[ARTIST] = "Maker", orientation, "Joerg"
    tags[ExifTags.IFD.Exif] = {36867: "2020:01:01", 33434: (1, 60), 37500: b"note", 40962: 9, 40963: 6}
    tags[ExifTags.IFD.GPSInfo] = {1: "N", 2: (1.0, 2.0, 3.5)}
    return tags.tobytes().replace(b"Joerg", "Jörg".encode())
