"""Photos in: every format of the table in formats/__init__.py, each as deep and as gray as it came.

`read_photo` makes the float RGB a network wants and keeps what `write_photo` needs to write the same kind of photo.
"""

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from einops import repeat
from jaxtyping import Float, Num

from glmha_cli.errors import BadDataError, NoInputError
from glmha_cli.io.guard import reading
from glmha_cli.io.photos.formats import format_of, readable_names
from glmha_cli.io.photos.formats.base import PEAKS, DecodePhoto, Stored, require_frame
from glmha_cli.io.photos.icc import is_profile
from glmha_cli.io.photos.metadata import Metadata
from glmha_cli.io.photos.orientation import upright
from glmha_cli.io.photos.size import MAX_PIXELS
from glmha_cli.io.photos.xmp import with_true_xmp
from glmha_cli.io.stores import no_file_text
from glmha_cli.lookup import closest, import_target

_NO_PHOTOS = (
    (rb"version https://git-lfs", "a pointer of Git LFS", "git lfs pull"),
    (rb"\s*<(!doctype )?html", "a web page", "download the photo itself"),
    (
        rb"\x93NUMPY|\x89HDF|MATLAB|CDF[\x01\x02\x05]|ENVI\s",
        "a cube or other numbers",
        "glmha preview shows cubes",
    ),
    (rb"PK\x03\x04", "an archive", "unpack it; glmha preview shows cubes of .npz"),
    (rb"\x00{64}", "zeros", "copy or download it again"),
)
"""What files with the names of photos begin with, what they are, and what to do."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Photo:
    """A photo for a network, and what is needed to write the same kind of photo back.

    colours: gray or RGB as stored, upright, in the photo's own colour space (see `metadata.icc_profile`); kept
        so, and not as floats, because a large photo is then a quarter in memory.
    bit_depth: 8 or 16 of the file, 32 for floating point.
    grayscale: the file is gray.
    alpha: straight (not premultiplied) alpha in the file's own dtype, as it was; None without one.
    frames: how many pages or frames the file has, of which this is one. seconds: for which it is shown; 0 for a page.
    notes: what reading changed beyond orientation, one sentence each, for the user to see.
    """

    colours: Num[np.ndarray, "h w c"]
    bit_depth: int
    grayscale: bool = False
    alpha: Num[np.ndarray, "h w"] | None = None
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[str, ...] = ()
    frames: int = 1
    seconds: float = 0.0

    @property
    def pixels(self) -> Float[np.ndarray, "h w 3"]:
        """All of it as `as_pixels`, made anew at each call."""
        return as_pixels(self.colours)


def as_pixels(colours: Num[np.ndarray, "h w c"]) -> Float[np.ndarray, "h w 3"]:
    """uint8, uint16 or floats, gray (one channel) or RGB, as float32 RGB in [0, 1]; gray stands in all three
    channels."""
    pixels = colours.astype(np.float32, copy=False)
    if colours.dtype.kind == "u":
        pixels /= np.float32(PEAKS[colours.dtype])
    return repeat(pixels, "h w 1 -> h w 3") if colours.shape[2] == 1 else pixels


def read_photo(path: Path, *, frame: int | None = None, max_pixels: int = MAX_PIXELS, strict: bool = False) -> Photo:
    """Read a photo, its format told by its content, with its EXIF orientation applied.

    8 or 16 bit (AVIF and HEIC: 10 and 12 stretched to 16; TIFF: any depth up to 16, or floating point in
    [0, 1]), gray, RGB or palette, with or without alpha. CMYK becomes sRGB, by its ICC profile where it has
    one. EXIF loses its thumbnail. Only the pixel count of the header is trusted before decoding. What is damaged beside
    the pixels (a profile, EXIF, a text) is left out, with a note, unless `strict`. frame: which of several pages
    (TIFF) or frames (PNG, WebP, GIF), from 0; without it a file with several is refused.

    Raises:
        NoInputError: there is no such file, or it cannot be opened.
        UsageError: HEIC without the extra `heif`.
        BadDataError: not such a photo, damaged, truncated, several pages or frames, above `max_pixels`;
            with `strict` also damage beside the pixels.
    """
    first_bytes = _first_bytes(path)
    with reading(path, "of a supported kind"):
        stored = upright(_with_sound_profile(_decoded(path, first_bytes, frame, max_pixels)))
        if strict and stored.findings.damage:
            raise BadDataError(f"damaged: {', '.join(stored.findings.damage)}", "leave out --strict")
        return _to_photo(stored)


def _first_bytes(path: Path) -> bytes:
    if os.path.isfile(path):
        try:
            with path.open("rb") as file:
                return file.read(64)
        except OSError as error:
            raise NoInputError(f"'{path}' cannot be opened: {error.strerror or error}") from error
    if os.path.exists(path):
        raise NoInputError(no_file_text(path))
    try:
        matches = closest(path.name, os.listdir(path.parent))
    except OSError as error:
        raise NoInputError(f"folder '{path.parent}' cannot be opened: {error.strerror or error}") from error
    hint = f"did you mean '{path.parent / matches[0]}'?" if matches else ""
    raise NoInputError(f"'{path}' does not exist", hint)


def _decoded(path: Path, first_bytes: bytes, frame: int | None, max_pixels: int) -> Stored:
    if not first_bytes:
        raise BadDataError("an empty file", "copy or download it again")
    found = format_of(first_bytes)
    if found is None:
        raise _no_photo(first_bytes)
    decode: DecodePhoto = import_target(found.decode)
    wanted = (frame or 0,) if found.several else ()
    stored = decode(path.read_bytes(), max_pixels, *wanted)
    require_frame(frame or 0, stored.frames, found.several or "picture")
    if stored.frames > 1 and frame is None:
        message = f"holds {stored.frames} {found.several}, not a single photo"
        raise BadDataError(message, "save the one that is meant as a photo of its own")
    return stored


def _no_photo(first_bytes: bytes) -> BadDataError:
    for start, what, hint in _NO_PHOTOS:
        if re.match(start, first_bytes, re.IGNORECASE):
            return BadDataError(f"{what}, not a photo", hint)
    return BadDataError(f"not a {readable_names()} photo", "convert it to PNG or TIFF first")


def _with_sound_profile(stored: Stored) -> Stored:
    """Without an ICC profile that is none, whatever format held it: no reader of the output could use it either."""
    if not stored.metadata.icc_profile or is_profile(stored.metadata.icc_profile):
        return stored
    stored.findings.damage.append("ICC profile")
    return replace(stored, metadata=replace(stored.metadata, icc_profile=b""))


def _to_photo(stored: Stored) -> Photo:
    damage = [f"its {what} cannot be read: left out" for what in dict.fromkeys(stored.findings.damage)]
    num_colours = 1 if stored.samples.shape[2] < 3 else 3
    colours, alpha = np.split(stored.samples, [num_colours], axis=2)
    return Photo(
        colours=np.ascontiguousarray(colours),
        bit_depth=8 * colours.dtype.itemsize,
        grayscale=num_colours == 1,
        alpha=np.ascontiguousarray(alpha[..., 0]) if alpha.size else None,
        metadata=with_true_xmp(stored.metadata),
        notes=(*stored.findings.notes, *damage),
        frames=stored.frames,
        seconds=stored.seconds,
    )
