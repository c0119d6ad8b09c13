"""Which output each input gets, and everything about it that can be wrong, found before any work."""

import hashlib
import os
import shlex
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePath

from glmha_cli.errors import CannotCreateError, GlmhaError, NoInputError, UsageError
from glmha_cli.io.atomic import refuse_existing
from glmha_cli.io.cubes import files_of, files_read
from glmha_cli.lookup import closest
from glmha_cli.runtime.inputs import Found


@dataclass(frozen=True)
class Job:
    """One input file and the output file made of it.

    relative: path of the input below what the user named. overwrite: the output may replace a file.
    problem: why this one cannot be done; it fails with it, the others are done.
    """

    source: Path
    target: Path
    relative: PurePath
    overwrite: bool = False
    problem: GlmhaError | None = None


@dataclass(frozen=True, kw_only=True)
class Naming:
    """The name of an output: stem of the input, `suffix`, `extension_for(extension of the input)`.

    writable: the extensions there are. kind: of output, for messages.
    """

    extension_for: Callable[[str], str]
    suffix: str
    writable: tuple[str, ...]
    kind: str

    def __post_init__(self) -> None:
        if any(sign in self.suffix for sign in ("/", "\\", "\0")):
            raise UsageError(f"--suffix is a part of a file name, not '{self.suffix}'", "--suffix _restored")

    def __call__(self, source: PurePath) -> PurePath:
        return source.with_name(source.stem + self.suffix + self.extension_for(source.suffix))

    def require_writable(self, target: PurePath) -> None:
        if target.suffix.lower() not in self.writable:
            hint = f"use {', '.join(self.writable)}; in folders by --ext"
            raise UsageError(f"cannot write a {self.kind} as '{target.name}'", hint)


NAME_MAX_BYTES = 255
"""Of a file's name, on about every file system."""


def require_short(target: PurePath) -> None:
    if len(os.fsencode(target.name)) > NAME_MAX_BYTES:
        raise CannotCreateError(f"the name '{target.name}' is too long for a file", "rename the input, or choose a shorter --suffix")


@dataclass(frozen=True)
class Shard:
    """Part `index`, from 1, of `count` about equal parts of all files, the same on every machine and in every run."""

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise UsageError(f"there is no part {self.index} of {self.count}", "--shard 1/4 to --shard 4/4")

    def has(self, relative: PurePath) -> bool:
        name = unicodedata.normalize("NFC", relative.as_posix())
        return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:8]) % self.count == self.index - 1


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


def plan_batch(found: Iterable[Found], folder: Path, naming: Naming, *, overwrite: bool,
               others: Iterable[Path] = ()) -> list[Job]:
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
                problem = CannotCreateError(f"'{target}' leads out of '{folder}'", "remove the link")
        except (UsageError, CannotCreateError) as error:
            problem = error.about(found.path)
    return Job(found.path, target, found.relative, overwrite, problem)


def _refuse_collisions(jobs: Iterable[Job]) -> None:
    """On every system alike, as results are copied to disks that ignore case or spell accents in one way (macOS)."""
    by_name: dict[str, Job] = {}
    for job in jobs:
        other = by_name.setdefault(unicodedata.normalize("NFC", str(job.target)).casefold(), job)
        if other is not job:
            same = "" if other.target == job.target else f" and '{other.target}', one file where case or accents are not told apart"
            raise UsageError(f"'{other.source}' and '{job.source}' would both become '{job.target}'{same}",
                             "rename one of them, or name their common folder as the input")


def refuse_inputs_as_outputs(jobs: Iterable[Job], others: Iterable[Path] = ()) -> None:
    """UsageError where writing an output would replace an input or one of `others`, by whatever name or link."""
    jobs = list(jobs)
    sources = chain((job.source for job in jobs), others)
    inputs = {_file_id(path): source for source in sources for path in files_read(source) if os.path.exists(path)}
    for job in jobs:
        for target in filter(os.path.exists, files_of(job.target)):
            if (source := inputs.get(_file_id(target))) is not None:
                problem = (f"output and input are the same file, '{target}'" if source == job.source else
                           f"'{job.source}' would become '{target}', which is another input")
                raise UsageError(problem, "name another output, or add --suffix")


def _file_id(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def require_free(jobs: Iterable[Job]) -> None:
    """CannotCreateError if an output exists that may not be replaced."""
    taken = [path for job in jobs if not job.overwrite and job.problem is None
             for path in files_of(job.target) if os.path.lexists(path)]
    if taken:
        others = f", and so do {len(taken) - 1} more" if len(taken) > 1 else ""
        raise CannotCreateError(f"'{taken[0]}' exists already{others}", "add --overwrite, or name another output")


def require_file(path: Path) -> None:
    if not os.path.isfile(path):
        try:
            matches = closest(path.name, os.listdir(path.parent))
        except OSError:
            matches = []
        raise NoInputError(f"no file '{path}'", f"did you mean '{path.parent / matches[0]}'?" if matches else "check the path")


def require_folder(folder: Path) -> None:
    if not os.path.isdir(folder):
        raise CannotCreateError(f"folder '{folder}' does not exist", f"mkdir -p {shlex.quote(str(folder))}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CannotCreateError(f"folder '{folder}' is not writable", "name another output")


def require_output(path: Path, *, overwrite: bool) -> None:
    """CannotCreateError unless a file can be made at `path`, told before the work that fills it."""
    require_folder(path.parent)
    refuse_existing(path, overwrite=overwrite)


def require_makeable(folder: Path) -> None:
    """CannotCreateError unless outputs can be put into `folder`, or it can be made where it is to be."""
    require_folder(folder if os.path.exists(folder) else folder.parent)


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise CannotCreateError(f"folder '{folder}' cannot be made: {error.strerror}", "name another output") from error
