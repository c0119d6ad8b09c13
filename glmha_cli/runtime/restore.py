"""One source through one task: prepare, tiles, finish. Everything a caller needs to use the tool as a library."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from glmha_cli.runtime.engine import Engine
from glmha_cli.runtime.tiling import Tiling, grid, run_tiled
from glmha_cli.tasks.base import Task

OnTile = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Restorer:
    """A task with a loaded engine.

    project: finish with the task's closed-form step that makes the result agree with its input, if it has one.
    """

    task: Task
    engine: Engine
    tiling: Tiling = field(default_factory=Tiling)
    project: bool = True

    def restore(self, source: Any, *, on_tile: OnTile = lambda done, total: None) -> Float[np.ndarray, "h w c"]:
        """`source` as `task.prepare` takes it -> the result in [0, 1], float32. `on_tile(done, total)` is progress."""
        inputs = self.task.prepare(source)
        if self.engine.stretch_input:
            inputs = tuple(map(stretched, inputs))
        total = len(grid(*inputs[0].shape[:2], self.tiling))
        done = 0

        def count() -> None:
            nonlocal done
            done += 1
            on_tile(done, total)

        on_tile(0, total)
        output = run_tiled(self.engine.run, inputs, tiling=self.tiling, multiple=self.engine.size_multiple,
                           on_tile=count)
        result = self.task.finish(output, source)
        if self.project and self.task.project is not None:
            result = self.task.project(result, source)
        return result


def stretched(image: Float[np.ndarray, "h w c"]) -> Float[np.ndarray, "h w c"]:
    """`image` with its lowest value at 0 and its highest at 1, over all pixels and channels; 0 where it is flat."""
    low, high = image.min(), image.max()
    return (image - low) / ((high - low) or 1)
