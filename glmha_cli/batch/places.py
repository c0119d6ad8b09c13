"""Where the files of a batch are: on this machine, or in a store, with stand-ins here while they are needed."""

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmha_cli.batch.jobs import Job
from glmha_cli.batch.record import Line, Past, hashes_of, input_identity, output_identity
from glmha_cli.errors import CannotCreateError
from glmha_cli.io.cubes.cube import files_of
from glmha_cli.io.remote.stage import Stage
from glmha_cli.io.remote.store import require_writable
from glmha_cli.io.remote.url import Url
from glmha_cli.weights.integrity import sha256_of


class Places:
    """Of files on this machine."""

    def named(self, text: str) -> str:
        """What is said of a file, as people know it."""
        return text

    def name(self, path: Path) -> str:
        """What a record calls a file: absolute, as the next run may begin in another folder."""
        return os.path.abspath(path)

    def ahead(self, jobs: Iterable[Job]) -> Iterable[Job]:
        """The jobs, while what those behind need is being fetched."""
        return jobs

    def start(self, job: Job) -> None:
        """Begin to fetch what a job needs."""

    def secret(self, job: Job) -> dict[str, Url]:
        """See `Stage`, of what the job reads and writes."""
        return {}

    def require(self, job: Job) -> None:
        """Have the input here. NoInputError; CannotCreateError where there is an output that may not be replaced."""

    def identity(self, path: Path) -> dict[str, Any]:
        """What tells an input, which is here, from a changed one."""
        return input_identity(path)

    def is_input(self, path: Path, line: Line) -> bool:
        """Whether an input is the one of a record's line: told by size and time, or where a copy has another time, by
        its content. Raises OSError.
        """
        status = path.stat()
        if line.get("input_bytes") != status.st_size:
            return False
        return line.get("input_mtime_ns") == status.st_mtime_ns or line.get("input_sha256") == sha256_of(path)

    def is_output(self, path: Path, line: Line) -> bool:
        """Whether an output is as a record's line has it. Raises OSError."""
        return all(line.get(name) == value for name, value in output_identity(path, hashes_of(path)).items())

    def is_taken(self, path: Path) -> bool:
        return os.path.lexists(path)

    def is_one_of(self, path: Path, past: Past) -> bool:
        """Whether the content of the file is one that the record's runs can have left."""
        return is_one_of(path, past.hashes)

    def send(self, job: Job) -> dict[str, Any]:
        """An output is whole: bring it where it belongs; what a record says of it there."""
        return {}

    def forget(self, job: Job) -> None:
        """The job is settled."""


def is_one_of(path: Path, hashes: Collection[str]) -> bool:
    """Whether the content of the file at `path` has one of these sha256."""
    try:
        return bool(hashes) and sha256_of(path) in hashes
    except OSError:
        return False


@dataclass
class Remote(Places):
    """Of files some of which stand for URLs; see `Stage`."""

    stage: Stage

    def named(self, text: str) -> str:
        return self.stage.named(text)

    def name(self, path: Path) -> str:
        return str(self.stage.url(path)) if self.stage.holds(path) else super().name(path)

    def ahead(self, jobs: Iterable[Job]) -> Iterator[Job]:
        return self.stage.ahead(jobs, lambda job: None if job.problem is not None or job.done else job.source)

    def start(self, job: Job) -> None:
        if self.stage.holds(job.source):
            self.stage.start(job.source)

    def secret(self, job: Job) -> dict[str, Url]:
        urls = [self.stage.url(path) for path in (job.source, job.target) if self.stage.holds(path)]
        return {str(url): url for url in urls if url.user or url.query}

    def require(self, job: Job) -> None:
        may_replace, is_remote = job.overwrite or job.own, self.stage.holds(job.target)
        if is_remote:
            require_writable(self.stage.url(job.target))
        if is_remote and not may_replace and self.stage.exists(job.target):
            raise CannotCreateError(f"'{job.target}' exists already", "--overwrite, or --record and --resume")
        if self.stage.holds(job.source):
            self.stage.fetch(job.source)

    def identity(self, path: Path) -> dict[str, Any]:
        if not self.stage.holds(path):
            return super().identity(path)
        found = self.stage.fetch(path)
        return {"input_bytes": found["bytes"], "input_etag": found["etag"], "input_sha256": sha256_of(path)}

    def is_input(self, path: Path, line: Line) -> bool:
        return self._is(path, line, "input") if self.stage.holds(path) else super().is_input(path, line)

    def is_output(self, path: Path, line: Line) -> bool:
        return self._is(path, line, "output") if self.stage.holds(path) else super().is_output(path, line)

    def _is(self, path: Path, line: Line, kind: str) -> bool:
        found = self.stage.facts(path)
        return found is not None and all(line.get(f"{kind}_{name}") == value for name, value in found.items())

    def is_taken(self, path: Path) -> bool:
        return self.stage.exists(path) if self.stage.holds(path) else super().is_taken(path)

    def is_one_of(self, path: Path, past: Past) -> bool:
        if not self.stage.holds(path):
            return super().is_one_of(path, past)
        if past.line.get("status") == "ok" and self._is(path, past.line, "output"):
            return True
        self.stage.fetch(path)
        try:
            return super().is_one_of(path, past)
        finally:
            self.stage.forget(path)

    def send(self, job: Job) -> dict[str, Any]:
        if not self.stage.holds(job.target):
            return {}
        told = {}
        for path in reversed(files_of(job.target)):  # the one that makes the others valid comes last
            found = self.stage.send(path, overwrite=job.overwrite or bool(job.own))
            told[path] = {f"output_{name}": value for name, value in found.items()}
        return told[job.target]

    def forget(self, job: Job) -> None:
        if self.stage.holds(job.source):
            self.stage.forget(job.source)
        for path in files_of(job.target):
            if self.stage.holds(path):
                path.unlink(missing_ok=True)
