"""One source through one task: prepare, tiles, finish. Everything a caller needs to use the tool as a library."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float, Num

from glmha_cli.allocator import return_freed_memory
from glmha_cli.errors import NotEnoughMemoryError
from glmha_cli.inference.blend import Blend
from glmha_cli.inference.engine import Engine
from glmha_cli.inference.levels import EVERY, THINNED, levelled, thinned_tiling
from glmha_cli.inference.memory import is_out_of_memory, smaller
from glmha_cli.inference.scale_choice import choose
from glmha_cli.inference.scales import ReadRows, RowWindow, Scales, corrected, kept_rows, named, reduced_size, stacked
from glmha_cli.inference.stretch import extremes_of, stretched
from glmha_cli.inference.tiled import Needs, Read, all_tiles, run_tiled
from glmha_cli.inference.tiling import Tiling, count_tiles
from glmha_cli.tasks.base import Task

OnTile = Callable[[int, int], None]
Say = Callable[[str], None]
Rows = Float[np.ndarray, "rows w c"]
STRIP_PX = 256
FULL = Blend()


@dataclass(kw_only=True)
class Restorer:
    """A task with a loaded engine.

    tiling, batch: how the engine is fed. Where memory runs out both become smaller for good, if that helps; `say` is
    told. project: finish with the task's closed-form step that makes the result agree with its input, if it has one.
    scales: at which photos are corrected, by tasks that work at any (`Task.any_scale`). scale: those of the last photo.
    for_8_bits: an engine in a lower precision for photos of 8 bits. computing: the engine that the last one had.
    """

    task: Task
    engine: Engine
    tiling: Tiling = field(default_factory=Tiling)
    batch: int = 1
    project: bool = True
    say: Say = lambda text: None
    scales: Scales = field(default_factory=Scales)
    for_8_bits: Engine | None = None
    scale: str = field(default="1", init=False)
    computing: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.computing = self.engine

    @property
    def projects(self) -> bool:
        """Whether results get the task's closed-form step."""
        return self.project and self.task.project is not None

    @property
    def described_tiles(self) -> str:
        """The tiles, and the scales of the last photo if it was reduced."""
        return str(self.tiling) if self.scale == "1" else f"{self.tiling} at {self.scale}"

    @property
    def described_precision(self) -> str:
        """Of any source."""
        lower, precision = self.for_8_bits, self.engine.precision
        return f"{lower.precision} ({precision} for more than 8 bits)" if lower else precision

    def restore(
        self,
        source: Any,
        *,
        blend: Blend = FULL,
        on_tile: OnTile = lambda done, total: None,
        store: Callable[[Rows], Num[np.ndarray, "rows w c"]] = np.asarray,
    ) -> Num[np.ndarray, "h w c"]:
        """`source` as `task.prepare` takes it -> the result in [0, 1], float32. `on_tile(done, total)` is progress.

        blend: how much of its correction a photo gets, where the result is a photo too.
        store: makes of finished rows what is kept of them, for a result that takes less memory than float32.
        Beyond source and result, memory does not grow with the image's height.
        Raises NotEnoughMemoryError where the smallest tiles are too large, BadDataError for an area of another size.
        """
        blend.require_fit(source.shape[:2])
        eight_bits = self.task.restores_photos and source.dtype == np.uint8
        self.computing = self.for_8_bits if eight_bits and self.for_8_bits else self.engine
        asked = self.tiling, self.batch
        while True:
            try:
                return stacked(
                    map(store, blend(self._strips(source, blend, on_tile), self._rows_of(source))), source.shape[0]
                )
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                reason = (str(error) or type(error).__name__).splitlines()[0]
            # Not inside `except`, where the arrays of the failed attempt are alive. All rows again: of one tiling.
            return_freed_memory()
            try:
                self.tiling, self.batch = smaller(self.tiling, self.batch, max(source.shape[:2]), reason)
            except NotEnoughMemoryError:
                self.tiling, self.batch = asked  # of this source alone; the next one may be smaller
                raise
            self.say(f"out of memory: continuing with tiles of {self.tiling}, {self.batch} at a time")

    def _strips(self, source: Any, blend: Blend, on_tile: OnTile) -> Iterator[Rows]:
        """Finished rows, part after part from the top down."""
        size, factors = source.shape[:2], self._factors(source, blend)
        self.scale = named(factors)
        total, done = sum(count_tiles(*reduced_size(size, factor), self.tiling) for factor in factors), 0

        def count() -> None:
            nonlocal done
            done += 1
            on_tile(done, total)

        on_tile(0, total)
        if factors != (1,):
            return self._corrected(source, factors, blend, count)
        outputs = self._tiled(self._reader(source), size, self.tiling, count, blend.reaches(1))
        if self.task.independent_rows and total > 1 and size[0] >= EVERY:
            thin, small = source[THINNED], thinned_tiling(source[THINNED].shape[:2], self.tiling)
            outputs = levelled(outputs, self._tiled(self._reader(thin), thin.shape[:2], small))
        return self._finished(source, outputs)

    def _finished(self, source: Any, outputs: Iterable[Rows]) -> Iterator[Rows]:
        project, start = self.task.project if self.projects else None, 0
        for output in outputs:
            rows = source[start : start + len(output)]
            start += len(output)
            result = self.task.finish(output, rows)
            yield project(result, rows) if project else result

    def _tiled(
        self,
        read: Read,
        size: tuple[int, int],
        tiling: Tiling,
        on_tile: Callable[[], None] = lambda: None,
        needs: Needs = all_tiles,
    ) -> Iterator[Rows]:
        return run_tiled(
            self.computing.run_batches,
            read,
            size,
            tiling=tiling,
            batch=self.batch,
            multiple=self.engine.size_multiple,
            on_tile=on_tile,
            needs=needs,
        )

    def _factors(self, source: Any, blend: Blend) -> tuple[int, ...]:
        """By which the photo is reduced, from coarse to fine."""
        if not self.task.any_scale or self.engine.stretch_input:
            return (1,)
        if self.scales.factors is not None:
            return self.scales.factors

        def read(top: int, bottom: int, left: int, right: int) -> Rows:
            return self.task.prepare(source[top:bottom][:, left:right])[0]

        def network(read: ReadRows, size: tuple[int, int]) -> Iterator[Rows]:
            return self._tiled(lambda start, stop: (read(start, stop),), size, Tiling(tile_px=None))

        return choose(read, source.shape[:2], network, area=blend.area, overlaid=self.task.overlaid)

    def _corrected(
        self, source: Any, factors: tuple[int, ...], blend: Blend, on_tile: Callable[[], None]
    ) -> Iterator[Rows]:
        """Rows of the photo, corrected at each scale in turn; the finest, which costs most, only about the area."""

        def network(read: ReadRows, size: tuple[int, int], needs: Needs) -> Iterator[Rows]:
            return self._tiled(lambda start, stop: (read(start, stop),), size, self.tiling, on_tile, needs)

        size, rows = source.shape[:2], self._rows_of(source)
        strips: Iterator[Rows] = iter(())
        for factor in factors:
            needs = (blend if factor == factors[-1] else FULL).reaches(factor)
            strips = corrected(rows, size, factor, partial(network, needs=needs))
            rows = RowWindow(strips, kept_rows(factor))
        return strips

    def _rows_of(self, source: Any) -> ReadRows:
        """The rows of a photo, as the network's one input."""
        return lambda start, stop: self.task.prepare(source[start:stop])[0]

    def _reader(self, source: Any) -> Read:
        """The network's inputs of some rows; stretched as the whole image asks for, if the network wants that."""

        def read(start: int, stop: int) -> tuple[Rows, ...]:
            return self.task.prepare(source[start:stop])

        if not self.engine.stretch_input:
            return read
        strips = (read(start, start + STRIP_PX) for start in range(0, source.shape[0], STRIP_PX))
        extremes = [extremes_of(parts) for parts in zip(*strips, strict=True)]
        return lambda start, stop: tuple(map(stretched, read(start, stop), extremes))
