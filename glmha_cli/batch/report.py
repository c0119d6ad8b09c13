"""What became of the files of a run, and who is told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Literal

from glmha_cli.batch.jobs import Job
from glmha_cli.errors import GlmhaError
from glmha_cli.io.photos.read import Photo

Status = Literal["ok", "failed", "skipped", "planned"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a job.

    status: "skipped" where an earlier run had done it, "planned" where nothing was to be done yet.
    seconds: of work, without waiting. details: of a success. error: of a failure.
    """

    job: Job
    status: Status
    seconds: float = 0.0
    details: Mapping[str, Any] = field(default_factory=dict)
    error: GlmhaError | None = None


@dataclass(kw_only=True)
class Summary:
    """How far a run has come.

    task: its name. total: files of the run. single: one file was named, and its failure is that of the run.
    dry_run: nothing is written. ignored: what was found beside the inputs, as "3 .txt, 1 .psd".
    """

    task: str
    total: int
    single: bool
    dry_run: bool
    ignored: str = ""
    done: int = 0
    skipped: int = 0
    planned: int = 0
    failures: list[Outcome] = field(default_factory=list)

    @property
    def not_tried(self) -> int:
        return self.total - self.done - self.skipped - self.planned - len(self.failures)

    def add(self, outcome: Outcome) -> None:
        self.done += outcome.status == "ok"
        self.skipped += outcome.status == "skipped"
        self.planned += outcome.status == "planned"
        if outcome.status == "failed":
            self.failures.append(outcome)


class Reporter:
    """Who is told of a run: this one says nothing; others override what they want to be told.

    `note`, `remark`, `warning` and `settled` are called in several threads, one at a time each.
    shows: whether it wants to be told what files look like, which costs a little.
    """

    shows = False

    def rename(self, path: str, name: str) -> None:
        """From now on `path` is called `name` in all that is said: it stands in for a standard stream."""

    def note(self, text: str) -> None:
        """Something the user may want to know."""

    def remark(self, path: PurePath, text: str) -> None:
        """Of a file: side data that was left out, something that was assumed, damage to its pixels."""

    def warning(self, text: str) -> None:
        """Of the run or the machine: low memory, a missing compiler, inputs that are not used."""

    def started(self, summary: Summary) -> None:
        """The files are planned. `summary` counts on, before `settled` is called for each file."""

    def tiles(self, job: Job, done: int, total: int) -> None:
        """So many tiles of a file are done; called with 0 first, and no more after `settled`."""

    def restored(self, job: Job, before: Photo, after: Photo) -> None:
        """A file is written: what it and its result look like, of the same size. Before `settled`, if it `shows`."""

    def settled(self, outcome: Outcome) -> None:
        """A file is done, has failed, was skipped or planned."""

    def finished(self) -> None:
        """Nothing more comes; also called where an error ends the run."""


SILENT = Reporter()


class Reporters(Reporter):
    """Several that are told the same, in their order."""

    def __init__(self, *reporters: Reporter) -> None:
        self.shows = any(reporter.shows for reporter in reporters)
        for name, value in vars(Reporter).items():
            if callable(value):
                setattr(self, name, _all_of([getattr(reporter, name) for reporter in reporters]))


def _all_of(functions: list[Callable[..., None]]) -> Callable[..., None]:
    def call(*arguments: Any) -> None:
        for function in functions:
            function(*arguments)

    return call
