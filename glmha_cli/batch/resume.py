"""What a record proves done, and which outputs its next run may replace."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from glmha_cli.batch.areas import settings_for
from glmha_cli.batch.companions import companions_of, files_written
from glmha_cli.batch.files import FileOptions
from glmha_cli.batch.jobs import Job
from glmha_cli.batch.places import Places, is_one_of
from glmha_cli.batch.record import Line, Past, read_record
from glmha_cli.errors import CannotCreateError, GlmhaError


class Known:
    """What a record tells, read again where it may have more to tell: a run beside this one goes on writing it."""

    def __init__(self, record: Path) -> None:
        self.record, self.size = record, -1
        self.pasts: Mapping[str, Past] = {}
        self.has_more()

    def has_more(self) -> bool:
        """Whether there was more to read; it is read then."""
        size = self.record.stat().st_size if self.record.exists() else 0
        if size == self.size:
            return False
        self.size, self.pasts = size, read_record(self.record)
        return True


def resumed(job: Job, known: Known, settings: Line, places: Places, files: FileOptions) -> Job:
    """The job as the record leaves it: done, where record and files together prove that.

    Else, an output that is this record's own may be replaced: cut off while it was written, or made of another input
    or with other settings. One whose output was changed since, or is someone else's, has a problem.
    """
    found = _resumed(job, known.pasts, settings, places, files)
    if found.problem is job.problem or not known.has_more():
        return found
    return _resumed(job, known.pasts, settings, places, files)


def _resumed(job: Job, pasts: Mapping[str, Past], settings: Line, places: Places, files: FileOptions) -> Job:
    past = pasts.get(places.name(job.target), Past())
    if job.problem is None and _is_done(job, past.line, settings, places) and _has_companions(job, past.line, files):
        return replace(job, done=True)
    return _reopened(job, past, places, files)


def _is_done(job: Job, line: Line, settings: Line, places: Places) -> bool:
    """Whether the output is as the line says, of the same input and made with the same settings.

    The input is told by size and time, or where a copy has another time, by its content.
    """
    if line.get("status") != "ok" or line.get("settings") != settings_for(job, settings):
        return False
    try:
        return places.is_output(job.target, line) and places.is_input(job.source, line)
    except (OSError, GlmhaError):  # what cannot be read fails when it is its turn
        return False


def _has_companions(job: Job, line: Line, files: FileOptions) -> bool:
    """Whether all that is to be written beside the output is as the line says."""
    hashes = line.get("beside", {})
    return all(is_one_of(path, [hashes.get(os.path.abspath(path), "")]) for path in companions_of(job, files))


def _reopened(job: Job, past: Past, places: Places, files: FileOptions) -> Job:
    taken = [path for path in files_written(job, files) if places.is_taken(path)]
    if not taken or job.overwrite or job.problem is not None:
        return job
    foreign = [path for path in taken if not places.is_one_of(path, past)]
    if not foreign:
        return replace(job, own=past.hashes)
    problem = CannotCreateError(
        f"'{foreign[0]}' exists already, and was not written by the run of this record",
        "--overwrite, or move it elsewhere",
    )
    return replace(job, problem=problem)


def is_done_meanwhile(job: Job, past: Past, settings: Line) -> bool:
    """Whether a run beside this one, with the same settings, has made the output since this one was planned."""
    return past.line.get("settings") == settings_for(job, settings) and is_one_of(job.target, past.hashes)
