"""What a member of a cluster says to its driver: calls of the driver's `Keeper`, with paths in place of jobs."""

import queue
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path, PurePath
from typing import Any

from glmha_cli.batch.jobs import Job
from glmha_cli.batch.pipeline import Skip
from glmha_cli.batch.places import Places, Remote
from glmha_cli.batch.record import Line
from glmha_cli.batch.report import Outcome, Reporter
from glmha_cli.errors import GlmhaError


@dataclass(frozen=True)
class Call:
    """A method of the driver and its arguments. number: of one that waits for its answer."""

    name: str
    arguments: tuple[Any, ...]
    number: int | None = None

    @property
    def is_success(self) -> bool:
        return self.name == "settled" and self.arguments[1] == "ok"


@dataclass(frozen=True, eq=False)
class Calls(Reporter):
    """Keeper and reporter of a member (see `glmha_cli.batch.keeper.Keeping`): what it is told becomes calls.

    there: what the driver calls the inputs and outputs of the jobs that are here. made: not told yet. open: calls whose
    answers are waited for, by number. progress: the last call `tiles` of each job. ended: nobody answers any more.
    """

    places: Places
    there: dict[PurePath, Path] = field(default_factory=dict)
    made: "queue.SimpleQueue[Call]" = field(default_factory=queue.SimpleQueue)
    open: dict[int, "Future[Any]"] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)
    lock: threading.Lock = field(default_factory=threading.Lock)
    progress: dict[Path, Call] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def reporter(self) -> Reporter:
        return self

    def keep(self, job: Job, line: Line) -> None:
        self._ask("keep", job, line)

    def is_done(self, job: Job) -> bool:
        return bool(self._ask("is_done", job))

    def settled(self, outcome: Outcome) -> None:
        error, output = outcome.error, self.there.pop(outcome.job.target)
        self.there.pop(outcome.job.source, None)
        if error is not None and isinstance(self.places, Remote):
            error = self.places.stage.renamed(error)
        self.progress.pop(output, None)
        self._tell("settled", output, outcome.status, outcome.seconds, dict(outcome.details), error)

    def remark(self, path: PurePath, text: str) -> None:
        self._tell("remark", self.there.get(path, path), self.places.named(text))

    def note(self, text: str) -> None:
        self._tell("note", self.places.named(text))

    def warning(self, text: str) -> None:
        self._tell("warning", self.places.named(text))

    def tiles(self, job: Job, done: int, total: int) -> None:
        """Only the last one is told, with what else there is to tell."""
        output = self.there[job.target]
        self.progress[output] = Call("tiles", (output, done, total))

    def broken(self, error: GlmhaError) -> None:
        """The member can do nothing more."""
        self._tell("broken", error)

    def _tell(self, name: str, *arguments: Any) -> None:
        self.made.put(Call(name, arguments))

    def _ask(self, name: str, job: Job, *arguments: Any) -> Any:
        """The driver's answer; a run that has ended gives none, and drops the job."""
        answer: Future[Any] = Future()
        with self.lock:
            if self.ended.is_set():
                raise Skip
            number = next(self.numbers)
            self.open[number] = answer
        self.made.put(Call(name, (self.there[job.target], *arguments), number))
        return answer.result()

    def answer(self, answers: Mapping[int, Any]) -> None:
        for number, value in answers.items():
            self.open.pop(number).set_result(value)

    def end(self) -> None:
        """Nobody answers any more."""
        with self.lock:
            self.ended.set()
            for answer in self.open.values():
                answer.set_exception(Skip())
            self.open.clear()

    def since(self, seconds: float) -> list[Call]:
        """The calls made since the last time, waited for so long if there are none."""
        calls = []
        try:
            calls.append(self.made.get(timeout=seconds))
            while True:
                calls.append(self.made.get_nowait())
        except queue.Empty:
            pass
        progress = (self.progress.pop(output, None) for output in list(self.progress))
        return [*filter(None, progress), *calls]
