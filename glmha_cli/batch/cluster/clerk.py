"""What the members of a cluster call is done by the driver's process: it alone writes the record."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glmha_cli.batch.cluster.calls import Call
from glmha_cli.batch.cluster.on_ray import Seat
from glmha_cli.batch.keeper import Keeper
from glmha_cli.batch.record import Line, hashes_in
from glmha_cli.batch.report import Outcome, Status
from glmha_cli.errors import GlmhaError


@dataclass(eq=False)
class Clerk:
    """left: sha256 of what members may have left in place of an output, whose job is not settled yet.

    The methods with an underscore are those of `Calls`, by name.
    """

    keeper: Keeper
    left: dict[Path, frozenset[str]] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)

    def done(self, calls: Iterable[tuple[Seat, Call]], failed: Iterable[Outcome] = ()) -> list[Outcome]:
        """Do the calls; returns the outcomes among them and those of `failed`. What goes on record with all of them is
        on disk before the first is told, or an answer given.
        """
        self.outcomes = list(failed)
        with self._at_once():
            for seat, call in calls:
                answer = getattr(self, f"_{call.name}")(seat, *call.arguments)
                if call.number is not None:
                    seat.answers[call.number] = answer
            for outcome in self.outcomes:
                self.keeper.recorded(outcome)
        for outcome in self.outcomes:
            self.keeper.told(outcome)
        return self.outcomes

    def _at_once(self) -> AbstractContextManager[None]:
        return nullcontext() if self.keeper.record is None else self.keeper.record.at_once()

    def _keep(self, seat: Seat, output: Path, line: Line) -> None:
        self.keeper.keep(seat.jobs[output], line)
        self.left[output] = self.left.get(output, frozenset()) | hashes_in(line)

    def _is_done(self, seat: Seat, output: Path) -> bool:
        return self.keeper.is_done(seat.jobs[output])

    def _settled(
        self,
        seat: Seat,
        output: Path,
        status: Status,
        seconds: float,
        details: Mapping[str, Any],
        error: GlmhaError | None,
    ) -> None:
        self.left.pop(output, None)
        job = seat.jobs.pop(output)
        self.outcomes.append(Outcome(job=job, status=status, seconds=seconds, details=details, error=error))

    def _tiles(self, seat: Seat, output: Path, done: int, total: int) -> None:
        self.keeper.reporter.tiles(seat.jobs[output], done, total)

    def _remark(self, seat: Seat, source: Path, text: str) -> None:
        self.keeper.reporter.remark(source, text)

    def _note(self, seat: Seat, text: str) -> None:
        self.keeper.reporter.note(text)

    def _warning(self, seat: Seat, text: str) -> None:
        self.keeper.reporter.warning(text)

    def _broken(self, seat: Seat, error: GlmhaError) -> None:
        raise error
