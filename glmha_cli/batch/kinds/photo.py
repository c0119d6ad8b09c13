"""Photos as inputs and as outputs."""

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from jaxtyping import Float, Num, UInt8

from glmha_cli.batch.files import FileOptions, Source
from glmha_cli.batch.kinds.base import Store
from glmha_cli.inference.blend import Blend, area_of
from glmha_cli.io import videos
from glmha_cli.io.photos.formats import output_suffix, readable_suffixes, writable_suffixes
from glmha_cli.io.photos.read import Photo, as_pixels, read_photo
from glmha_cli.io.photos.write import in_depth, storing, write_photo
from glmha_cli.io.videos.frame import Moment
from glmha_cli.io.videos.read import read_frame
from glmha_cli.tasks.base import Task


class PhotoKind:
    """Pixels as they are stored, in the colours of their own profile."""

    name = "photo"
    readable = readable_suffixes()
    writable = writable_suffixes()
    pipes = True

    def require(self, options: FileOptions) -> None:
        """A photo needs nothing beside it."""

    def read(self, path: Path, options: FileOptions) -> Source:
        photo, moment = _read(path, options)
        photo = photo if options.frame is None else replace(photo, frames=1)  # ...is all that is asked for
        blend = Blend(strength=options.strength, area=_area(options))
        blend.require_fit(photo.colours.shape[:2])
        return Source(value=photo.colours, photo=photo, notes=photo.notes, blend=blend, moment=moment)

    def picture(self, source: Source) -> Photo:
        return _photo_of(source)

    def write_noise(self, folder: Path, task: Task, side_px: int) -> tuple[Path, FileOptions]:
        from PIL import Image

        path = folder / "in.png"
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (side_px, side_px, 3), np.uint8)).save(path)
        return path, FileOptions()

    def suffix_for(self, source: str) -> str:
        return output_suffix(source)

    def before(self, source: Source) -> Float[np.ndarray, "h w c"]:
        return as_pixels(source.value)

    def values(self, path: Path, wavelength_nm: tuple[float, ...]) -> Float[np.ndarray, "h w c"]:
        return read_photo(path).pixels

    def fit(self, source: Source, options: FileOptions) -> Source:
        return source

    def storing(self, path: Path, source: Source) -> Store:
        if source.moment is not None and path.suffix.lower() in videos.WRITABLE:
            return partial(in_depth, bit_depth=_photo_of(source).bit_depth, grayscale=False)
        return storing(path, _photo_of(source))

    def write(
        self,
        path: Path,
        result: Num[np.ndarray, "h w c"],
        *,
        task: Task,
        source: Source,
        options: FileOptions,
        overwrite: bool,
        provenance: Mapping[str, str] | None,
    ) -> list[str]:
        return write_photo(
            path,
            result,
            like=_photo_of(source),
            quality=options.quality,
            overwrite=overwrite,
            strip_metadata=options.strip_metadata,
            provenance=provenance,
        )

    def rendered(self, result: Num[np.ndarray, "h w c"], task: Task, source: Source) -> Photo:
        return replace(_photo_of(source), colours=result)


def _read(path: Path, options: FileOptions) -> tuple[Photo, Moment | None]:
    if videos.is_video(path):
        return read_frame(path, options.frame or 0, max_pixels=options.max_pixels)
    return read_photo(path, frame=options.frame or 0, max_pixels=options.max_pixels, strict=options.strict), None


def _area(options: FileOptions) -> UInt8[np.ndarray, "h w"] | None:
    if options.only is None:
        return None
    try:
        status = os.stat(options.only)
    except OSError:
        return area_of(read_photo(options.only))  # which says what is wrong
    return _area_in(options.only, options.max_pixels, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=1)
def _area_in(mask: Path, max_pixels: int, mtime_ns: int, size_bytes: int) -> UInt8[np.ndarray, "h w"]:
    """The area of a mask as it is now: one for all photos, or all frames, is decoded once."""
    return area_of(read_photo(mask, max_pixels=max_pixels))


def _photo_of(source: Source) -> Photo:
    assert source.photo is not None  # a photo is only made of a photo
    return source.photo


PHOTO = PhotoKind()
