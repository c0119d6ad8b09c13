"""Many files through read, compute and write, which overlap: while one is computed, the next is read and the last
written. Small ones are computed side by side.

At most three are in memory, or two and those side by side. Outcomes come in the order of the jobs; the failure of one
file does not affect the others.
"""

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from glmha_cli.batch.jobs import Job
from glmha_cli.batch.report import Outcome
from glmha_cli.errors import GlmhaError, OutputError
from glmha_cli.lookahead import ahead


class Skip(Exception):  # noqa: N818 - nothing went wrong
    """Raised by a stage of a job that needs nothing more: another run has done it meanwhile."""


class Work(Protocol):
    """What is done with each job. `read` runs in a thread, `compute` in the caller's (or in several, side by side),
    `write` and `settled` in a third."""

    def read(self, job: Job) -> Any: ...

    def compute(self, job: Job, source: Any) -> Any: ...

    def write(self, job: Job, result: Any) -> Mapping[str, Any]: ...

    def stop(self) -> None:
        """Called once, when no more jobs are to be read; a `read` that is under way may be given up."""

    def settled(self, outcome: Outcome) -> None:
        """Called for every job, in their order, as soon as it is done or has failed."""


@dataclass(frozen=True, kw_only=True)
class _Step:
    """What a job has come to so far."""

    value: Any = None
    error: GlmhaError | Skip | None = None
    seconds: float = 0.0

    def then(self, function: Callable[..., Any], job: Job, *arguments: Any) -> "_Step":
        """The next step; after a failure there is none."""
        if self.error is not None:
            return self
        start = time.perf_counter()
        value, error = _attempted(function, job, *arguments)
        return _Step(value=value, error=error, seconds=self.seconds + time.perf_counter() - start)


def _attempted(function: Callable[..., Any], job: Job, *arguments: Any) -> tuple[Any, GlmhaError | Skip | None]:
    """Any failure becomes the file's own, even a bug of ours: it must not cost the thousand files behind it."""
    try:
        return function(job, *arguments), None
    except Skip as skip:
        return None, skip
    except GlmhaError as error:
        return None, error.about(job.source)
    except OSError as error:
        return None, _caused_by(error, OutputError(f"'{job.source}': {error}"))
    except MemoryError as error:
        return None, _caused_by(
            error, GlmhaError(f"'{job.source}' needs more memory than this machine has free", "--tile 128")
        )
    except Exception as error:
        message = f"'{job.source}': internal error ({type(error).__name__}: {error})"
        return None, _caused_by(
            error, GlmhaError(message, "please report it, with the traceback that --debug prints for this file alone")
        )


def _caused_by(cause: Exception, error: GlmhaError) -> GlmhaError:
    error.__cause__ = cause
    return error


def run_jobs(jobs: Iterable[Job | None], work: Work, *, side_by_side: int = 1) -> Generator[Outcome, None, None]:
    """Do all jobs, as far as the outcomes are asked for: after the last one taken, nothing more is written.

    jobs: None among them says that the next is not at hand yet; those before it are then done without waiting for it.
    side_by_side: how many are computed at the same time.
    Interrupted, or closed early, it lets the file that is being written be finished and drops the others.
    """
    computers = _threads("computer", side_by_side) if side_by_side > 1 else _Caller()
    with _threads("reader") as reader, computers, _threads("writer") as writer:
        try:
            behind: Future[Outcome] | None = None
            read = (
                None if job is None else (job, reader.submit(_Step(error=job.problem).then, work.read, job))
                for job in jobs
            )
            computed = (each and (each[0], computers.submit(_computed, *each, work)) for each in ahead(read, 1))
            for each in ahead(computed, side_by_side - 1):
                done = None if each is None else (each[0], each[1].result())
                if behind is not None:
                    yield behind.result()
                behind = None if done is None else writer.submit(_settle, *done, work)
                del done, each  # the writer has them; a large photo must not live longer
            if behind is not None:
                yield behind.result()
        finally:
            work.stop()
            for stage in (reader, computers, writer):
                stage.shutdown(wait=False, cancel_futures=True)


def _threads(name: str, num: int = 1) -> Executor:
    """Threads for one stage; where the system gives no more threads, the stage is done by whoever submits it."""
    executor = ThreadPoolExecutor(num, name)
    try:
        executor.submit(int).result()
    except RuntimeError:
        return _Caller()
    return executor


class _Caller(Executor):
    """Does what is submitted at once."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(function(*arguments, **options))
        return future


def _computed(job: Job, reading: Future[_Step], work: Work) -> _Step:
    step = reading.result()
    return step.then(work.compute, job, step.value)


def _settle(job: Job, step: _Step, work: Work) -> Outcome:
    step = step.then(work.write, job, step.value)
    if step.error is None:
        outcome = Outcome(job=job, status="ok", seconds=step.seconds, details=step.value or {})
    elif isinstance(step.error, Skip):
        outcome = Outcome(job=job, status="skipped")
    else:
        outcome = Outcome(job=job, status="failed", seconds=step.seconds, error=step.error)
    work.settled(outcome)
    return outcome
