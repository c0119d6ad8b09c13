"""Clean photos for training, decoded once into memory."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from einops import reduce
from jaxtyping import UInt8
from PIL import Image

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.formats import FORMATS, readable_suffixes
from glmha_cli.training.data.files import File, find_files
from glmha_cli.training.data.holdout import Split

SUFFIXES = set(readable_suffixes()) - set(FORMATS["HEIC"].suffixes)
"""Of what Pillow decodes by itself."""
PHOTO_SIDE_PX = 1280
"""Larger photos are halved until they fit."""


def find_photos(places: Iterable[Path]) -> Split[File]:
    """All photos in `places`, folders or packs (.zip)."""
    return find_files(places, SUFFIXES, kind="photos", packs=True)


def decode(file: File, *, max_side_px: int = PHOTO_SIDE_PX) -> UInt8[np.ndarray, "h w 3"]:
    """An sRGB photo of 8 bit, halved until its longer side is at most `max_side_px` (this also removes JPEG traces and
    noise).

    Raises BadDataError, also for what Pillow would clip to white or black: gray of more bits.
    """
    with _decoding(file):
        data = file.read_bytes()
        _shape(io.BytesIO(data), file)
        photo = iio.imread(data, plugin="pillow", mode="RGB", index=0)
    while max(photo.shape) > max_side_px:
        photo = halved(photo)
    return photo


def shape_of(path: Path) -> tuple[int, int]:
    """Rows and columns, from the header; BadDataError for what `decode` refuses, as far as that tells."""
    with _decoding(path):
        return _shape(path, path)


def _shape(source: Path | io.BytesIO, file: File) -> tuple[int, int]:
    with Image.open(source) as image:
        if image.mode.startswith(("I", "F")):
            raise BadDataError(
                f"'{file}' is a grayscale photo of more than 8 bits", "convert it to 8 bit, or leave it out"
            )
        return image.height, image.width


@contextmanager
def _decoding(file: File) -> Iterator[None]:
    """Whatever Pillow raises inside becomes a BadDataError that names the file."""
    try:
        yield
    except BadDataError:
        raise
    except (OSError, SyntaxError, ValueError, zipfile.BadZipFile, Image.DecompressionBombError) as error:
        raise BadDataError(
            f"cannot read '{file}': it is damaged or not a photo", "remove the file or repair it"
        ) from error


def halved(photo: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h2 w2 3"]:
    """Means of 2x2 pixels; an odd last row or column is dropped."""
    even = photo[: photo.shape[0] // 2 * 2, : photo.shape[1] // 2 * 2]
    return np.rint(reduce(even.astype(np.float32), "(h p) (w q) c -> h w c", "mean", p=2, q=2)).astype(np.uint8)


def load_photos(files: Iterable[File], *, min_side_px: int) -> list[UInt8[np.ndarray, "h w 3"]]:
    """Decode all; those smaller than a crop cannot be used and are an error when none is left."""
    return usable([decode(file) for file in files], min_side_px=min_side_px, kind="photos")


def usable(arrays: list[np.ndarray], *, min_side_px: int, kind: str) -> list[np.ndarray]:
    """Those large enough to cut a crop out of; BadDataError when none is."""
    large = [array for array in arrays if min(array.shape[:2]) >= min_side_px]
    if arrays and not large:
        raise BadDataError(
            f"all {len(arrays)} {kind} are smaller than the crop of {min_side_px} px",
            f"give larger {kind}, or a recipe with smaller patch_px",
        )
    return large
