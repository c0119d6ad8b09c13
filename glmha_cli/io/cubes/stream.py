"""Cubes that are written as they are read, block by block."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from glmha_cli.io.cubes.model import Cube
from glmha_cli.io.cubes.windows import Outlined, blocks

Blocks = Iterable[tuple[int, Float[np.ndarray, "rows w bands"]]]
"""(number of the first row, values) of each block of rows."""


@dataclass(frozen=True)
class CubeStream(Outlined):
    """A cube by rows; in files NaN stands for no data, as only the last row tells whether a value is a stated number.

    rows: (start, stop) -> those rows.
    """

    rows: Callable[[int, int], Cube]

    @property
    def wavelength_nm(self) -> tuple[float, ...]:
        return self.facts.wavelength_nm

    @property
    def nodata(self) -> float | None:
        return None if self.facts.nodata is None else float("nan")

    def blocks(self) -> Iterator[tuple[int, Float[np.ndarray, "rows w bands"]]]:
        for start, stop in blocks(self.shape):
            yield start, self.rows(start, stop).values


def as_written(cube: Cube | CubeStream) -> tuple[Blocks, float | None]:
    """(values as a file holds them, the number there that means no data; None where nothing has to be said)."""
    if isinstance(cube, CubeStream):
        return cube.blocks(), cube.nodata
    values, nodata = cube.stored()
    return [(0, values)], nodata
