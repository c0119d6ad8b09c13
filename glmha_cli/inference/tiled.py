"""A network over the tiles of an image, blended: finished rows, part after part."""

from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest

import numpy as np
from jaxtyping import Float

from glmha_cli.inference.tiling import Span, Tiling, grid
from glmha_cli.shapes import next_multiple, pad_to

Inputs = tuple[Float[np.ndarray, "b h w_in c"], ...]
Run = Callable[[Iterable[Inputs]], Iterable[Float[np.ndarray, "b h w c"]]]
"""A network over batches of tiles."""
Read = Callable[[int, int], tuple[Float[np.ndarray, "rows w_in c"], ...]]
"""The network's inputs of the rows from start to stop. The first is as wide as the image; others may be wider."""
Needs = Callable[[Span, Span], bool]
"""Whether a tile, by its rows and columns, is computed at all; others stay as the first input is."""


def all_tiles(rows: Span, columns: Span) -> bool:
    return True


def run_tiled(
    run: Run,
    read: Read,
    size: tuple[int, int],
    *,
    tiling: Tiling,
    multiple: int,
    batch: int = 1,
    on_tile: Callable[[], None] = lambda: None,
    needs: Needs = all_tiles,
) -> Iterator[Float[np.ndarray, "rows w c"]]:
    """`run` over every tile of an image of `size`, blended: its finished rows, part after part from the top down.

    Only rows that a tile still touches are held, so memory does not grow with the height of the image.
    run: takes batches of up to `batch` tiles, whose sides are multiples of `multiple`, one after the other.
    read: see `Read`. on_tile: called after each tile. needs: see `Needs`.
    """
    rows, columns = grid(size, tiling)
    blended: Float[np.ndarray, "rows w c"] | None = None
    for row, following in zip_longest(rows, rows[1:]):
        inputs, needed = read(row.start, row.stop), [column for column in columns if needs(row, column)]
        outputs = _run_row(run, inputs, needed, size, multiple=multiple, batch=batch)
        for column in columns:
            tile = next(outputs) if column in needed else inputs[0][:, column.start : column.stop]
            if blended is None:
                blended = np.zeros((row.stop - row.start, size[1], tile.shape[2]), np.float32)
            blended[:, column.start : column.stop] += tile * (row.weight[:, None, None] * column.weight[:, None])
            on_tile()
        assert blended is not None  # a row has at least one tile
        finished = (following.start if following else row.stop) - row.start
        yield blended[:finished].copy()
        blended[:-finished] = blended[finished:]
        blended[-finished:] = 0


def _run_row(
    run: Run,
    inputs: tuple[Float[np.ndarray, "h w_in c"], ...],
    columns: list[Span],
    size: tuple[int, int],
    *,
    multiple: int,
    batch: int,
) -> Iterator[Float[np.ndarray, "h w c"]]:
    """The outputs of a row of tiles. An input that is wider than the image gives each tile as many columns more."""
    if not columns:
        return
    height, width = inputs[0].shape[0], columns[0].stop - columns[0].start

    def tile(array: np.ndarray, column: Span) -> np.ndarray:
        cut = array[:, column.start : column.stop + array.shape[1] - size[1]]
        return pad_to(cut, next_multiple(height, multiple), cut.shape[1] - width + next_multiple(width, multiple))

    batches = (
        tuple(np.stack([tile(array, column) for column in some]) for array in inputs)
        for some in batched(columns, batch)
    )
    for outputs in run(batches):
        yield from outputs[:, :height, :width]


def batched(items: list[Span], size: int) -> Iterator[list[Span]]:
    """Lists of `size` items, the last of what is left."""
    return (items[i : i + size] for i in range(0, len(items), size))
