"""Where verbs read the files that they are given: in a process of its own, as batches do."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from glmha_cli.batch.files import FileOptions, Source
from glmha_cli.batch.kinds import read_supervised, supervised_for, values_supervised
from glmha_cli.cli.output import Output
from glmha_cli.inference.memory import free_bytes
from glmha_cli.io.photos.read import Photo
from glmha_cli.io.supervised import Supervised
from glmha_cli.tasks.base import Task


def reader_of(output: Output) -> Supervised:
    """A process to read files in: one that crashes its decoder, never ends or takes all memory is an error like any."""
    return Supervised(memory_bytes=free_bytes(), say=output.warning)


def read_photos(paths: Iterable[Path], output: Output, *, max_pixels: int) -> list[Photo]:
    photos = []
    with reader_of(output) as reader:
        for path in paths:
            photos.append(reader.read("glmha_cli.io.photos.read:read_photo", path, max_pixels=max_pixels))
            for note in photos[-1].notes:
                output.remark(path, note)
    return photos


@dataclass(frozen=True, kw_only=True)
class TaskFiles:
    """The inputs and results of a task, as `files` says; what reading left out or assumed is told once."""

    task: Task
    files: FileOptions
    output: Output
    reader: Supervised

    def source(self, path: Path) -> Source:
        source = read_supervised(self.reader, self.task, path, self.files)
        for note in source.notes:
            self.output.remark(path, note)
        return source

    def source_size(self, path: Path) -> tuple[int, int]:
        """(h, w)."""
        return read_supervised(self.reader, self.task, path, self.files).value.shape[:2]

    def values(self, path: Path) -> Float[np.ndarray, "h w c"]:
        """A result, or what it is measured against, in [0, 1]."""
        return values_supervised(self.reader, self.task, path)


@contextmanager
def files_of(task: Task, files: FileOptions, output: Output) -> Iterator[TaskFiles]:
    with supervised_for(task, memory_bytes=free_bytes(), say=output.warning) as reader:
        yield TaskFiles(task=task, files=files, output=output, reader=reader)
