"""What the photo formats share: the samples of a file, the two functions of a format, the checks before decoding."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from jaxtyping import Num

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.metadata import Findings, Metadata

PEAKS = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535, np.dtype(np.float32): 1}


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What a file holds, as stored: uint8, uint16 or float32; 1 gray, 2 gray alpha, 3 RGB, 4 RGB alpha.

    orientation: as EXIF numbers it, of a format that says it by itself, so that its EXIF counts no more; 1 where the
        decoder has turned the samples already.
    turned: by which orientation it has; places in the side data are still those of the photo before.
    frames: how many pages or frames the file has, of which this is one. seconds: for which it is shown; 0 for a page.
    """

    samples: Num[np.ndarray, "h w c"]
    metadata: Metadata
    findings: Findings = field(default_factory=Findings)
    orientation: int | None = None
    turned: int = 1
    frames: int = 1
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A page or frame to write. samples: as `EncodePhoto` takes them. seconds: for which it is shown; 0 for a page."""

    samples: Num[np.ndarray, "h w c"]
    metadata: Metadata
    seconds: float = 0.0


class DecodePhoto(Protocol):
    """Decodes the bytes of a file; refuses, before decoding, one whose header declares more than `max_pixels`.

    frame: which of several pages or frames, from 0; only of formats whose row says that they hold several.
    """

    def __call__(self, data: bytes, max_pixels: int, frame: int = 0) -> Stored: ...


class EncodeFrames(Protocol):
    """Writes pages or frames one by one, as they come. All frames of an animation have one shape and one depth."""

    def __call__(self, path: Path, frames: Iterable[Frame], count: int, quality: int) -> None: ...


class EncodePhoto(Protocol):
    """Writes samples uint8, uint16 or float32 (h, w, 1..4); `quality` 1..100 is for the lossy formats."""

    def __call__(self, path: Path, samples: Num[np.ndarray, "h w c"], metadata: Metadata, quality: int) -> None: ...


def require_size(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise BadDataError(f"declares {width} x {height} pixels")
    if width * height > max_pixels:
        problem = f"declares {width} x {height} pixels, above the limit of {max_pixels}"
        raise BadDataError(problem, f"--max-pixels {width * height}")


def require_single(count: int, what: str) -> None:
    if count != 1:
        raise BadDataError(f"holds {count} {what}, not a single photo", "split it into single files")


def require_frame(frame: int, count: int, what: str) -> None:
    if count == 1 and frame:
        raise BadDataError(f"holds one picture, so there is no frame {frame}", "leave out --frame")
    if not 0 <= frame < count:
        raise BadDataError(f"holds {count} {what}, so there is no frame {frame}", f"--frame 0 to --frame {count - 1}")


def full_range(samples: Num[np.ndarray, "..."], bit_depth: int) -> Num[np.ndarray, "h w c"]:
    """Unsigned samples of up to 16 bits as uint8 or uint16 over all of their range; one channel may lack its axis."""
    dtype = np.uint8 if bit_depth <= 8 else np.uint16
    samples = np.atleast_3d(samples)
    if bit_depth in (8, 16):
        return samples.astype(dtype)
    return np.rint(samples * (np.iinfo(dtype).max / (2**bit_depth - 1))).astype(dtype)


def squeezed_gray(samples: Num[np.ndarray, "h w c"]) -> np.ndarray:
    """Image libraries want a single channel as (h, w)."""
    return samples[..., 0] if samples.shape[2] == 1 else samples
