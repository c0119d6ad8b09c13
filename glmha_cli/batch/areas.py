"""Masks of the areas to restore: one for all photos, or a folder of them by the photos' names."""

import os
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from glmha_cli.batch.checks import require_file
from glmha_cli.batch.companions import with_companions
from glmha_cli.batch.files import FileOptions
from glmha_cli.batch.inputs import Found
from glmha_cli.batch.jobs import Job
from glmha_cli.batch.record import Line
from glmha_cli.errors import NoInputError, UsageError
from glmha_cli.io.photos.formats import readable_suffixes
from glmha_cli.tasks.base import Task
from glmha_cli.weights.integrity import sha256_of


def require_areas(task: Task, files: FileOptions) -> None:
    """UsageError where results are no corrected photos, NoInputError where the masks are not there."""
    if not task.restores_photos and (files.only is not None or files.strength != 1):
        raise UsageError(
            f"{task.name} does not restore photos, so --strength and --only have no meaning", "leave them out"
        )
    if files.only is not None and not os.path.isdir(files.only):
        require_file(files.only)


def without_areas(found: Iterable[Found], only: Path | None) -> Iterable[Found]:
    """Inputs but those that are masks."""
    if only is None:
        return found
    masks = Path(os.path.realpath(only))
    return (each for each in found if not Path(os.path.realpath(each.path)).is_relative_to(masks))


def areas_of(jobs: Iterable[Job]) -> Iterator[Path]:
    """The masks of jobs."""
    return (job.area for job in jobs if job.area is not None)


def with_area(job: Job, only: Path | None) -> Job:
    """The job with its mask; in a folder a mask has its photo's name, below the folder as the photo's, and any suffix,
    in small or capital letters. Accents may be spelt in another way (NFC, NFD) than in the photo's.

    A job whose mask is missing has that problem.
    """
    if only is None or job.problem is not None:
        return job
    area = _mask_in(only, job) if os.path.isdir(only) else only
    if area is not None:
        return replace(job, area=area)
    wanted = only / job.relative.with_suffix(".png")
    problem = NoInputError(f"no mask for '{job.source}' in '{only}'", f"paint '{wanted}', white to restore all")
    return replace(job, problem=problem)


def _mask_in(folder: Path, job: Job) -> Path | None:
    suffixes = dict.fromkeys([".png", job.relative.suffix, *readable_suffixes()])
    name = str(job.relative)
    spellings = dict.fromkeys([name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)])
    candidates = (
        (folder / spelling).with_suffix(each)
        for spelling in spellings
        for suffix in suffixes
        for each in (suffix, suffix.upper())
    )
    return next((path for path in candidates if os.path.isfile(path)), None)


def files_for(job: Job, files: FileOptions) -> FileOptions:
    """How this one job's files are read and written."""
    return with_companions(job, replace(files, only=job.area))


def settings_for(job: Job, settings: Line) -> Line:
    """All that this one output depends on beside its input: of the mask its content."""
    if job.area is None:
        return settings
    with suppress(OSError):  # what cannot be read fails when it is its turn
        status = os.stat(job.area)
        return {**settings, "only": _hash(job.area, status.st_mtime_ns, status.st_size)}
    return settings


@lru_cache(maxsize=1)
def _hash(area: Path, mtime_ns: int, size_bytes: int) -> str:
    """Of a mask as it is now: one for all photos is read once."""
    return sha256_of(area)
