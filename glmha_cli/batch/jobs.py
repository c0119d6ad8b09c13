"""A job is one input and its output; how outputs are named, and which part of all jobs a machine does."""

import hashlib
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath

from glmha_cli.errors import GlmhaError, UsageError


@dataclass(frozen=True)
class Job:
    """One input file and the output file made of it.

    relative: path of the input below what the user named. overwrite: the output may replace a file.
    problem: why this one cannot be done; it fails with it, the others are done.
    own: sha256 of what an earlier run left there, which the output may replace without `overwrite`.
    area: the mask of the part of the photo to restore; None for all of it.
    done: an earlier run has done it.
    """

    source: Path
    target: Path
    relative: PurePath
    overwrite: bool = False
    problem: GlmhaError | None = None
    own: frozenset[str] = frozenset()
    area: Path | None = None
    done: bool = False


@dataclass(frozen=True, kw_only=True)
class Naming:
    """The name of an output: stem of the input, `suffix`, `extension_for(extension of the input)`.

    writable: the extensions there are. kind: of output, for messages. keep_ext: where the output's extension is
    another, that of the input stays in the name: IMG_1.HEIC becomes IMG_1.HEIC.jpg.
    """

    extension_for: Callable[[str], str]
    suffix: str
    writable: tuple[str, ...]
    kind: str
    keep_ext: bool = False

    def __post_init__(self) -> None:
        if any(sign in self.suffix for sign in ("/", "\\", "\0")):
            raise UsageError(f"--suffix takes a part of a file name, not '{self.suffix}'", "--suffix _restored")

    def __call__(self, source: PurePath) -> PurePath:
        return source.with_name(self.name_for(source.name))

    def name_for(self, name: str) -> str:
        """By the name of the input, without its folder."""
        dot = name.rfind(".")
        dot = dot if 0 < dot < len(name) - 1 else len(name)  # as `PurePath.suffix` has it
        stem, suffix = name[:dot], name[dot:]
        extension = self.extension_for(suffix)
        kept = suffix if self.keep_ext and extension.lower() != suffix.lower() else ""
        return stem + kept + self.suffix + extension

    def require_writable(self, target: PurePath) -> None:
        if target.suffix.lower() not in self.writable:
            hint = f"use {', '.join(self.writable)}; in folders by --ext"
            raise UsageError(f"cannot write a {self.kind} as '{target.name}'", hint)


@dataclass(frozen=True)
class Shard:
    """Part `index`, from 1, of `count` about equal parts of all files, the same on every machine and in every run."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """`1/4`; UsageError for anything else."""
        index, slash, count = text.partition("/")
        if not (slash and index.isdecimal() and count.isdecimal()):
            raise UsageError(f"--shard takes a part and the number of parts, not '{text}'", "--shard 1/4")
        return cls(int(index), int(count))

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise UsageError(f"there is no part {self.index} of {self.count}", "--shard 1/4 to --shard 4/4")

    def has(self, relative: PurePath) -> bool:
        name = unicodedata.normalize("NFC", relative.as_posix())
        return (
            int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:8]) % self.count
            == self.index - 1
        )
