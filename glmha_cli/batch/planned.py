"""The jobs of a batch, of which only the names are kept, for there may be millions."""

import os
import unicodedata
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import overload

from glmha_cli.batch.areas import with_area
from glmha_cli.batch.checks import require_short
from glmha_cli.batch.files import FileOptions
from glmha_cli.batch.inputs import Found
from glmha_cli.batch.jobs import Job, Naming, Shard
from glmha_cli.errors import CannotCreateError, GlmhaError, UsageError


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Where the outputs of inputs are to be. files: the areas to restore (`areas`), what is written beside."""

    folder: Path
    naming: Naming
    overwrite: bool
    files: FileOptions = field(default_factory=FileOptions)
    inside: dict[str, bool] = field(default_factory=dict, init=False, compare=False)

    def target(self, relative: str) -> str:
        """The path of the output of an input, by its relative path; texts, for they are many."""
        folder, slash, name = relative.rpartition(os.sep)
        return os.path.join(self.folder, folder + slash + self.naming.name_for(name))

    def _is_inside(self, folder: str) -> bool:
        """Whether a folder lies in that of the outputs; asked of the system once for each, as they have many files."""
        if folder not in self.inside:
            self.inside[folder] = Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(self.folder))
        return self.inside[folder]

    def job(self, found: Found) -> Job:
        """The job of an input; what is wrong with its output is its problem."""
        problem = found.problem
        if problem is not None:
            return Job(found.path, self.folder / found.relative, found.relative, self.overwrite, problem)
        text = self.target(str(found.relative))
        target = Path(text)
        try:
            require_short(target)
            self.naming.require_writable(target)
            if not self._is_inside(os.path.dirname(text)):
                raise CannotCreateError(
                    f"'{target}' lies outside '{self.folder}', because of a link", "remove the link"
                )
        except (UsageError, CannotCreateError) as error:
            problem = error.about(found.path)
        return with_area(Job(found.path, target, found.relative, self.overwrite, problem), self.files.only)


class Names(Sequence[Found]):
    """Inputs, of which only the names are kept; each is made anew when it is asked for.

    sources, starts: the path of each, and where its relative path begins in it; others and problems are rare.
    """

    def __init__(self, found: Iterable[Found] = ()) -> None:
        self.sources: list[str] = []
        self.starts = array("l")
        self.relatives: dict[int, PurePath] = {}
        self.problems: dict[int, GlmhaError] = {}
        for each in found:
            self.add(each)

    def add(self, found: Found) -> None:
        source, relative = str(found.path), str(found.relative)
        if not source.endswith(relative):
            self.relatives[len(self.sources)] = found.relative
        if found.problem is not None:
            self.problems[len(self.sources)] = found.problem
        self.sources.append(source)
        self.starts.append(len(source) - len(relative))

    def __len__(self) -> int:
        return len(self.sources)

    @overload
    def __getitem__(self, index: int) -> Found: ...

    @overload
    def __getitem__(self, index: slice) -> list[Found]: ...

    def __getitem__(self, index: int | slice) -> Found | list[Found]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        source = self.sources[index]
        relative = self.relatives.get(index) or PurePath(source[self.starts[index] :])
        return Found(Path(source), relative, self.problems.get(index))


@dataclass(frozen=True, eq=False)
class Jobs(Sequence[Job]):
    """The jobs of inputs, in the order in which these were added, as `Names` keeps them.

    by_name: the first job of each output, by a hash of its name.
    """

    outputs: Outputs
    names: Names = field(default_factory=Names)
    by_name: dict[int, int] = field(default_factory=dict)

    def add(self, found: Found) -> bool:
        """One more input; False for one that is there already. UsageError where its output is another's."""
        is_new = found.problem is not None or not self._is_there(found)
        if is_new:
            self.names.add(found)
        return is_new

    def _is_there(self, found: Found) -> bool:
        """Names that are told apart by accident of their hash are compared, and so are jobs with a problem."""
        target = self.outputs.target(str(found.relative))
        key = hash(_everywhere(target))
        index = self.by_name.setdefault(key, len(self))
        if index == len(self):
            return False
        other, job = self[index], self.outputs.job(found)
        if other.problem is not None:
            self.by_name[key] = len(self)
            return False
        if job.problem is not None or _everywhere(str(other.target)) != _everywhere(target):
            return False
        if other.source != job.source or other.relative != job.relative:
            raise collision(other, job)
        return True

    def writes(self, relative: PurePath) -> bool:
        """Whether one of the outputs has this path below their folder."""
        target = _everywhere(os.path.join(self.outputs.folder, relative))
        index = self.by_name.get(hash(target))
        return index is not None and _everywhere(str(self[index].target)) == target

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> Job: ...

    @overload
    def __getitem__(self, index: slice) -> list[Job]: ...

    def __getitem__(self, index: int | slice) -> Job | list[Job]:
        if isinstance(index, slice):
            return list(map(self.outputs.job, self.names[index]))
        return self.outputs.job(self.names[index])

    def __iter__(self) -> Iterator[Job]:
        return map(self.outputs.job, self.names)

    def part(self, shard: Shard | None) -> "Jobs":
        """The jobs of a shard."""
        if shard is None:
            return self
        return Jobs(self.outputs, Names(found for found in self.names if shard.has(found.relative)))


def _everywhere(target: str) -> str:
    """A path on every system alike, as results are copied to disks that ignore case or spell accents in one way
    (macOS).
    """
    return unicodedata.normalize("NFC", target).casefold()


def collision(other: Job, job: Job) -> UsageError:
    same = (
        ""
        if other.target == job.target
        else f" and '{other.target}', one file where case or accents are not told apart"
    )
    return UsageError(
        f"'{other.source}' and '{job.source}' would both become '{job.target}'{same}", _way_out(other, job)
    )


def _way_out(*jobs: Job) -> str:
    """Of two jobs with one output: names of another extension than their inputs' can keep that of the input."""
    changed = [job for job in jobs if job.source.suffix.lower() != job.target.suffix.lower()]
    if len({job.source.suffix.lower() for job in jobs}) < 2 or not changed:
        return "rename one of them, or name their common folder as the input"
    return f"--keep-ext makes '{changed[0].source.name}{changed[0].target.suffix}' of '{changed[0].source}'"
