"""Which output each input gets. Nothing is opened, created or loaded."""

import os
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath

from glmha_cli.batch.checks import refuse_inputs_as_outputs, require_file, require_folder, require_free, require_short
from glmha_cli.batch.inputs import Found
from glmha_cli.batch.jobs import Job, Naming
from glmha_cli.errors import CannotCreateError, UsageError


def plan_file(source: Path, target: Path, *, suffix_for: Callable[[str], str], overwrite: bool) -> list[Job]:
    """The one job of a file, checked as far as possible before any work; into a folder it keeps its name."""
    require_file(source)
    if os.path.isdir(target):
        target = target / (source.stem + suffix_for(source.suffix))
    require_folder(target.parent)
    job = Job(source, target, PurePath(source.name), overwrite)
    refuse_inputs_as_outputs([job])
    require_free([job])
    return [job]


def plan_batch(
    found: Iterable[Found], folder: Path, naming: Naming, *, overwrite: bool, others: Iterable[Path] = ()
) -> list[Job]:
    """A job for each input, its output in `folder` under the same relative path. Nothing is created.

    Raises UsageError for two inputs with one output, and for an output that is an input or one of `others`.
    """
    real_folder = os.path.realpath(folder)
    jobs = dict.fromkeys(_job(each, folder, real_folder, naming, overwrite) for each in found)
    sound = [job for job in jobs if job.problem is None]
    _refuse_collisions(sound)
    refuse_inputs_as_outputs(sound, others)
    return list(jobs)


def _job(found: Found, folder: Path, real_folder: str, naming: Naming, overwrite: bool) -> Job:
    problem = found.problem
    target = folder / (naming(found.relative) if problem is None else found.relative)
    if problem is None:
        try:
            require_short(target)
            naming.require_writable(target)
            if not Path(os.path.realpath(target.parent)).is_relative_to(real_folder):
                problem = CannotCreateError(f"'{target}' lies outside '{folder}', because of a link", "remove the link")
        except (UsageError, CannotCreateError) as error:
            problem = error.about(found.path)
    return Job(found.path, target, found.relative, overwrite, problem)


def _refuse_collisions(jobs: Iterable[Job]) -> None:
    """On every system alike, as results are copied to disks that ignore case or spell accents in one way (macOS)."""
    by_name: dict[str, Job] = {}
    for job in jobs:
        other = by_name.setdefault(unicodedata.normalize("NFC", str(job.target)).casefold(), job)
        if other is not job:
            same = (
                ""
                if other.target == job.target
                else f" and '{other.target}', one file where case or accents are not told apart"
            )
            raise UsageError(
                f"'{other.source}' and '{job.source}' would both become '{job.target}'{same}",
                _way_out(other, job),
            )


def _way_out(*jobs: Job) -> str:
    """Of two jobs with one output: names of another extension than their inputs' can keep that of the input."""
    changed = [job for job in jobs if job.source.suffix.lower() != job.target.suffix.lower()]
    if len({job.source.suffix.lower() for job in jobs}) < 2 or not changed:
        return "rename one of them, or name their common folder as the input"
    return f"--keep-ext makes '{changed[0].source.name}{changed[0].target.suffix}' of '{changed[0].source}'"
