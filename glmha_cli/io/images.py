"""Photos: PNG, JPEG, TIFF and WebP in and out, AVIF and HEIC in, each photo as deep and as gray as it came.

`read_photo` makes the float RGB a network wants and keeps what is needed to write the same kind of photo
back; `write_photo` does so. A new format is a module with `decode` and an `OutputFormat`, and a line in
`DECODERS` and in `OUTPUT_FORMATS`.
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from einops import repeat
from jaxtyping import Float, Num

from glmha_cli.errors import BadDataError, NoInputError, UsageError
from glmha_cli.io.atomic import atomic_output
from glmha_cli.io.guard import reading
from glmha_cli.io.metadata import Metadata, is_gray_profile, is_srgb
from glmha_cli.io.photo_formats import png
from glmha_cli.io.photo_formats.base import PEAKS, DecodePhoto, OutputFormat, Stored
from glmha_cli.io.photo_formats.exif import X_RESOLUTION, load_exif
from glmha_cli.io.photo_formats.orientation import upright
from glmha_cli.lookup import closest, resolve

MAX_PIXELS = 400_000_000
JPEG_QUALITY = 95
_DTYPES = {8: np.uint8, 16: np.uint16, 32: np.float32}

DECODERS: Mapping[str, str] = {
    r"\x89PNG\r\n\x1a\n": "glmha_cli.io.photo_formats.png:decode",
    r"\xff\xd8\xff": "glmha_cli.io.photo_formats.jpeg:decode",
    r"II[*+]\0|MM\0[*+]": "glmha_cli.io.photo_formats.tiff:decode",
    r"RIFF.{4}WEBP": "glmha_cli.io.photo_formats.webp:decode",
    r".{4}ftyp(avi[fs]|m[is]f1.{4}(.{4})*?avi[fs])": "glmha_cli.io.photo_formats.avif:decode",
    r".{4}ftyp(hei[cmsx]|hev[cmsx]|m[is]f1)": "glmha_cli.io.photo_formats.heif:decode",
    r"GIF8[79]a": "glmha_cli.io.photo_formats.gif:decode",
}
"""Pattern of a file's first bytes (as Latin-1) -> its `DecodePhoto`."""

