"""How much of its correction a photo gets: a strength, and an area beyond which it stays as it is, to the last bit."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.inference.scales import MARGIN, ReadRows, Rows
from glmha_cli.inference.tiled import Needs, all_tiles
from glmha_cli.inference.tiling import Span
from glmha_cli.io.photos.formats.base import PEAKS
from glmha_cli.io.photos.read import Photo

FEATHER_PX = 8
"""Over so many pixels inward from the edge of an area the correction sets in; beyond the edge there is none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Blend:
    """strength: 0 leaves the photo as it is, 1 corrects it fully; UsageError for others.
    area: of each pixel, 0 to 255, how much of that it gets; its edges are feathered. None for all of the photo.
    """

    strength: float = 1.0
    area: UInt8[np.ndarray, "h w"] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise UsageError(f"the strength of a correction must be between 0 and 1, not {self.strength}", "0.5")

    @property
    def is_full(self) -> bool:
        """Whether results are what the network makes of the photo."""
        return self.strength == 1 and self.area is None

    def reaches(self, factor: int) -> Needs:
        """Whether a tile of the photo reduced by `factor` changes a pixel of the area."""
        area = self.area
        if area is None:
            return all_tiles

        def reach(rows: Span, columns: Span) -> bool:
            (top, bottom), (left, right) = (
                (max(0, span.start - MARGIN) * factor, (span.stop + MARGIN) * factor) for span in (rows, columns)
            )
            return bool(area[top:bottom, left:right].any())

        return reach

    def require_fit(self, size: tuple[int, int]) -> None:
        """BadDataError unless the area is as large as a photo of size (h, w)."""
        if self.area is not None and self.area.shape != size:
            theirs, ours = (f"{width}x{height}" for height, width in (self.area.shape, size))
            raise BadDataError(
                f"the mask of the area has {theirs} pixels, the photo {ours}", "save the mask at the size of the photo"
            )

    def __call__(self, strips: Iterable[Rows], read: ReadRows) -> Iterator[Rows]:
        """Restored rows, part after part from the top down, blended with those that `read(start, stop)` gives."""
        if self.is_full:
            yield from strips
            return
        start = 0
        for restored in strips:
            stop = start + len(restored)
            weights = self.weights(start, stop)
            yield weights * restored + (1 - weights) * read(start, stop)  # exact where a weight is 0 or 1
            start = stop

    def weights(self, start: int, stop: int) -> Float[np.ndarray, "rows w 1"] | np.float32:
        strength = np.float32(self.strength)
        if self.area is None:
            return strength
        first = max(0, start - FEATHER_PX)
        rows = feathered(self.area[first : stop + FEATHER_PX])[start - first : stop - first]
        return (strength * rows)[..., None]


def area_of(mask: Photo) -> UInt8[np.ndarray, "h w"]:
    """The area that a mask shows: all of what is white, in part what is gray; what is transparent counts as black.

    BadDataError for one of zeros and ones in integers, of which both are black.
    """
    if mask.colours.dtype.kind == "u" and mask.colours.max() == 1:
        raise BadDataError(
            f"the mask of the area holds 0 and 1 alone, and white is {PEAKS[mask.colours.dtype]}",
            "multiply it by that; in Python give an array of bool",
        )
    peak = PEAKS.get(mask.colours.dtype, 1)
    level = mask.colours.mean(axis=2, dtype=np.float32) / peak
    if mask.alpha is not None:
        level *= mask.alpha / np.float32(peak)
    return np.rint(255 * level).astype(np.uint8)


def feathered(area: UInt8[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """The area in [0, 1], fading inward: mean of the area and of what is left when 1, 2, … pixels are taken off."""
    total = area.astype(np.uint16)
    for _ in range(FEATHER_PX - 1):
        area = eroded(area)
        total += area
    return total / np.float32(255 * FEATHER_PX)


def eroded(area: UInt8[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """The lowest value of each pixel and its eight neighbours; what lies outside is as the border."""
    padded = np.pad(area, 1, mode="edge")
    rows = np.minimum(np.minimum(padded[:-2], padded[1:-1]), padded[2:])
    return np.minimum(np.minimum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
