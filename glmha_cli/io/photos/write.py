"""Photos out: the formats of the table in formats/__init__.py that have an encoder, each photo as deep and as gray as
the one it was made from.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float, Num

from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.io.atomic import atomic_output
from glmha_cli.io.photos.carried import carried, of_one_page
from glmha_cli.io.photos.colours import colours_of
from glmha_cli.io.photos.formats import FORMATS, PhotoFormat, writable_suffixes
from glmha_cli.io.photos.formats.base import PEAKS, EncodePhoto
from glmha_cli.io.photos.gdal import with_no_data
from glmha_cli.io.photos.metadata import Metadata
from glmha_cli.io.photos.read import Photo
from glmha_cli.io.sidecars import without_sidecars
from glmha_cli.lookup import import_target

JPEG_QUALITY = 95
_DTYPES = {8: np.uint8, 16: np.uint16, 32: np.float32}


def write_photo(
    path: Path,
    pixels: Num[np.ndarray, "h w c"],
    *,
    like: Photo,
    quality: int = JPEG_QUALITY,
    strip_metadata: bool = False,
    overwrite: bool = False,
    provenance: Mapping[str, str] | None = None,
) -> list[str]:
    """Write `pixels` as a photo of the kind of `like`, in the format of the extension, whole or not at all.

    pixels: RGB floats in [0, 1], or what `storing` has made of all of them for this path and photo.

    Bit depth, grayscale (mean of the channels), alpha and metadata are those of `like`, as far as the format
    holds them; each loss is a sentence in the returned list, for the user to see. Values are clipped to
    [0, 1] and rounded. `quality` 1..100 is for JPEG (4:4:4) and WebP. `strip_metadata` leaves out EXIF, ICC
    profile, XMP, DPI and PNG texts. `provenance` is written even then: as JSON in the PNG iTXt chunk "glmha",
    elsewhere after "glmha " in the EXIF/TIFF tag Software.

    Raises:
        UsageError: no such output format, or a side too long for it.
        BadDataError: `pixels` or `like.alpha` are not finite, or differ in size.
        CannotCreateError, OutputError: see `atomic_output` and `without_sidecars`.
    """
    target = output_format(path)
    require_sides(pixels, target)
    beside, losses = of_one_page(like.metadata, target)
    one = replace(like, metadata=beside)
    samples, metadata, notes = prepared(path, pixels, one, target, strip_metadata=strip_metadata, provenance=provenance)
    notes += [] if strip_metadata else losses
    if like.frames > 1:
        notes.append(f"of its {like.frames} pictures one alone was written")
    encode: EncodePhoto = import_target(str(target.encode))
    with without_sidecars([path], overwrite=overwrite), atomic_output(path, overwrite=overwrite) as temporary:
        encode(temporary, samples, metadata, quality)
    return notes


def prepared(
    path: Path,
    pixels: Num[np.ndarray, "h w c"],
    like: Photo,
    target: PhotoFormat,
    *,
    strip_metadata: bool,
    provenance: Mapping[str, str] | None,
) -> tuple[Num[np.ndarray, "h w c"], Metadata, list[str]]:
    """Samples and metadata as an encoder takes them, and what is lost by that."""
    notes = []
    if strip_metadata and not colours_of(like.metadata).is_srgb:
        notes.append("without what says that its colours are not sRGB, the photo will show other colours")
    before = like.metadata
    like, losses = _fitted(replace(like, metadata=Metadata()) if strip_metadata else like, target)
    metadata = like.metadata
    if provenance is not None:
        metadata = replace(metadata, provenance=json.dumps(dict(provenance), separators=(",", ":")))
    samples = with_no_data(_stored(pixels, like, path), like.colours, before)
    if like.alpha is not None:
        _require_alpha(like.alpha, samples, path)
        samples = np.concatenate([samples, _stored_alpha(like.alpha, like.bit_depth)], axis=2)
    return np.ascontiguousarray(samples), metadata, notes + losses


def output_format(path: Path) -> PhotoFormat:
    """The format that the extension of `path` names; UsageError, listing all, for any other."""
    suffix = path.suffix.lower()
    for row in FORMATS.values():
        if row.encode and suffix in row.suffixes:
            return row
    raise UsageError(f"'{path.name}': cannot write photos as '{suffix}'", f"use {', '.join(writable_suffixes())}")


def require_sides(pixels: Num[np.ndarray, "h w c"], target: PhotoFormat) -> None:
    if max(pixels.shape) > target.max_side_px:
        raise UsageError(f"{target.name} holds at most {target.max_side_px} px a side", "write .png or .tif")


def _fitted(photo: Photo, target: PhotoFormat) -> tuple[Photo, list[str]]:
    """The kind of photo that `target` can hold, and what is lost by that."""
    notes = []
    bit_depth = max(depth for depth in target.bit_depths if depth <= photo.bit_depth)
    if bit_depth != photo.bit_depth:
        notes.append(f"{target.name} holds {bit_depth} bit: written so, from {photo.bit_depth}")
    if photo.alpha is not None and not target.alpha:
        notes.append(f"{target.name} has no alpha: dropped (PNG, TIFF and WebP keep it)")
    grayscale = photo.grayscale and target.grayscale
    metadata, losses = carried(photo.metadata, target, grayscale=grayscale)
    fitted = replace(
        photo,
        bit_depth=bit_depth,
        alpha=photo.alpha if target.alpha else None,
        grayscale=grayscale,
        metadata=metadata,
    )
    return fitted, notes + losses


def storing(path: Path, like: Photo) -> Callable[[Float[np.ndarray, "h w 3"]], Num[np.ndarray, "h w c"]]:
    """What makes of pixels, all or some rows of them, what `write_photo` would store: a quarter of the memory of
    floats.

    Raises UsageError for what `write_photo` would refuse: no such format, or a side too long for it.
    """
    target = output_format(path)
    require_sides(like.colours, target)
    fitted, _ = _fitted(like, target)
    return partial(_stored, like=fitted, path=path)


def _stored(pixels: Num[np.ndarray, "h w c"], like: Photo, path: Path) -> Num[np.ndarray, "h w c"]:
    """Floats in the depth of `like`, gray if it is, clipped and rounded; what is so already stays as it is."""
    dtype = _DTYPES[like.bit_depth]
    if pixels.dtype == dtype and dtype is not np.float32:
        return pixels
    if not np.isfinite(pixels).all():
        raise BadDataError(f"the result for '{path}' has infinite or NaN values")
    return in_depth(pixels, like.bit_depth, grayscale=like.grayscale)


def in_depth(pixels: Float[np.ndarray, "h w 3"], bit_depth: int, *, grayscale: bool) -> Num[np.ndarray, "h w c"]:
    """Pixels as a photo of 8, 16 or 32 bit (floating point) stores them: gray if asked for, clipped and rounded."""
    gray_or_rgb = pixels.mean(axis=2, keepdims=True, dtype=np.float64) if grayscale else pixels
    return _quantised(gray_or_rgb, _DTYPES[bit_depth])


def _require_alpha(alpha: Num[np.ndarray, "h w"], samples: Num[np.ndarray, "h w c"], path: Path) -> None:
    sizes = [f"{width}x{height}" for height, width in (alpha.shape, samples.shape[:2])]
    if sizes[0] != sizes[1]:
        raise BadDataError(f"the alpha for '{path}' has {sizes[0]} pixels, its colours {sizes[1]}")
    if alpha.dtype.kind == "f" and not np.isfinite(alpha).all():
        raise BadDataError(f"the alpha for '{path}' has infinite or NaN values")


def _stored_alpha(alpha: Num[np.ndarray, "h w"], bit_depth: int) -> Num[np.ndarray, "h w 1"]:
    dtype = _DTYPES[bit_depth]
    return (alpha if alpha.dtype == dtype else _quantised(alpha / PEAKS[alpha.dtype], dtype))[..., None]


def _quantised(values: np.ndarray, dtype: type) -> np.ndarray:
    """Values in [0, 1], clipped, to the nearest step of `dtype`; float32 has steps of its own."""
    clipped = np.clip(values, 0, 1)
    return (clipped if dtype is np.float32 else np.rint(clipped * PEAKS[np.dtype(dtype)])).astype(dtype)
