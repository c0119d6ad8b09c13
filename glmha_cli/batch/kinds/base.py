"""What the inputs and the outputs of a task are. A new kind is a module and one line of a table."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from jaxtyping import Float, Num

from glmha_cli.batch.files import FileOptions, Source
from glmha_cli.io.photos.read import Photo
from glmha_cli.tasks.base import Task

Store = Callable[[Float[np.ndarray, "h w c"]], Num[np.ndarray, "h w c"]]


class InputKind(Protocol):
    """A kind of input.

    name: for messages. readable: suffixes of the files that folders are searched for. pipes: it can come from stdin.
    """

    name: str
    readable: tuple[str, ...]
    pipes: bool

    def require(self, options: FileOptions) -> None:
        """UsageError where `options` lack what reading it takes."""

    def read(self, path: Path, options: FileOptions) -> Source:
        """One input; see glmha_cli.io for what is raised."""

    def picture(self, source: Source) -> Photo:
        """What an input looks like, as large as its result."""

    def write_noise(self, folder: Path, task: Task, side_px: int) -> tuple[Path, FileOptions]:
        """An input of random values, from which a result of side_px x side_px is made, and how it is read."""


class OutputKind(Protocol):
    """A kind of output.

    name: for messages. readable: suffixes that results and what they are measured against may have; of a pair of
    files that of the one to name. writable: suffixes that outputs may have.
    """

    name: str
    readable: tuple[str, ...]
    writable: tuple[str, ...]

    def suffix_for(self, source: str) -> str:
        """The suffix of an output where none is asked for, by that of its input."""

    def before(self, source: Source) -> Float[np.ndarray, "h w c"] | None:
        """What of the source a result can be compared with; None where they are of different kinds."""

    def values(self, path: Path, wavelength_nm: tuple[float, ...]) -> Float[np.ndarray, "h w c"]:
        """A result or what it is measured against, in [0, 1]; a cube, of as many bands, with its own wavelengths."""

    def fit(self, source: Source, options: FileOptions) -> Source:
        """The source as a result of this kind is made from it."""

    def storing(self, path: Path, source: Source) -> Store:
        """What makes of finished rows what `write` stores at `path`: photos need not be kept as floats."""

    def write(
        self,
        path: Path,
        result: Num[np.ndarray, "h w c"],
        *,
        task: Task,
        source: Source,
        options: FileOptions,
        overwrite: bool,
        provenance: Mapping[str, str] | None,
    ) -> list[str]:
        """Write a result, floats or as `storing` keeps it, whole or not at all; provenance: to be kept in the file.

        Returns what the user should know (losses of the format).
        """

    def rendered(self, result: Num[np.ndarray, "h w c"], task: Task, source: Source) -> Photo:
        """What a result, as `storing` keeps it, looks like."""
