"""A batch: planned as a whole, its weights found, and only then the network loaded and the files done."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from glmha_cli import __version__
from glmha_cli.batch.checks import make_folder, require_free
from glmha_cli.batch.cluster.driver import outcomes_on
from glmha_cli.batch.doing import Setup, outcomes_of
from glmha_cli.batch.jobs import Job
from glmha_cli.batch.keeper import Keeper
from glmha_cli.batch.places import Places, Remote
from glmha_cli.batch.plan import Plan, make_plan
from glmha_cli.batch.record import Record
from glmha_cli.batch.remote import staged
from glmha_cli.batch.report import SILENT, Outcome, Reporter, Summary
from glmha_cli.batch.request import BatchRequest
from glmha_cli.batch.resume import Known, resumed
from glmha_cli.batch.streams import through_files
from glmha_cli.inference.loader import Loader
from glmha_cli.weights.store import Weights


def run(request: BatchRequest, loader: Loader, reporter: Reporter = SILENT) -> Summary:
    """Restore files, or standard streams by way of files, with the loader's model.

    A file that fails costs itself alone and is in the summary's `failures`; only of a single one the error is raised.
    Raises GlmhaError for a request that cannot be done at all; nothing has been written then.
    """
    if not request.uses_urls:
        return _by_files(request, loader, reporter, Places())
    with staged(request, reporter) as (here, stage):
        return _by_files(here, loader, reporter, Remote(stage))


def _by_files(request: BatchRequest, loader: Loader, reporter: Reporter, places: Places) -> Summary:
    if not request.uses_streams:
        return _Run(request, loader, reporter, places).run()
    with through_files(request, loader.task, reporter) as by_files:
        return _Run(by_files, loader, reporter, places).run()


@dataclass(frozen=True)
class _Run:
    request: BatchRequest
    loader: Loader
    reporter: Reporter
    places: Places

    def run(self) -> Summary:
        request, reporter = self.request, self.reporter
        stage = self.places.stage if isinstance(self.places, Remote) else None
        plan = make_plan(self.loader.task, request, reporter.warning, stage)
        jobs: Iterable[Job] = plan.jobs
        weights = None
        if request.resume and request.record is not None:
            weights = self.loader.find(quick=plan.is_quick(self.loader.engine.tiling), offline=request.dry_run)
            jobs = self.resumed(plan, request.record, weights)
        elif isinstance(plan.jobs, Sequence) and (plan.folder is None or os.path.exists(plan.folder)):
            require_free(jobs)
        if not request.dry_run:
            weights = self.prepare(plan, weights)
        record = Record(request.record) if request.record is not None and not request.dry_run else None
        summary = Summary(
            task=self.loader.task.name,
            total=len(plan.jobs) if isinstance(plan.jobs, Sequence) else 0,
            single=plan.single,
            dry_run=request.dry_run,
            ignored=plan.ignored,
        )
        reporter.started(summary)
        try:
            jobs = jobs if isinstance(plan.jobs, Sequence) else _counted(jobs, summary)
            jobs = self.without_first_done(jobs, summary)
            if request.dry_run:
                self.tell(summary, map(_planned, jobs))
            elif weights is not None and (first := next(jobs, None)) is not None:
                self.work(plan, chain([first], jobs), weights, summary, record)
        finally:
            reporter.finished()
        return summary

    def resumed(self, plan: Plan, record: Path, weights: Weights) -> Iterable[Job]:
        """The jobs as the record leaves them, looked at when it is their turn."""
        known, settings = Known(record), self.settings(weights)
        jobs = (resumed(job, known, settings, self.places, self.request.files) for job in plan.jobs)
        if not plan.single:
            return jobs
        (job,) = jobs
        if job.problem is not None:
            raise job.problem
        return [job]

    def without_first_done(self, jobs: Iterable[Job], summary: Summary) -> Iterator[Job]:
        """The jobs from the first one on that is to be done: while there is none, the network is not needed."""
        jobs = iter(jobs)
        for job in jobs:
            if not job.done:
                yield job
                break
            self.tell(summary, [Outcome(job=job, status="skipped")])
        yield from jobs

    def prepare(self, plan: Plan, weights: Weights | None) -> Weights:
        """All that can fail before the first file: the weights, if they are not there yet, and the folder."""
        weights = weights or self.loader.find(quick=plan.is_quick(self.loader.engine.tiling))
        if plan.folder is not None:
            make_folder(plan.folder)
        return weights

    def settings(self, weights: Weights) -> dict[str, Any]:
        """All that an output depends on beside its input."""
        return {
            "glmha": __version__,
            "task": self.loader.task.name,
            "weights_sha256": weights.sha256,
            **self.loader.settings(),
            **self.request.files.settings(),
        }

    def tell(self, summary: Summary, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            summary.add(outcome)
            self.reporter.settled(outcome)

    def work(self, plan: Plan, jobs: Iterable[Job], weights: Weights, summary: Summary, record: Record | None) -> None:
        """Do the jobs, here or on a cluster, until as many have failed as may fail."""
        request, hashes = self.request, self.request.hashes or record is not None
        settings = {} if record is None else self.settings(weights)
        keeper = Keeper(summary=summary, reporter=self.reporter, record=record, settings=settings, places=self.places)
        setup = Setup(loader=self.loader, weights=weights, files=request.files, sizes=plan.sizes, hashes=hashes)
        if request.cluster is None:
            done = outcomes_of(self.places.ahead(jobs), setup, keeper, self.places)
        else:
            done = outcomes_on(request.cluster, jobs, setup, keeper)
        with closing(done) as outcomes:
            for outcome in outcomes:
                if summary.single and outcome.error is not None:
                    raise outcome.error
                if request.max_failures is not None and len(summary.failures) >= request.max_failures:
                    break


def _counted(jobs: Iterable[Job], summary: Summary) -> Iterator[Job]:
    """Of jobs that are still being listed, how many there are is known at the end."""
    for job in jobs:
        summary.total += 1
        yield job


def _planned(job: Job) -> Outcome:
    if job.done:
        return Outcome(job=job, status="skipped")
    if job.problem is not None:
        return Outcome(job=job, status="failed", error=job.problem)
    return Outcome(job=job, status="planned")
