"""What became of the files of a run: said one by one as it happens, and summed up at the end."""

from collections.abc import Iterable

from glmha_cli.batch.jobs import Job
from glmha_cli.batch.pipeline import Outcome
from glmha_cli.batch.record import FAILED, OK, Line
from glmha_cli.cli.output import Output, one_line

SOME_FAILED = 1


class Tally:
    """total: files of the run. single: one file was named; its failure is the command's, and nothing is summed up."""

    def __init__(self, output: Output, *, total: int, single: bool) -> None:
        self.output, self.total, self.single = output, total, single
        self.done = self.skipped = 0
        self.failures: list[Outcome] = []

    @property
    def exit_code(self) -> int:
        return SOME_FAILED if self.failures else 0

    def skip(self, jobs: Iterable[Job]) -> None:
        """Those that an earlier run has done."""
        for job in jobs:
            self.skipped += 1
            self.output.record({**_paths(job), "status": "skipped"})
            if self.single:
                self.output.note(f"{job.source} -> {job.target} is done already")

    def add(self, outcome: Outcome) -> None:
        """Say and count it."""
        if outcome.error is None:
            self.done += 1
            self.output.note(f"{outcome.job.source} -> {outcome.job.target} ({outcome.seconds:.1f} s)")
        else:
            self.failures.append(outcome)
            if not self.single:
                self.output.error(outcome.error)
        self.output.record({**_paths(outcome.job), **line_of(outcome)})

    def show(self, jobs: Iterable[Job]) -> int:
        """The plan on stdout, what is refused on stderr; the exit code that the run would have at best."""
        for job in jobs:
            if job.problem is not None:
                self.add(Outcome(job=job, seconds=0, error=job.problem))
                continue
            self.output.record({**_paths(job), "status": "planned"})
            if not self.output.as_json:
                self.output.line(f"{job.source} -> {job.target}")
        self.output.note(
            f"{self.total - self.skipped - len(self.failures)} to do, {self.skipped} skipped, "
            f"{len(self.failures)} refused"
        )
        return self.exit_code

    def summarise(self) -> None:
        """N done, N skipped, N failed, and which ones and why."""
        if self.single:
            return
        left = self.total - self.done - self.skipped - len(self.failures)
        not_tried = f", {left} not tried" if left else ""
        self.output.note(f"{self.done} done, {self.skipped} skipped, {len(self.failures)} failed{not_tried}")
        for outcome in self.failures:
            self.output.note(f"  failed: {one_line(outcome.error)}")


def line_of(outcome: Outcome) -> Line:
    """What is told of it beside the paths."""
    line = {"seconds": round(outcome.seconds, 3)}
    if outcome.error is None:
        return {**line, "status": OK, **outcome.details}
    return {**line, "status": FAILED, "reason": one_line(outcome.error)}


def _paths(job: Job) -> dict[str, str]:
    return {"input": str(job.source), "output": str(job.target)}
