"""A run as the command line tells it: file by file as it happens, with bars, and summed up at the end."""

from contextlib import ExitStack
from pathlib import PurePath

from rich.progress import Progress, TaskID

from glmha_cli.batch.jobs import Job
from glmha_cli.batch.record import line_of
from glmha_cli.batch.report import Outcome, Reporter, Summary
from glmha_cli.cli.output import Output
from glmha_cli.cli.pace import Pace
from glmha_cli.errors import one_line


class Tally(Reporter):
    """Lines on stderr, JSON on stdout. A single file's failure is the command's, and nothing is summed up."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self.summary: Summary  # from `started` on
        self.bars: Bars | None = None
        self.pace = Pace()

    def rename(self, path: str, name: str) -> None:
        self.output.names[path] = name

    def note(self, text: str) -> None:
        self.output.note(text)

    def remark(self, path: PurePath, text: str) -> None:
        self.output.remark(path, text)

    def warning(self, text: str) -> None:
        self.output.warning(text)

    def started(self, summary: Summary) -> None:
        self.summary, self.pace = summary, Pace()

    def tiles(self, job: Job, done: int, total: int) -> None:
        self.bars = self.bars or Bars(self.output, self.summary)
        self.bars.tiles(job, done, total)

    def settled(self, outcome: Outcome) -> None:
        job = outcome.job
        match outcome.status:
            case "ok":
                self.output.note(f"{job.source} -> {job.target} ({outcome.seconds:.1f} s)")
            case "skipped" if self.summary.single:
                self.output.note(f"{job.source} -> {job.target} is done already")
            case "planned" if not self.output.as_json:
                self.output.line(f"{job.source} -> {job.target}")
            case "failed" if outcome.error is not None and not self.summary.single:
                self.output.error(outcome.error)
        self.output.record(line_of(outcome))
        self.pace.settled(outcome)
        if self.bars is not None:
            self.bars.settled(job, str(self.pace))
        if not self.output.shows_bars and not self.summary.single and self.summary.not_tried and self.pace.is_due():
            self.output.note(self.pace.progress(self.summary))

    def finished(self) -> None:
        """N done, N skipped, N failed, and which ones and why."""
        if self.bars is not None:
            self.bars.close()
        summary = self.summary
        failed = len(summary.failures)
        if summary.dry_run:
            self.output.note(f"{summary.planned} to do, {summary.skipped} skipped, {failed} refused")
        elif not summary.single:
            not_tried = f", {summary.not_tried} not tried" if summary.not_tried else ""
            self.output.note(f"{summary.done} done, {summary.skipped} skipped, {failed} failed{not_tried}")
            for error in filter(None, (outcome.error for outcome in summary.failures)):
                self.output.note(f"  failed: {one_line(error)}")
        if summary.ignored:
            self.output.note(f"ignored: {summary.ignored}")


class Bars:
    """One bar for the files of a run, and one for the tiles of each file that is computed."""

    def __init__(self, output: Output, summary: Summary) -> None:
        self.closing, self.name = ExitStack(), summary.task
        self.progress: Progress = self.closing.enter_context(output.progress())
        settled = summary.total - summary.not_tried
        self.files = self.progress.add_task(
            summary.task, total=summary.total, completed=settled, visible=not summary.single
        )
        self.of_jobs: dict[Job, TaskID] = {}

    def tiles(self, job: Job, done: int, total: int) -> None:
        if job not in self.of_jobs:
            self.of_jobs[job] = self.progress.add_task(f"{job.source.name}: tiles")
        self.progress.update(self.of_jobs[job], completed=done, total=total)
        if done == total:
            self._remove(job)

    def settled(self, job: Job, pace: str) -> None:
        """pace: of the whole run, shown beside its name."""
        self._remove(job)
        self.progress.update(self.files, advance=1, description=f"{self.name}: {pace}" if pace else self.name)

    def _remove(self, job: Job) -> None:
        if job in self.of_jobs:
            self.progress.remove_task(self.of_jobs.pop(job))

    def close(self) -> None:
        self.closing.close()