OUTPUT_FORMATS: Mapping[str, str] = {
    ".png": "glmha_cli.io.photo_formats.png:PNG",
    ".jpg": "glmha_cli.io.photo_formats.jpeg:JPEG",
    ".jpeg": "glmha_cli.io.photo_formats.jpeg:JPEG",
    ".tif": "glmha_cli.io.photo_formats.tiff:TIFF",
    ".tiff": "glmha_cli.io.photo_formats.tiff:TIFF",
    ".webp": "glmha_cli.io.photo_formats.webp:WEBP",
}
"""Extension -> its `OutputFormat`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Photo:
    """A photo for a network, and what is needed to write the same kind of photo back.

    colours: gray or RGB as stored, upright, in the photo's own colour space (see `metadata.icc_profile`); kept
        so, and not as floats, because a large photo is then a quarter in memory.
    bit_depth: 8 or 16 of the file, 32 for floating point.
    grayscale: the file is gray.
    alpha: straight (not premultiplied) alpha in the file's own dtype, as it was; None without one.
    notes: what reading changed beyond orientation, one sentence each, for the user to see.
    """

    colours: Num[np.ndarray, "h w c"]
    bit_depth: int
    grayscale: bool = False
    alpha: Num[np.ndarray, "h w"] | None = None
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[str, ...] = ()

    @property
    def pixels(self) -> Float[np.ndarray, "h w 3"]:
        """All of it as `as_pixels`, made anew at each call."""
        return as_pixels(self.colours)


def as_pixels(colours: Num[np.ndarray, "h w c"]) -> Float[np.ndarray, "h w 3"]:
    """uint8, uint16 or floats, gray (one channel) or RGB, as float32 RGB in [0, 1]; gray stands in all three channels."""
    pixels = colours.astype(np.float32, copy=False)
    if colours.dtype.kind == "u":
        pixels /= np.float32(PEAKS[colours.dtype])
    return repeat(pixels, "h w 1 -> h w 3") if colours.shape[2] == 1 else pixels


def read_photo(path: Path, *, max_pixels: int = MAX_PIXELS) -> Photo:
    """Read a PNG, JPEG, TIFF, WebP, AVIF or HEIC photo, told by its content, with its EXIF orientation applied.

    8 or 16 bit (AVIF and HEIC: 10 and 12 stretched to 16; TIFF: any depth up to 16, or floating point in
    [0, 1]), gray, RGB or palette, with or without alpha. CMYK becomes sRGB, by its ICC profile where it has
    one. EXIF is written anew (upright, no thumbnail). Only the pixel count of the header is trusted before decoding.

    Raises:
        NoInputError: there is no such file, or it cannot be opened.
        UsageError: HEIC without the extra `heif`.
        BadDataError: not such a photo, damaged, truncated, several pages or frames, above `max_pixels`.
    """
    first_bytes = _first_bytes(path)
    with reading(path, "of a supported kind"):
        return _to_photo(upright(_decoder(first_bytes)(path, max_pixels)))


def _first_bytes(path: Path) -> bytes:
    if os.path.isfile(path):
        try:
            with path.open("rb") as file:
                return file.read(64)
        except OSError as error:
            raise NoInputError(f"'{path}' cannot be opened: {error.strerror or error}") from error
    if os.path.exists(path):
        raise NoInputError(f"'{path}' is a {'folder' if os.path.isdir(path) else 'device'}, not a file")
    try:
        matches = closest(path.name, os.listdir(path.parent))
    except OSError as error:
        raise NoInputError(f"folder '{path.parent}' cannot be opened: {error.strerror or error}") from error
    hint = f"did you mean '{path.parent / matches[0]}'?" if matches else ""
    raise NoInputError(f"'{path}' does not exist", hint)


def _decoder(first_bytes: bytes) -> DecodePhoto:
    for signature in DECODERS:
        if re.match(signature, first_bytes.decode("latin-1"), re.DOTALL):
            return resolve(DECODERS, signature, "photo format")
    problem = "not a PNG, JPEG, TIFF, WebP, AVIF or HEIC photo" if first_bytes else "an empty file"
    raise BadDataError(problem, "convert it to PNG or TIFF first")


def _to_photo(stored: Stored) -> Photo:
    num_colours = 1 if stored.samples.shape[2] < 3 else 3
    colours, alpha = np.split(stored.samples, [num_colours], axis=2)
    return Photo(
        colours=np.ascontiguousarray(colours),
        bit_depth=8 * colours.dtype.itemsize,
        grayscale=num_colours == 1,
        alpha=np.ascontiguousarray(alpha[..., 0]) if alpha.size else None,
        metadata=stored.metadata,
        notes=stored.notes,
    )


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
        BadDataError: `pixels` are not finite.
        CannotCreateError, OutputError: see `atomic_output`.
        ValueError: `pixels` and `like.alpha` differ in size.
    """
    target = output_format(path)
    if max(pixels.shape) > target.max_side_px:
        raise UsageError(f"{target.name} holds at most {target.max_side_px} px a side", "write .png or .tif")
    notes = []
    if strip_metadata and not is_srgb(like.metadata.icc_profile):
        notes.append("without its ICC profile, which is not sRGB, the photo will show other colours")
    like, losses = _fitted(replace(like, metadata=Metadata()) if strip_metadata else like, target)
    metadata = like.metadata
    if provenance is not None:
        metadata = replace(metadata, provenance=json.dumps(dict(provenance), separators=(",", ":")))
    colours = _stored(pixels, like, path)
    samples = np.ascontiguousarray(colours if like.alpha is None else np.concatenate([colours, _stored_alpha(like)], axis=2))
    with atomic_output(path, overwrite=overwrite) as temporary:
        target.encode(temporary, samples, metadata, quality)
    return notes + losses


