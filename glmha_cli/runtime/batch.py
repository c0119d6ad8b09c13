"""Many files, one after the other: which output each input gets, and a failure that costs only its own file."""

import os
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glmha_cli.errors import CannotCreateError, GlmhaError, NoInputError, OutputError, UsageError
from glmha_cli.lookup import closest


@dataclass(frozen=True)
class Job:
    """One input file and the output file made of it."""

    source: Path
    target: Path


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a job: `details` of a success, or the `error` of a failure."""

    job: Job
    seconds: float
    details: Mapping[str, Any] = field(default_factory=dict)
    error: GlmhaError | None = None


def plan_file(source: Path, target: Path, *, suffix_for: Callable[[str], str], overwrite: bool) -> list[Job]:
    """The one job of a file, checked as far as possible before any work; into a folder it keeps its name."""
    if not source.is_file():
        raise NoInputError(f"no file '{source}'", _look_alike(source))
    if target.is_dir():
        target = target / (source.stem + suffix_for(source.suffix))
    _require_folder(target.parent)
    _require_free([Job(source, target)], overwrite=overwrite)
    return [Job(source, target)]


def plan_folder(source: Path, target: Path, *, readable: Iterable[str], suffix_for: Callable[[str], str],
                overwrite: bool) -> list[Job]:
    """A job for every readable file directly in `source`, sorted by name. `target` is made if its parent is there.

    Raises, before any work, for two inputs that would get one output and for outputs that exist.
    """
    if target.exists() and not target.is_dir():
        raise UsageError(f"'{source}' is a folder and '{target}' a file", "name an output folder")
    readable = tuple(readable)
    files = sorted(path for path in source.iterdir() if path.is_file() and path.suffix.lower() in readable)
    if not files:
        raise NoInputError(f"no input files in '{source}'", f"looked for {', '.join(readable)}")
    jobs = [Job(path, target / (path.stem + suffix_for(path.suffix))) for path in files]
    _require_no_collision(jobs)
    _require_free(jobs, overwrite=overwrite)
    if not target.exists():
        _require_folder(target.parent)
        target.mkdir()
    _require_folder(target)
    return jobs


def _look_alike(path: Path) -> str:
    """A hint for a missing file: the most similar name beside it."""
    names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    matches = closest(path.name, names)
    return f"did you mean '{path.parent / matches[0]}'?" if matches else "check the path"


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise CannotCreateError(f"folder '{folder}' does not exist", f"mkdir -p {shlex.quote(str(folder))}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CannotCreateError(f"folder '{folder}' is not writable", "name another output")


def _require_no_collision(jobs: Iterable[Job]) -> None:
    by_target: dict[Path, Path] = {}
    for job in jobs:
        if job.target in by_target:
            raise UsageError(f"'{by_target[job.target].name}' and '{job.source.name}' would both become "
                             f"'{job.target.name}'", "rename one of them")
        by_target[job.target] = job.source


def _require_free(jobs: Iterable[Job], *, overwrite: bool) -> None:
    for job in jobs:
        if job.target.exists() and job.target.samefile(job.source):
            raise UsageError(f"output and input are the same file, '{job.source}'", "name another output")
        if job.target.exists() and not overwrite:
            raise CannotCreateError(f"'{job.target}' exists already", "add --overwrite, or name another output")


def run_jobs(jobs: Iterable[Job], work: Callable[[Job], Mapping[str, Any]]) -> Iterator[Outcome]:
    """`work` on each job in turn. A GlmhaError or OSError is that job's outcome; anything else is a bug of ours."""
    for job in jobs:
        start = time.perf_counter()
        try:
            details, error = work(job), None
        except GlmhaError as failure:
            details, error = {}, failure
        except OSError as failure:
            details, error = {}, OutputError(f"'{job.source}': {failure}")
        yield Outcome(job=job, seconds=time.perf_counter() - start, details=details, error=error)
