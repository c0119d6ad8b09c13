"""Who is told of each file of a run: its record, then its summary and its reporter."""

from dataclasses import dataclass, field
from typing import Protocol

from glmha_cli.batch.areas import settings_for
from glmha_cli.batch.jobs import Job
from glmha_cli.batch.places import Places
from glmha_cli.batch.record import Line, Past, Record, line_of, read_record
from glmha_cli.batch.report import Outcome, Reporter, Summary
from glmha_cli.batch.resume import is_done_meanwhile


class Keeping(Protocol):
    """What a worker needs of whoever keeps the record: a `Keeper`, or in another process one that passes it on."""

    @property
    def reporter(self) -> Reporter: ...

    def keep(self, job: Job, line: Line) -> None:
        """Put a line into the record, if there is one; it is on disk on return."""

    def is_done(self, job: Job) -> bool:
        """Whether another run with this record has made the job's output since this one was planned."""

    def settled(self, outcome: Outcome) -> None:
        """A job is done, has failed or was skipped."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Keeper:
    """See `Keeping`. settings: what outputs depend on beside their inputs, for the record."""

    summary: Summary
    reporter: Reporter
    record: Record | None
    settings: Line
    places: Places = field(default_factory=Places)

    def keep(self, job: Job, line: Line) -> None:
        """With the job's settings, and names that hold elsewhere."""
        if self.record is not None:
            paths = {"input": self.places.name(job.source), "output": self.places.name(job.target)}
            line = {name: self.places.named(value) if isinstance(value, str) else value for name, value in line.items()}
            self.record.append({**line, "settings": settings_for(job, self.settings), **paths})

    def is_done(self, job: Job) -> bool:
        if self.record is None:
            return False
        past = read_record(self.record.path).get(self.places.name(job.target), Past())
        return is_done_meanwhile(job, past, self.settings)

    def settled(self, outcome: Outcome) -> None:
        self.recorded(outcome)  # on record first: telling it may fail
        self.told(outcome)

    def recorded(self, outcome: Outcome) -> None:
        if outcome.status != "skipped":
            self.keep(outcome.job, line_of(outcome))

    def told(self, outcome: Outcome) -> None:
        self.summary.add(outcome)
        self.reporter.settled(outcome)
