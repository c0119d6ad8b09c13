"""Which files a command line means: folders and patterns (lists: lists.py). Nothing is opened.

Links that lead out of the folder that was named are refused, each by its name: an unpacked archive must not make
the tool publish what lies beside it. Links to folders are not followed at all, so they cannot go round in circles.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from glmha_cli.batch.patterns import is_shown, parted
from glmha_cli.errors import GlmhaError, NoInputError
from glmha_cli.io.guard import file_problem
from glmha_cli.io.stores import is_folder, is_store

Say = Callable[[str], None]


@dataclass(frozen=True)
class Found:
    """An input. relative: its path below what was named, mirrored in the output folder. problem: why it is refused."""

    path: Path
    relative: PurePath
    problem: GlmhaError | None = None


@dataclass
class Ignored:
    """How many files of searched folders were no inputs, by what they are: a suffix, "hidden", "folder"."""

    counts: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, *, kind: str = "") -> None:
        suffix = PurePath(name).suffix.lower() or "without a suffix"
        self.counts[kind or (suffix if is_shown(name) else "hidden")] += 1

    def __str__(self) -> str:
        """For a sentence: "3 .txt, 1 .psd"; most first."""
        return ", ".join(f"{count} {what}" for what, count in self.counts.most_common())


def in_folder(
    root: Path, *, readable: Iterable[str], recursive: bool, leave_out: Path, say: Say, ignored: Ignored
) -> Iterator[Found]:
    """Files of the extensions `readable` in `root`, sorted by the parts of their paths, as they are found; with
    `recursive` also in its folders.

    Hidden files and folders are left alone, as by the shell, and so is the folder `leave_out` (of the outputs). What
    was no input, but for `leave_out`, is counted in `ignored`. NoInputError, at the end, where there was none.
    """
    search = _Search(root, tuple(readable), recursive, os.path.realpath(leave_out), say, ignored)
    count = 0
    for found in search.files(root):
        count += 1
        yield found
    if not count:
        hint = f"looked for {', '.join(search.readable)}"
        raise NoInputError(
            f"no input files in '{root}'",
            "--recursive for its sub-folders" if search.has_folders and not recursive else hint,
        )


@dataclass
class _Search:
    """Through the folder `root`; see `in_folder`. has_folders: whether there was one to go into."""

    root: Path
    readable: tuple[str, ...]
    recursive: bool
    real_out: str
    say: Say
    ignored: Ignored
    has_folders: bool = False

    def __post_init__(self) -> None:
        self.real_root = os.path.realpath(self.root)

    def files(self, folder: Path) -> Iterator[Found]:
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            yield _closed(folder, error, self.root)
            return
        for entry in entries:
            if _is_folder(entry):
                yield from self.folder(folder / entry.name, is_link=entry.is_symlink())
            elif is_shown(entry.name) and entry.name.lower().endswith(self.readable):
                is_plain = entry.is_file(follow_symlinks=False)  # known from the folder: the file is not looked at
                path = folder / entry.name
                yield (
                    Found(path, path.relative_to(self.root)) if is_plain else _checked(path, self.root, self.real_root)
                )
            else:
                self.ignored.add(entry.name)

    def folder(self, folder: Path, *, is_link: bool) -> Iterator[Found]:
        if not is_shown(folder.name):
            return
        if is_store(folder):  # one file, which is not searched
            if folder.name.lower().endswith(self.readable):
                yield _checked(folder, self.root, self.real_root)
            else:
                self.ignored.add(folder.name)
            return
        if is_link and self.recursive:
            yield from _folder_link(folder, self.root, self.real_root, self.say)
        is_outputs = os.path.realpath(folder) == self.real_out
        self.has_folders |= not is_outputs
        if not self.recursive and not is_outputs:
            self.ignored.add(folder.name, kind="sub-folder (--recursive)")
        elif not is_link and not is_outputs:
            yield from self.files(folder)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that goes round in circles
        return False


def by_pattern(pattern: str, *, readable: Iterable[str], leave_out: Path, ignored: Ignored) -> Iterator[Found]:
    """Files of the extensions `readable` that match, sorted; relative to the pattern's part before any wildcard.
    Matching files of other extensions are counted in `ignored`.

    What lies in `leave_out` (the folder of the outputs) is left alone if that is below the said part.
    """
    root, parts = parted(Path(pattern))
    readable, real_root, real_out = tuple(readable), os.path.realpath(root), os.path.realpath(leave_out)
    closed = real_out if real_out != real_root and _is_inside(leave_out, real_root) else None
    asks_for_hidden = not all(map(is_shown, parts))
    matches = [
        path
        for path in sorted(root.glob(str(Path(*parts))))
        if not is_folder(path)
        and not any(map(is_store, path.relative_to(root).parents))
        and not (closed and _is_inside(path.parent, closed))
        and (asks_for_hidden or all(map(is_shown, path.relative_to(root).parts)))
    ]
    count = 0
    for path in matches:
        if path.name.lower().endswith(readable):
            count += 1
            yield _checked(path, root, real_root)
        else:
            ignored.add(path.name)
    if not count:
        raise NoInputError(f"no input files match '{pattern}'", f"looked for {', '.join(readable)}")


def _closed(folder: Path, error: OSError, root: Path) -> Found:
    """A folder that cannot be opened: what is in it fails as one, unless it is all there is."""
    problem = NoInputError(f"folder '{folder}' cannot be opened: {error.strerror}")
    if folder == root:
        raise problem
    return Found(folder, folder.relative_to(root), problem)


def _checked(path: Path, root: Path, real_root: str) -> Found:
    problem = file_problem(path, absent="is a link to nothing")
    if problem is None and not _is_inside(path, real_root):
        problem = _leads_out(path, root)
    return Found(path, path.relative_to(root), problem)


def _folder_link(link: Path, root: Path, real_root: str, say: Say) -> Iterator[Found]:
    """A refusal if it leads out; else only a note, for what it leads to is found under its own name."""
    if not _is_inside(link, real_root):
        yield Found(link, link.relative_to(root), _leads_out(link, root))
    else:
        say(f"'{link}' is a link to a folder: not followed")


def _leads_out(path: Path, root: Path) -> NoInputError:
    return NoInputError(
        f"'{path}' is a link to a file outside '{root}'", "name the file it points to, for example by --files-from"
    )


def _is_inside(path: Path, real_root: str) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(real_root)
