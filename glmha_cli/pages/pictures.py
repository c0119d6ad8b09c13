"""What a page shows of photos: each as a whole, small, and details of it at 100 %, where the photos differ most."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from glmha_cli.io.photos.formats.base import PEAKS
from glmha_cli.io.photos.profiles import srgb_colours
from glmha_cli.io.photos.read import Photo

WHOLE_PX = 1280
"""Longer side of a photo as a whole; a photo that is no larger is shown as it is."""
DETAIL_PX = (420, 560)
NUM_DETAILS = 3
QUALITY = 88
SAMPLES_PX = 512
"""Differences are looked for in about so many rows and columns of a photo."""


@dataclass(frozen=True, kw_only=True)
class View:
    """The same part of several photos.

    name: for people. size: (h, w) of its pictures. scale: pixels of a picture by those of the photo. pictures: one per
    photo, as screens show them.
    """

    name: str
    size: tuple[int, int]
    scale: float
    pictures: tuple[UInt8[np.ndarray, "h w 3"], ...]

    def described(self, keys: Sequence[Any]) -> dict[str, Any]:
        """As the templates take it, with the keys of its pictures (`page.Pictures`)."""
        return {"name": self.name, "size": self.size, "scale": self.scale, "pictures": list(keys)}


def views_of(photos: Sequence[Photo]) -> list[View]:
    """The whole of some photos of one size, and, where that is reduced, details: most different first."""
    whole = whole_of(photos, WHOLE_PX)
    return [whole] if whole.scale == 1 else [whole, *_details(photos)]


def whole_of(photos: Sequence[Photo], side_px: int) -> View:
    """Photos of one size as a whole, their longer side reduced to `side_px` if it is longer."""
    height, width = photos[0].colours.shape[:2]
    scale = min(1.0, side_px / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return View(name="Whole", size=size, scale=scale, pictures=tuple(_small(photo, size) for photo in photos))


def _details(photos: Sequence[Photo]) -> Iterator[View]:
    height, width = photos[0].colours.shape[:2]
    for number, (top, left) in enumerate(_most_different(photos), 1):
        bottom, right = min(top + DETAIL_PX[0], height), min(left + DETAIL_PX[1], width)
        parts = [replace(photo, colours=photo.colours[top:bottom, left:right]) for photo in photos]
        yield View(
            name=f"Detail {number}",
            size=(bottom - top, right - left),
            scale=1.0,
            pictures=tuple(map(srgb_bytes, parts)),
        )


def change_of(photos: Sequence[Photo]) -> float:
    """Mean difference of the first two photos, as a share of the range of values."""
    return float(_difference(photos[0], photos[1])[0].mean())


def _difference(one: Photo, other: Photo) -> tuple[Float[np.ndarray, "rows columns"], int]:
    """Their absolute difference at every so-many-th pixel, and how many that is."""
    step = max(1, min(one.colours.shape[:2]) // SAMPLES_PX)
    values = [_unit(photo.colours[::step, ::step]).mean(axis=2) for photo in (one, other)]
    return np.abs(values[0] - values[1]), step


def _unit(colours: np.ndarray) -> Float[np.ndarray, "h w c"]:
    return colours.astype(np.float32) / np.float32(PEAKS.get(colours.dtype, 1))


def _most_different(photos: Sequence[Photo]) -> Iterator[tuple[int, int]]:
    """Upper left corners of details: of the window with the largest difference, then of the next beside it."""
    difference, step = _difference(photos[0], photos[1])
    size = photos[0].colours.shape[:2]
    rows, columns = (max(1, min(full, part) // step) for full, part in zip(size, DETAIL_PX, strict=True))
    sums = np.pad(difference.astype(np.float64), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    inside = sums[rows:, columns:] - sums[:-rows, columns:] - sums[rows:, :-columns] + sums[:-rows, :-columns]
    for _ in range(NUM_DETAILS):
        top, left = (int(index) for index in np.unravel_index(inside.argmax(), inside.shape))
        if inside[top, left] == -np.inf:
            return
        yield top * step, left * step
        inside[max(0, top - rows + 1) : top + rows, max(0, left - columns + 1) : left + columns] = -np.inf


def _small(photo: Photo, size: tuple[int, int]) -> UInt8[np.ndarray, "h w 3"]:
    if photo.colours.shape[:2] == size:
        return srgb_bytes(photo)
    image = Image.fromarray(_bytes(photo.colours).squeeze(-1) if photo.colours.shape[2] == 1 else _bytes(photo.colours))
    small = np.asarray(image.resize(size[::-1], Image.Resampling.BOX, reducing_gap=2.0))
    return srgb_bytes(replace(photo, colours=np.atleast_3d(small)))


def srgb_bytes(photo: Photo) -> UInt8[np.ndarray, "h w 3"]:
    """A photo's colours in sRGB, as every screen has them."""
    colours, _ = srgb_colours(replace(photo, colours=np.ascontiguousarray(_bytes(photo.colours)), alpha=None))
    return colours if colours.shape[2] == 3 else np.repeat(colours, 3, axis=2)


def _bytes(colours: np.ndarray) -> UInt8[np.ndarray, "h w c"]:
    if colours.dtype == np.uint8:
        return colours
    if colours.dtype == np.uint16:
        return ((np.minimum(colours, 65535 - 128) + 128) // 257).astype(np.uint8)  # to the nearest, within 16 bit
    return np.rint(colours.clip(0, 1) * 255).astype(np.uint8)


def encoded(view: View) -> Iterator[bytes]:
    """Its pictures as JPEG files; where pixels are looked at one by one, colours keep their resolution."""
    for picture in view.pictures:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=QUALITY, subsampling=0 if view.scale == 1 else 2)
        yield file.getvalue()
