"""Small images of several threads computed at once: a GPU is as fast with eight tiles as with one."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from glmha_cli.inference.engine import Engine, Inputs


@dataclass(frozen=True, eq=False)
class _Waiting:
    inputs: Inputs
    output: "Future[Float[np.ndarray, 'b h w c_out']]" = field(default_factory=Future)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of each input, but for the number of tiles."""
        return [part.shape[1:] for part in self.inputs]


class Gathered:
    """An engine (see `Engine`) for several threads: what they ask for while it computes waits, and what is of one size
    then goes together. Where that fails each goes alone, so that an image costs no other.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.size_multiple, self.stretch_input = engine.size_multiple, engine.stretch_input
        self.device, self.precision = engine.device, engine.precision
        self._busy, self._lock = threading.Lock(), threading.Lock()
        self._waiting: list[_Waiting] = []

    def for_8_bits(self) -> Engine | None:
        return self.engine.for_8_bits()

    def room_px(self) -> int | None:
        return self.engine.room_px()

    def run(self, *inputs: Float[np.ndarray, "h w_in c"]) -> Float[np.ndarray, "h w c_out"]:
        return self._computed(tuple(part[None] for part in inputs))[0]

    def run_batches(self, batches: Iterable[Inputs]) -> Iterator[Float[np.ndarray, "b h w c_out"]]:
        return map(self._computed, batches)

    def _computed(self, inputs: Inputs) -> Float[np.ndarray, "b h w c_out"]:
        mine = _Waiting(inputs)
        with self._lock:
            self._waiting.append(mine)
        with self._busy:
            if not mine.output.done():  # by another thread, with its own
                self._compute(self._like(mine))
        return mine.output.result()

    def _like(self, mine: _Waiting) -> list[_Waiting]:
        """All that wait and are of the same size, which then wait no more."""
        with self._lock:
            alike = [each for each in self._waiting if each.shapes == mine.shapes]
            self._waiting = [each for each in self._waiting if each.shapes != mine.shapes]
        return alike

    def _compute(self, group: Sequence[_Waiting]) -> None:
        joined = tuple(np.concatenate(parts) for parts in zip(*(each.inputs for each in group), strict=True))
        try:
            (output,) = self.engine.run_batches([joined])
        except Exception as error:
            if len(group) == 1:
                group[0].output.set_exception(error)
                return
            for each in group:
                self._compute([each])
            return
        ends = np.cumsum([len(each.inputs[0]) for each in group])
        for each, part in zip(group, np.split(output, ends[:-1]), strict=True):
            each.output.set_result(part)
