"""Files of photos, cubes, measurements and masks, by paths of any kind."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from glmha_cli.api.images import array_of, kind_of
from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.io.cubes import cube as cubes
from glmha_cli.io.cubes.cube import Cube, CubeOptions
from glmha_cli.io.cubes.stored import checked_cube
from glmha_cli.io.measurements import read as measurements
from glmha_cli.io.measurements.model import Mask, Measurement
from glmha_cli.io.photos import read, write
from glmha_cli.io.photos.read import Photo
from glmha_cli.io.photos.size import MAX_PIXELS
from glmha_cli.io.photos.write import JPEG_QUALITY

AnyPath = str | os.PathLike[str]


def read_photo(path: AnyPath, *, max_pixels: int = MAX_PIXELS) -> Photo:
    """A photo with what it carries beside its pixels; `photo.colours` is the array, as deep as the file.

    Raises NoInputError (a FileNotFoundError) or BadDataError (a ValueError); see glmha_cli.io.photos.read.
    """
    return read.read_photo(Path(path), max_pixels=max_pixels)


def write_photo(
    path: AnyPath,
    image: Any,
    *,
    like: Photo | None = None,
    quality: int = JPEG_QUALITY,
    strip_metadata: bool = False,
    overwrite: bool = False,
) -> list[str]:
    """Write one image, whole or not at all; the extension says the format.

    image: a Photo, or what `Model.__call__` takes. like: a photo whose metadata, depth and kind are to be kept where
        `image` is not itself a Photo, and its alpha where `image` has none.

    Returns what the format cannot hold, one sentence each. Raises UsageError for an extension that cannot be written,
    BadDataError for what is not an image, CannotCreateError where the file exists or its folder does not.
    """
    if like is not None and not isinstance(like, Photo):
        raise UsageError(f"like= takes a photo, not {type(like).__name__}", "like=glmha_cli.read_photo(path)")
    photos = kind_of(image).photos(image)
    if len(photos) != 1:
        raise BadDataError(f"a batch of {len(photos)} images; a file holds one", "write_photo for each")
    return write.write_photo(
        Path(path),
        photos[0].pixels,
        like=_with_alpha(like or photos[0], photos[0].alpha),
        quality=quality,
        strip_metadata=strip_metadata,
        overwrite=overwrite,
    )


def _with_alpha(like: Photo, alpha: np.ndarray | None) -> Photo:
    return like if alpha is None else replace(like, alpha=alpha)


def read_cube(
    path: AnyPath,
    *,
    key: str | None = None,
    axes: str | None = None,
    scale: float | None = None,
    unit: str | None = None,
) -> Cube:
    """A float32 array (h, w, bands) with `wavelength_nm` and `facts`, NaN where there is no data.

    key, axes, scale, unit: what the file does not say of itself; see glmha_cli.io.cubes.model.CubeOptions.
    """
    return cubes.read_cube(Path(path), CubeOptions(key=key, axes=axes, scale=scale, unit=unit))


def write_cube(
    path: AnyPath,
    cube: Any,
    *,
    wavelength_nm: Sequence[float] | None = None,
    overwrite: bool = False,
    mat_version: Literal["5", "7.3"] | None = None,
) -> list[str]:
    """Write a Cube, or floats (h, w, bands), an array or a tensor, and the wavelengths of the bands; the extension says
    the format. What a masked array masks has no data.

    Returns what was changed (bands are sorted by wavelength) and what the format cannot hold, one sentence each. Raises
    UsageError, BadDataError and CannotCreateError as `write_photo` does.
    """
    notes: tuple[str, ...] = ()
    if not isinstance(cube, Cube) or cube.dtype != np.float32 or wavelength_nm is not None:
        known = cube.wavelength_nm if isinstance(cube, Cube) else ()
        given = known if wavelength_nm is None else array_of(wavelength_nm).ravel().tolist()
        cube = checked_cube(array_of(cube), given)
        notes = cube.facts.notes
    return list(notes + cubes.write_cube(Path(path), cube, overwrite=overwrite, mat_version=mat_version))


def read_measurement(path: AnyPath, *, key: str | None = None, normalise: bool = False) -> Measurement:
    """A detector image of a coded camera; see glmha_cli.io.measurements.read."""
    return measurements.read_measurement(Path(path), key=key, normalise=normalise)


def read_mask(path: AnyPath) -> Mask:
    """The mask that coded it."""
    return measurements.read_mask(Path(path))
