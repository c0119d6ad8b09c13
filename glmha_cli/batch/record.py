"""The record of a run: one JSON object a line, on disk before the next file begins, and what it proves later."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from glmha_cli.batch.report import Outcome
from glmha_cli.errors import BadDataError, CannotCreateError, OutputError, UsageError, one_line
from glmha_cli.io.atomic import refuse_existing
from glmha_cli.io.cubes.cube import files_of
from glmha_cli.io.guard import require_readable
from glmha_cli.io.remote.url import is_url
from glmha_cli.weights.integrity import sha256_of

WRITING = "writing"
START = b'{"time": "'
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
        self.held: list[bytes] | None = None
        if content and not content.endswith(b"\n"):  # a line torn by a crash: what follows it stays readable
            self._write(b"\n")

    def append(self, line: Line) -> None:
        """Flushed and synced on return; OutputError if it could not be."""
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._write(json.dumps({"time": moment, **line}).encode() + b"\n")

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Lines appended inside are flushed and synced together, on leaving."""
        self.held = []
        try:
            yield
        finally:
            held, self.held = self.held, None
            if held:
                self._write(b"".join(held))

    def _write(self, line: bytes) -> None:
        if self.held is not None:
            self.held.append(line)
            return
        try:
            if self.file.write(line) != len(line):
                raise OSError("disk full")
            os.fsync(self.file.fileno())
        except OSError as error:
            raise OutputError(f"record '{self.path}' could not be written: {error.strerror or error}") from error


@dataclass(frozen=True)
class Past:
    """What a record tells of an output.

    line: the last one, but a failure leaves an output as it was: there, the one that says how it was made.
    hashes: sha256 of all that the record's runs can have left there: of what was done last, and of what was being
    moved into place since.
    """

    line: Line = field(default_factory=dict)
    hashes: frozenset[str] = frozenset()

    def then(self, line: Line) -> "Past":
        match line.get("status"):
            case "failed" if self.line.get("status") == "ok":
                return self
            case "ok":
                return Past(line, hashes_in(line))
            case _:
                return Past(line, self.hashes | hashes_in(line))


def read_record(path: Path) -> dict[str, Past]:
    """What is known of each output, by its absolute path; empty if there is no record yet. Torn lines are left out."""
    pasts: dict[str, Past] = {}
    for line in parsed(_content(path).splitlines()):
        output = place_of(line["output"])
        with suppress(AttributeError, TypeError):  # a value that is none of ours
            pasts[output] = pasts.get(output, Past()).then(line)
    return pasts


def require_name(record: Path, taken: Iterable[str]) -> None:
    """UsageError for a new record that is called as inputs and outputs are, one of which would take its place.

    taken: the extensions of those.
    """
    if record.suffix.lower() in taken and not os.path.lexists(record):
        raise UsageError(f"'{record}' is the name of an input or an output, not of a record", "--record run.jsonl")


def place_of(name: str) -> str:
    """What a record calls a file: its absolute path, or its URL."""
    return name if is_url(name) else os.path.abspath(name)


def parsed(texts: Iterable[bytes]) -> Iterator[Line]:
    """The lines of a record that tell of an output; torn ones, and those with names that no file has, are left out."""
    for text in texts:
        with suppress(ValueError, TypeError, KeyError, RecursionError):
            line = json.loads(text)
            if all(map(_is_name, (line["output"], line.get("input", "")))):
                yield line


def _is_name(value: Any) -> bool:
    """Whether a file may be called so. Raises ValueError for text that no bytes can be."""
    return isinstance(value, str) and b"\0" not in value.encode(errors="surrogateescape")


def begins_record(first: bytes) -> bool:
    """Whether a file with this first line, its end with it, is a record: as a run begins one, be it cut short, or as
    tools for JSON write its lines anew.
    """
    as_written = first[: len(START)] == START[: len(first)]
    return as_written or any({"time", "status"} <= line.keys() for line in parsed([first]))


def hashes_in(line: Line) -> frozenset[str]:
    """sha256 of all files of the output that a line tells of, and of those beside it."""
    others = (line.get("also", {}), line.get("beside", {}))
    return frozenset(each for each in (line.get("sha256"), *chain(*(each.values() for each in others))) if each)


def _content(path: Path) -> bytes:
    """What is in the file, nothing if there is none; BadDataError if it is no record, CannotCreateError for a device or
    a pipe, which would wait for whoever writes into it.
    """
    refuse_existing(path, overwrite=True)
    try:
        content = path.read_bytes() if os.path.exists(path) else b""
    except OSError as error:
        raise CannotCreateError(f"record '{path}' cannot be opened: {error.strerror or error}") from error
    if not begins_record(b"".join(content.partition(b"\n")[:2])):
        raise BadDataError(f"'{path}' is not a record of glmha", "--record run.jsonl")
    return content


def line_of(outcome: Outcome) -> dict[str, Any]:
    """What is told of an outcome, with the paths as they were given."""
    line: dict[str, Any] = {
        "input": str(outcome.job.source),
        "output": str(outcome.job.target),
        "status": outcome.status,
    }
    if outcome.status in ("ok", "failed"):
        line |= {"seconds": round(outcome.seconds, 3), **outcome.details}
    return line if outcome.error is None else {**line, "reason": one_line(outcome.error)}


def input_identity(path: Path) -> dict[str, Any]:
    """What tells an input from a changed one. Raises NoInputError."""
    require_readable(path)
    status = path.stat()
    return {"input_bytes": status.st_size, "input_mtime_ns": status.st_mtime_ns, "input_sha256": sha256_of(path)}


def output_identity(target: Path, hashes: Mapping[Path, str]) -> dict[str, Any]:
    """sha256 of an output, under `also` by name those of the files that belong to it, and under `beside` by absolute
    path those of other files that were made with it; as far as `hashes` knows."""
    files = files_of(target)
    identity = {
        "sha256": hashes.get(target),
        "also": {path.name: hashes[path] for path in files if path != target and path in hashes},
        "beside": {os.path.abspath(path): value for path, value in hashes.items() if path not in files},
    }
    return {name: value for name, value in identity.items() if value}


def hashes_of(target: Path) -> dict[Path, str]:
    """sha256 of the files of an output that is there. Raises OSError."""
    return {path: sha256_of(path) for path in files_of(target)}
