"""Tiles of one size with overlap and a smooth blend, whose weights add up to one at every pixel.

Channel attention takes its statistics over all pixels of its input, so a tile near the size the network was
trained on is not only smaller but better than the whole (Chu et al. 2022, "Improving image restoration by
revisiting global information aggregation"). Tiled and whole results therefore differ by nature.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from glmha_cli.errors import UsageError
from glmha_cli.tasks.base import Task

TILE_PX, OVERLAP_PX, SLACK_PX = 256, 32, 32
FEWEST_ROWS = 32
"""Of a tile of whole rows."""


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """tile_px: side of a tile, None for the whole image in one. overlap_px: at least so much of neighbours.

    slack_px: a side may be so much longer where a row or column of tiles less is enough then: a photo of 512 px takes
    4 tiles of 272 instead of 9 of 256, half the work. may_shrink: tiles that do not fit into the memory become smaller
    before the work begins; a size that was asked for is tried as it is. whole_rows: tiles are as wide as the image and
    have as many pixels (but at least `FEWEST_ROWS` rows), for networks that need all light of a row.
    """

    tile_px: int | None = TILE_PX
    overlap_px: int = OVERLAP_PX
    slack_px: int = 0
    may_shrink: bool = field(default=False, compare=False)
    whole_rows: bool = False

    @classmethod
    def parse(
        cls, tile: str | int, overlap_px: int | None = None, *, auto_px: int = TILE_PX, whole_rows: bool = False
    ) -> "Tiling":
        """`auto` (tiles of `auto_px`), `whole` or a number of pixels, and the overlap if one was asked for.

        Raises UsageError.
        """
        tile = str(tile)
        if tile == "whole":
            return cls(tile_px=None, whole_rows=whole_rows)
        if tile != "auto" and not (tile.isascii() and tile.isdecimal()):
            raise UsageError(f"--tile takes auto, whole or a number of pixels, not '{tile}'", "--tile 256")
        tile_px, slack_px = (auto_px, SLACK_PX) if tile == "auto" else (int(tile), 0)
        if not isinstance(overlap_px, int | None):
            raise UsageError(f"--overlap takes a number of pixels, not '{overlap_px}'", "--overlap 32")
        overlap_px = min(OVERLAP_PX, tile_px // 2) if overlap_px is None else overlap_px
        return cls(
            tile_px=tile_px,
            overlap_px=overlap_px,
            slack_px=slack_px,
            may_shrink=tile == "auto",
            whole_rows=whole_rows,
        )

    def __post_init__(self) -> None:
        if self.tile_px is None:
            return
        if self.tile_px < 16:
            raise UsageError(f"a tile of {self.tile_px} px is too small", "--tile 256")
        if not 0 <= self.overlap_px <= self.tile_px // 2:
            raise UsageError(
                f"an overlap of {self.overlap_px} px does not fit tiles of {self.tile_px}",
                f"--overlap 0..{self.tile_px // 2}",
            )

    def __str__(self) -> str:
        if self.tile_px is None:
            return "whole"
        sides = f"{self.tile_px}{f'-{self.tile_px + self.slack_px}' if self.slack_px else ''}/{self.overlap_px}"
        return f"{sides} as whole rows" if self.whole_rows else sides


def tiling_for(task: Task, tile: str | int, overlap_px: int | None = None) -> Tiling:
    """`Tiling.parse`, with what the task asks of its tiles."""
    return Tiling.parse(tile, overlap_px, auto_px=task.tile_px, whole_rows=task.independent_rows)


@dataclass(frozen=True, eq=False)
class Span:
    """One tile along one axis: pixels [start, stop) and the weight of each."""

    start: int
    stop: int
    weight: Float[np.ndarray, " n"]


def spans(length: int, tiling: Tiling) -> list[Span]:
    """Evenly spread tiles that cover `length`; their weights add up to 1 at every pixel."""
    tile, count = _side_and_count(length, tiling)
    if count == 1:
        return [Span(0, length, np.ones(length, np.float32))]
    starts = [round(i * (length - tile) / (count - 1)) for i in range(count)]
    weights = [_ramps(starts, i, tile) for i in range(count)]
    total = np.zeros(length)
    for start, weight in zip(starts, weights, strict=True):
        total[start : start + tile] += weight
    return [
        Span(start, start + tile, (weight / total[start : start + tile]).astype(np.float32))
        for start, weight in zip(starts, weights, strict=True)
    ]


def grid(size: tuple[int, int], tiling: Tiling) -> tuple[list[Span], list[Span]]:
    """The rows and the columns of tiles of an image of `size`."""
    height, width = size
    if not tiling.whole_rows or tiling.tile_px is None:
        return spans(height, tiling), spans(width, tiling)
    rows_px = max(FEWEST_ROWS, (tiling.tile_px + tiling.slack_px) ** 2 // max(width, 1))
    strips = Tiling(tile_px=rows_px, overlap_px=min(tiling.overlap_px, rows_px // 2))
    return spans(height, strips), spans(width, Tiling(tile_px=None))


def _side_and_count(length: int, tiling: Tiling) -> tuple[int, int]:
    tile, overlap = tiling.tile_px, tiling.overlap_px
    if tile is None or length <= tile:
        return length, 1
    count = -(-(length - overlap) // (tile - overlap))
    longer = -(-(length + (count - 2) * overlap) // (count - 1))
    return (longer, count - 1) if longer <= tile + tiling.slack_px else (tile, count)


def _ramps(starts: list[int], index: int, tile: int) -> Float[np.ndarray, " tile"]:
    """Up over what is shared with the tile before, down over what is shared with the next: raised cosines."""
    weight = np.ones(tile)
    if index > 0:
        weight *= _raised_cosine(starts[index - 1] + tile - starts[index], tile)
    if index < len(starts) - 1:
        weight *= _raised_cosine(starts[index] + tile - starts[index + 1], tile)[::-1]
    return weight


def _raised_cosine(shared: int, tile: int) -> Float[np.ndarray, " tile"]:
    position = (np.arange(tile) + 0.5) / max(shared, 1)
    return 0.5 - 0.5 * np.cos(np.pi * position.clip(0, 1))


def count_tiles(height: int, width: int, tiling: Tiling) -> int:
    rows, columns = grid((height, width), tiling)
    return len(rows) * len(columns)
