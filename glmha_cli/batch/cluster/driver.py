"""A batch on a cluster: jobs are given to members, what they call is done here, and lost members cost no file."""

import os
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from glmha_cli import __version__
from glmha_cli.batch.cluster.calls import Call
from glmha_cli.batch.cluster.clerk import Clerk
from glmha_cli.batch.cluster.member import Order
from glmha_cli.batch.cluster.on_ray import Lost, Ray, Reply, Seat
from glmha_cli.batch.cluster.options import Cluster
from glmha_cli.batch.doing import Setup
from glmha_cli.batch.jobs import Job
from glmha_cli.batch.keeper import Keeper
from glmha_cli.batch.places import Remote
from glmha_cli.batch.report import Outcome
from glmha_cli.errors import GlmhaError
from glmha_cli.weights.store import ignore

ATTEMPTS = 3
"""A file fails when so many members were lost with it; the run ends when all were so many times before they had one."""
LOOK_SECONDS = 0.2
"""The longest that finding the next jobs keeps members waiting: their outputs may have to be compared with a record."""
IDLE_SECONDS = 0.5
"""After which a member with nothing to tell answers all the same."""


def outcomes_on(cluster: Cluster, jobs: Iterable[Job], setup: Setup, keeper: Keeper) -> Generator[Outcome, None, None]:
    """Do all jobs on a cluster, as `outcomes_of` does here; outcomes come in the order in which they are known."""
    access = replace(setup.loader.access, say=ignore, progress=False)
    order = Order(
        setup=replace(setup, loader=replace(setup.loader, access=access), hashes=True),
        version=__version__,
        folder=os.getcwd(),
        stage=keeper.places.stage.root if isinstance(keeper.places, Remote) else None,
        uses_gpu=cluster.gpus > 0,
    )
    with Ray(cluster, order, keeper.reporter.warning) as ray:
        yield from _Driver(ray, iter(jobs), Clerk(keeper)).outcomes()


@dataclass(eq=False)
class _Driver:
    """jobs: not looked at yet. again: those whose member was lost; each gets a member of its own, as one of them may
    have been the cause. lost: how often that happened, by output. failed: what has been tried too often.
    fruitless: members lost without a job since one was settled.
    """

    ray: Ray
    jobs: Iterator[Job]
    clerk: Clerk
    seats: list[Seat] = field(default_factory=list)
    again: deque[Job] = field(default_factory=deque)
    lost: dict[Path, int] = field(default_factory=dict)
    failed: list[Outcome] = field(default_factory=list)
    fruitless: int = 0
    has_more: bool = True

    def outcomes(self) -> Generator[Outcome, None, None]:
        try:
            self.seats = self.ray.seats()
            while self.has_more or self.again or self.failed or any(seat.jobs for seat in self.seats):
                yield from self._give()
                calls = self._heard(self.ray.replies(self.seats, IDLE_SECONDS))
                failed, self.failed = self.failed, []
                for outcome in self.clerk.done(calls, failed):
                    self.fruitless = 0
                    yield outcome
        finally:
            self._stop()

    def _give(self) -> Iterator[Outcome]:
        """Jobs to all members that have room; yields what needs no member."""
        end = time.monotonic() + LOOK_SECONDS
        for seat in self.seats:
            if not seat.is_free:
                continue
            if self.again and not seat.jobs:
                seat.add(self.again.popleft())
            while self._has_room(seat) and time.monotonic() < end:
                if (job := next(self.jobs, None)) is None:
                    self.has_more = False
                elif job.done or job.problem is not None:
                    yield self._settled(job)
                else:
                    seat.add(job)
            self.ray.exchange(seat, self.clerk.keeper.places, IDLE_SECONDS if seat.jobs else IDLE_SECONDS / 10)

    def _settled(self, job: Job) -> Outcome:
        """Of a job that is done already, or cannot be done."""
        error = job.problem and job.problem.about(job.source)
        outcome = Outcome(job=job, status="skipped" if error is None else "failed", error=error)
        self.clerk.keeper.settled(outcome)
        return outcome

    def _has_room(self, seat: Seat) -> bool:
        is_alone = any(output in self.lost for output in seat.jobs)
        return self.has_more and not self.again and not is_alone and len(seat.jobs) < seat.room

    def _heard(self, replies: Iterable[tuple[Seat, Reply]]) -> list[tuple[Seat, Call]]:
        calls: list[tuple[Seat, Call]] = []
        for seat, reply in replies:
            match reply:
                case Lost():
                    self._replace(seat, reply)
                case GlmhaError():
                    raise reply
                case int():
                    seat.room = reply
                case _:
                    calls += [(seat, call) for call in reply]
        return calls

    def _replace(self, seat: Seat, lost: Lost) -> None:
        """A member is lost: another comes in its place, and its jobs are done again."""
        self.fruitless += not seat.jobs  # a loss with jobs counts for these
        if self.fruitless >= ATTEMPTS * len(self.seats):
            raise GlmhaError(f"the workers of the cluster end again and again: {lost.reason}", lost.hint)
        self.clerk.keeper.reporter.warning(f"a worker was lost, others do its {len(seat.jobs)} files ({lost.reason})")
        self.seats[self.seats.index(seat)] = self.ray.seat()
        for output, job in seat.jobs.items():
            self.lost[output] = self.lost.get(output, 0) + 1
            if self.lost[output] < ATTEMPTS:
                self.again.append(replace(job, own=job.own | self.clerk.left.pop(output, frozenset())))
                continue
            error = GlmhaError(f"'{job.source}': {ATTEMPTS} workers were lost with it ({lost.reason})", lost.hint)
            self.failed.append(Outcome(job=job, status="failed", error=error))

    def _stop(self) -> None:
        """What members have begun to move into place is there in the end, and on record; the rest is dropped."""
        last = self.ray.stopped(self.seats)
        self.clerk.done((seat, call) for seat, calls in last for call in calls if call.is_success)
