"""The record of a run: one JSON object a line, on disk before the next file begins, and what it proves later."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from glmha_cli.batch.jobs import Job
from glmha_cli.batch.report import Outcome
from glmha_cli.errors import BadDataError, CannotCreateError, OutputError, one_line
from glmha_cli.io.cubes.cube import files_of
from glmha_cli.io.guard import require_readable
from glmha_cli.weights.integrity import sha256_of

WRITING = "writing"
_START = b'{"time": "'
Line = Mapping[str, Any]


class Record:
    """A record that is appended to. Several processes may share one: each line is written at once."""

    def __init__(self, path: Path) -> None:
        """CannotCreateError where no such file can be made, BadDataError for a file that is no record."""
        content = _content(path)
        try:
            self.file = path.open("ab", buffering=0)
        except OSError as error:
            raise CannotCreateError(f"record '{path}' cannot be written: {error.strerror or error}") from error
        self.path = path
        if content and not content.endswith(b"\n"):  # a line torn by a crash: what follows it stays readable
            self._write(b"\n")

    def append(self, line: Line) -> None:
        """Flushed and synced on return; OutputError if it could not be."""
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._write(json.dumps({"time": moment, **line}).encode() + b"\n")

    def _write(self, line: bytes) -> None:
        try:
            if self.file.write(line) != len(line):
                raise OSError("disk full")
            os.fsync(self.file.fileno())
        except OSError as error:
            raise OutputError(f"record '{self.path}' could not be written: {error.strerror or error}") from error


def read_record(path: Path) -> dict[str, Line]:
    """What holds for each output, by its absolute path; empty if there is no record yet. Torn lines are left out.

    That is its last line, but a failure leaves an output as it was: there, the one that says how it was made.
    """
    lines, made = {}, {}
    for text in _content(path).splitlines():
        try:
            line = json.loads(text)
            output = os.path.abspath(line["output"])
        except (ValueError, TypeError, KeyError):
            continue
        if line.get("status") == "ok":
            made[output] = line
        lines[output] = made.get(output, line) if line.get("status") == "failed" else line
    return lines


def _content(path: Path) -> bytes:
    """What is in the file, nothing if there is none; BadDataError if it is no record."""
    try:
        content = path.read_bytes() if os.path.exists(path) else b""
    except OSError as error:
        raise CannotCreateError(f"record '{path}' cannot be opened: {error.strerror or error}") from error
    if content[: len(_START)] != _START[: len(content)]:
        raise BadDataError(f"'{path}' is not the record of a run", "--record run.jsonl")
    return content


def line_of(outcome: Outcome) -> dict[str, Any]:
    """What is told of an outcome, with the paths as they were given."""
    line = {"input": str(outcome.job.source), "output": str(outcome.job.target), "status": outcome.status}
    if outcome.status in ("ok", "failed"):
        line |= {"seconds": round(outcome.seconds, 3), **outcome.details}
    return line if outcome.error is None else {**line, "reason": one_line(outcome.error)}


def input_identity(path: Path) -> dict[str, Any]:
    """What tells an input from a changed one. Raises NoInputError."""
    require_readable(path)
    status = path.stat()
    return {"input_bytes": status.st_size, "input_mtime_ns": status.st_mtime_ns, "input_sha256": sha256_of(path)}


def output_identity(target: Path) -> dict[str, Any]:
    """sha256 of an output, and under `also` by name those of the files that belong to it."""
    also = {path.name: sha256_of(path) for path in files_of(target) if path != target}
    return {"sha256": sha256_of(target), **({"also": also} if also else {})}


def split_done(jobs: Iterable[Job], lines: Mapping[str, Line], settings: Line) -> tuple[list[Job], list[Job]]:
    """The jobs that record and files together prove done, and the others.

    Of the others, those whose output is this record's own may replace it: cut off while it was written, or made of
    another input or with other settings. A file that was changed since, or is someone else's, may not be replaced.
    """
    done, open_jobs = [], []
    for job in jobs:
        line = lines.get(os.path.abspath(job.target), {})
        intact = job.problem is None and line.get("status") == "ok" and _is_intact(job.target, line)
        if intact and _is_same_work(job.source, line, settings):
            done.append(job)
        else:
            ours = intact or line.get("status") == WRITING
            open_jobs.append(replace(job, overwrite=job.overwrite or ours))
    return done, open_jobs


def _is_intact(target: Path, line: Line) -> bool:
    try:
        return all(line.get(name) == value for name, value in output_identity(target).items())
    except OSError:
        return False


def _is_same_work(source: Path, line: Line, settings: Line) -> bool:
    """Same settings and same input, told by size and time, or where a copy has another time, by its content."""
    try:
        status = source.stat()
        if line.get("settings") != settings or line.get("input_bytes") != status.st_size:
            return False
        return line.get("input_mtime_ns") == status.st_mtime_ns or line.get("input_sha256") == sha256_of(source)
    except OSError:  # what cannot be read fails when it is its turn
        return False
