"""`-`: a photo or a video from stdin or another pipe, a result to stdout.

Both pass through files of a temporary folder, as decoders need to seek.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from glmha_cli.batch.kinds import input_kind
from glmha_cli.batch.plan import naming_of
from glmha_cli.batch.report import Reporter
from glmha_cli.batch.request import DEV_STDIN, STDIO, BatchRequest
from glmha_cli.errors import BadDataError, GlmhaError, NoInputError, OutputError, UsageError
from glmha_cli.io import videos
from glmha_cli.io.cubes.cube import files_of
from glmha_cli.io.photos.formats import format_of, readable_names
from glmha_cli.io.stores import is_store
from glmha_cli.tasks.base import Task


@dataclass
class Streams:
    """Files that stand in for the standard streams. names: of each, what it is called in messages. with_videos: whether
    a video may come as well as a photo.
    """

    folder: Path
    names: dict[str, str]
    with_videos: bool = False

    def receive(self, name: str) -> Path:
        """All of stdin, or of a pipe with a name, in a file with the extension of what it is."""
        if name not in (STDIO, DEV_STDIN):
            with opened(name) as pipe:
                return self._received(pipe, name)
        if sys.stdin.isatty():
            raise UsageError("stdin is a terminal, not a photo", "glmha … - out.png < in.png")
        return self._received(sys.stdin.buffer, "stdin")

    def _received(self, stream: BinaryIO, name: str) -> Path:
        first_bytes = stream.read(64)
        path = self._stand_in("stdin", self._extension(first_bytes, name), name)
        try:
            with path.open("wb") as file:
                file.write(first_bytes)
                shutil.copyfileobj(stream, file)
        except OSError as error:
            raise OutputError(
                f"{name} could not be stored in '{self.folder}': {error.strerror or error}", "TMPDIR=/elsewhere"
            ) from error
        return path

    def _extension(self, first_bytes: bytes, name: str) -> str:
        container = videos.container_that_begins(first_bytes) if self.with_videos else None
        return container.suffixes[0] if container else extension_of(first_bytes, name)

    def target(self, extension: str) -> Path:
        """Where to put what `send` sends."""
        if sys.__stdout__ is None:
            raise OutputError("stdout is closed, so nothing can be written to it", "glmha … in.png - > out.png")
        if sys.stdout.isatty():
            raise UsageError("stdout is a terminal, not a file", "glmha … in.png - > out.png")
        path = self._stand_in("stdout", extension, "stdout")
        if len(files_of(path)) > 1:
            raise UsageError(
                "an ENVI cube has two files, so it cannot be written to stdout", "--ext tif, or name an output file"
            )
        if is_store(path):
            raise UsageError("a store of Zarr is a folder, so it cannot be written to stdout", "--ext nc")
        return path

    def send(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            with open(
                os.devnull, "wb"
            ) as nowhere:  # what is still buffered would fail once more at the end of the process
                os.dup2(nowhere.fileno(), sys.stdout.fileno())
            raise OutputError(f"stdout could not be written: {error.strerror or error}") from error

    def _stand_in(self, stem: str, extension: str, name: str) -> Path:
        path = self.folder / (stem + extension)
        self.names[str(path)] = name
        return path


def opened(name: str) -> BinaryIO:
    try:
        return open(name, "rb")
    except OSError as error:
        raise NoInputError(f"'{name}' cannot be opened: {error.strerror or error}") from error


@contextmanager
def file_for_stdout(extension: str, names: dict[str, str]) -> Iterator[Path]:
    """A file to write, which is sent to stdout after the block. names: gets what it is called in messages."""
    with tempfile.TemporaryDirectory(prefix="glmha-") as folder:
        streams = Streams(Path(folder), names)
        path = streams.target(extension)
        yield path
        streams.send(path)


@contextmanager
def through_files(request: BatchRequest, task: Task, reporter: Reporter) -> Iterator[BatchRequest]:
    """The request with files in place of "-", filled from stdin before the block and sent to stdout after it.

    They are gone afterwards; what is said of one names the stream instead. UsageError for what no stream can do.
    """
    _require_alone(request, task)
    with tempfile.TemporaryDirectory(prefix="glmha-") as folder:
        streams, sends = Streams(Path(folder), {}, task.restores_photos), request.output == STDIO
        try:
            if request.reads_stream:
                request = replace(request, inputs=[str(streams.receive(request.inputs[0]))])
            if sends:
                suffix = naming_of(task, request).extension_for(Path(request.inputs[0]).suffix)
                request = replace(request, output=str(streams.target(suffix)), ext=None)
            for path, name in streams.names.items():
                reporter.rename(path, name)
            yield request
            if sends:
                streams.send(Path(request.output))
        except GlmhaError as error:
            for path, name in streams.names.items():
                error.message = error.message.replace(f"'{path}'", name).replace(path, name)
            raise


def _require_alone(request: BatchRequest, task: Task) -> None:
    """UsageError for what a standard stream cannot do."""
    if not request.reads_stream and not request.is_single:
        raise UsageError("`-` (stdin or stdout) and pipes are for a single photo", "one input, one output")
    if any((request.record, request.shard, request.dry_run, request.suffix, request.keep_ext)):
        raise UsageError("--record, --shard, --dry-run, --suffix and --keep-ext are for files, not for `-` and pipes")
    if request.reads_stream and not input_kind(task).pipes:
        raise UsageError(f"{task.name} reads measurements from files alone", f"glmha {task.name} measurement.mat …")
    if request.reads_stream and request.output != STDIO and os.path.isdir(request.output):
        raise UsageError("a photo from stdin or a pipe has no name", f"name the output: {request.output}/out.png")


def extension_of(first_bytes: bytes, name: str = "stdin") -> str:
    """The usual extension of the photo format that begins so; "" for one that is known only to be refused."""
    found = format_of(first_bytes)
    if found is None:
        problem = f"{name} is not a photo" if first_bytes else f"{name} is empty"
        raise BadDataError(problem, f"a photo is needed as {readable_names()}")
    return found.suffixes[0] if found.suffixes else ""