def output_format(path: Path) -> OutputFormat:
    """The format that the extension of `path` names; UsageError, listing all, for any other."""
    suffix = path.suffix.lower()
    if suffix not in OUTPUT_FORMATS:
        hint = f"use {', '.join(OUTPUT_FORMATS)}"
        raise UsageError(f"'{path.name}': cannot write photos as '{suffix}'", hint)
    return resolve(OUTPUT_FORMATS, suffix, "photo format")


def _fitted(photo: Photo, target: OutputFormat) -> tuple[Photo, list[str]]:
    """The kind of photo that `target` can hold, and what is lost by that."""
    notes = []
    bit_depth = max(depth for depth in target.bit_depths if depth <= photo.bit_depth)
    if bit_depth != photo.bit_depth:
        notes.append(f"{target.name} holds {bit_depth} bit: written so, from {photo.bit_depth}")
    if photo.alpha is not None and not target.alpha:
        notes.append(f"{target.name} has no alpha: dropped (PNG, TIFF and WebP keep it)")
    metadata = photo.metadata
    if photo.grayscale and not target.grayscale and is_gray_profile(metadata.icc_profile):
        notes.append(f"{target.name} is always RGB: the ICC profile, which is for gray, was dropped")
        metadata = replace(metadata, icc_profile=b"")
    if metadata.dpi and not target.dpi and X_RESOLUTION not in load_exif(metadata.exif).root:
        notes.append(f"{target.name} holds no DPI: dropped")
    if target.name != "PNG" and png.has_texts(metadata):
        notes.append(f"{target.name} holds no texts of a PNG: dropped")
    if target.name != "PNG" and png.has_other_colours(metadata):
        notes.append(f"{target.name} holds no gAMA or cICP of a PNG: dropped, so the photo will show other colours")
    for name in ("exif", "xmp"):
        if len(getattr(metadata, name)) > target.max_metadata_bytes:
            notes.append(f"{target.name} holds no {name.upper()} data of this size: dropped")
            metadata = replace(metadata, **{name: b""})
    fitted = replace(
        photo,
        bit_depth=bit_depth,
        alpha=photo.alpha if target.alpha else None,
        grayscale=photo.grayscale and target.grayscale,
        metadata=metadata,
    )
    return fitted, notes


def storing(path: Path, like: Photo) -> Callable[[Float[np.ndarray, "h w 3"]], Num[np.ndarray, "h w c"]]:
    """What makes of pixels, all or some rows of them, what `write_photo` would store: a quarter of the memory of floats."""
    fitted, _ = _fitted(like, output_format(path))
    return partial(_stored, like=fitted, path=path)


def _stored(pixels: Num[np.ndarray, "h w c"], like: Photo, path: Path) -> Num[np.ndarray, "h w c"]:
    """Floats in the depth of `like`, gray if it is, clipped and rounded; what is so already stays as it is."""
    dtype = _DTYPES[like.bit_depth]
    if pixels.dtype == dtype and dtype is not np.float32:
        return pixels
    if not np.isfinite(pixels).all():
        raise BadDataError(f"the result for '{path}' has values that are not finite")
    return _quantised(pixels.mean(axis=2, keepdims=True, dtype=np.float64) if like.grayscale else pixels, dtype)


def _stored_alpha(like: Photo) -> Num[np.ndarray, "h w 1"]:
    alpha, dtype = like.alpha, _DTYPES[like.bit_depth]
    return (alpha if alpha.dtype == dtype else _quantised(alpha / PEAKS[alpha.dtype], dtype))[..., None]


def _quantised(values: np.ndarray, dtype: type) -> np.ndarray:
    """Values in [0, 1], clipped, to the nearest step of `dtype`; float32 has steps of its own."""
    clipped = np.clip(values, 0, 1)
    return (clipped if dtype is np.float32 else np.rint(clipped * PEAKS[np.dtype(dtype)])).astype(dtype)
