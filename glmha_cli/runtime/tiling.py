"""Tiles of one size with overlap and a smooth blend, whose weights add up to one at every pixel.

Channel attention takes its statistics over all pixels of its input, so a tile near the size the network was
trained on is not only smaller but better than the whole (Chu et al. 2022, "Improving image restoration by
revisiting global information aggregation"). Tiled and whole results therefore differ by nature.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from glmha_cli.errors import UsageError
from glmha_cli.shapes import next_multiple, pad_to

TILE_PX, OVERLAP_PX = 256, 32
Run = Callable[..., Float[np.ndarray, "h w c"]]


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """tile_px: side of a tile, None for the whole image in one. overlap_px: at least so much of neighbours."""

    tile_px: int | None = TILE_PX
    overlap_px: int = OVERLAP_PX

    def __post_init__(self) -> None:
        if self.tile_px is None:
            return
        if self.tile_px < 16:
            raise UsageError(f"a tile of {self.tile_px} px is too small", "--tile 256")
        if not 0 <= self.overlap_px <= self.tile_px // 2:
            raise UsageError(f"an overlap of {self.overlap_px} px does not fit tiles of {self.tile_px}",
                             f"--overlap 0..{self.tile_px // 2}")

    def __str__(self) -> str:
        return "whole" if self.tile_px is None else f"{self.tile_px}/{self.overlap_px}"


@dataclass(frozen=True)
class Span:
    """One tile along one axis: pixels [start, stop) and the weight of each."""

    start: int
    stop: int
    weight: Float[np.ndarray, " n"]


def spans(length: int, tiling: Tiling) -> list[Span]:
    """Evenly spread tiles that cover `length`; their weights add up to 1 at every pixel."""
    tile = tiling.tile_px
    if tile is None or length <= tile:
        return [Span(0, length, np.ones(length, np.float32))]
    count = -(-(length - tiling.overlap_px) // (tile - tiling.overlap_px))
    starts = [round(i * (length - tile) / (count - 1)) for i in range(count)]
    weights = [_ramps(starts, i, tile) for i in range(count)]
    total = np.zeros(length)
    for start, weight in zip(starts, weights, strict=True):
        total[start : start + tile] += weight
    return [Span(start, start + tile, (weight / total[start : start + tile]).astype(np.float32))
            for start, weight in zip(starts, weights, strict=True)]


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


def grid(height: int, width: int, tiling: Tiling) -> list[tuple[Span, Span]]:
    """All tiles, row by row."""
    columns = spans(width, tiling)
    return [(row, column) for row in spans(height, tiling) for column in columns]


def run_tiled(run: Run, inputs: tuple[Float[np.ndarray, "h w_in c"], ...], *, tiling: Tiling, multiple: int,
              on_tile: Callable[[], None] = lambda: None) -> Float[np.ndarray, "h w c"]:
    """`run` over every tile of `inputs`, blended. Sizes given to `run` are multiples of `multiple`.

    The first input has the output's size; others may be wider (a shifted mask) and give each tile that many
    columns more. `on_tile` is called after each tile.
    """
    height, width = inputs[0].shape[:2]
    result = None
    for row, column in grid(height, width, tiling):
        tile = _run_one(run, _tile_inputs(inputs, row, column), multiple)
        if result is None:
            result = np.zeros((height, width, tile.shape[2]), np.float32)
        tile *= row.weight[:, None, None] * column.weight[:, None]
        result[row.start : row.stop, column.start : column.stop] += tile
        on_tile()
    return result


def _tile_inputs(inputs: tuple[np.ndarray, ...], row: Span, column: Span) -> Iterator[np.ndarray]:
    width = inputs[0].shape[1]
    for array in inputs:
        yield array[row.start : row.stop, column.start : column.stop + array.shape[1] - width]


def _run_one(run: Run, tiles: Iterator[np.ndarray], multiple: int) -> Float[np.ndarray, "h w c"]:
    tiles = list(tiles)
    height, width = tiles[0].shape[:2]
    padded = [pad_to(tile, next_multiple(height, multiple), tile.shape[1] - width + next_multiple(width, multiple))
              for tile in tiles]
    return run(*padded)[:height, :width]
