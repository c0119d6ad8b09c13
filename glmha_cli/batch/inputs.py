"""Which files a command line means: folders and patterns (lists: lists.py). Nothing is opened.

Links that lead out of the folder that was named are refused, each by its name: an unpacked archive must not make
the tool publish what lies beside it. Links to folders are not followed at all, so they cannot go round in circles.
"""

import errno
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from glmha_cli.errors import GlmhaError, NoInputError

MAGIC = "*?["
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
        self.counts[kind or (suffix if _is_shown(name) else "hidden")] += 1

    def __str__(self) -> str:
        """For a sentence: "3 .txt, 1 .psd"; most first."""
        return ", ".join(f"{count} {what}" for what, count in self.counts.most_common())


def in_folder(
    root: Path, *, readable: Iterable[str], recursive: bool, leave_out: Path, say: Say, ignored: Ignored
) -> list[Found]:
    """Files of the extensions `readable` in `root`, sorted; with `recursive` also in its folders.

    Hidden files and folders are left alone, as by the shell, and so is the folder `leave_out` (of the outputs). What
    was no input, but for `leave_out`, is counted in `ignored`.
    """
    readable = tuple(readable)
    closed: list[OSError] = []
    found: list[Found] = []
    real_root, has_folders = os.path.realpath(root), False
    for folder, folders, files in os.walk(root, onerror=closed.append):
        here = Path(folder)
        for link in (here / name for name in sorted(folders) if _is_shown(name) and os.path.islink(here / name)):
            if recursive:
                found += _folder_link(link, root, real_root, say)
        folders[:] = [name for name in folders if _is_shown(name) and not _is_same(here / name, leave_out)]
        has_folders |= bool(folders)
        for name in files:
            if _is_shown(name) and name.lower().endswith(readable):
                found.append(_checked(here / name, root, real_root))
            else:
                ignored.add(name)
        if not recursive:
            for name in folders:
                ignored.add(name, kind="sub-folder (--recursive)")
            break
    found += [_closed(error, root) for error in closed]
    if not found:
        hint = (
            "--recursive for its sub-folders" if has_folders and not recursive else f"looked for {', '.join(readable)}"
        )
        raise NoInputError(f"no input files in '{root}'", hint)
    return sorted(found, key=lambda each: each.relative.parts)


def is_pattern(text: str) -> bool:
    """Whether `text` names no file but has wildcards: a file named `a[1].png` is meant as it is."""
    return any(sign in text for sign in MAGIC) and not os.path.lexists(text)


def by_pattern(pattern: str, *, readable: Iterable[str], leave_out: Path, ignored: Ignored) -> list[Found]:
    """Files of the extensions `readable` that match, sorted; relative to the pattern's part before any wildcard.
    Matching files of other extensions are counted in `ignored`.

    What lies in `leave_out` (the folder of the outputs) is left alone if that is below the said part.
    """
    parts = Path(pattern).parts
    first = next(i for i, part in enumerate(parts) if any(sign in part for sign in MAGIC))
    root, rest = Path(*parts[:first]), str(Path(*parts[first:]))
    readable, real_root, real_out = tuple(readable), os.path.realpath(root), os.path.realpath(leave_out)
    closed = real_out if real_out != real_root and _is_inside(leave_out, real_root) else None
    asks_for_hidden = any(part.startswith(".") for part in parts[first:])
    matches = [
        path
        for path in sorted(root.glob(rest))
        if not os.path.isdir(path)
        and not (closed and _is_inside(path.parent, closed))
        and (asks_for_hidden or all(map(_is_shown, path.relative_to(root).parts)))
    ]
    found = [_checked(path, root, real_root) for path in matches if path.name.lower().endswith(readable)]
    for path in matches:
        if not path.name.lower().endswith(readable):
            ignored.add(path.name)
    if not found:
        raise NoInputError(f"no input files match '{pattern}'", f"looked for {', '.join(readable)}")
    return found


def _closed(error: OSError, root: Path) -> Found:
    """A folder that cannot be opened: what is in it fails as one, unless it is all there is."""
    folder = Path(error.filename)
    problem = NoInputError(f"folder '{folder}' cannot be opened: {error.strerror}")
    if folder == root:
        raise problem
    return Found(folder, folder.relative_to(root), problem)


def _checked(path: Path, root: Path, real_root: str) -> Found:
    problem = file_problem(path, absent="is a link to nothing")
    if problem is None and not _is_inside(path, real_root):
        problem = _leads_out(path, root)
    return Found(path, path.relative_to(root), problem)


def file_problem(path: Path, *, absent: str) -> NoInputError | None:
    """Why `path` is no file that can be read; where pathlib would raise, as in closed folders, that costs one input."""
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        is_absent = error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
        return NoInputError(f"'{path}' {absent if is_absent else f'cannot be opened: {error.strerror}'}")
    return None if is_file else NoInputError(f"'{path}' is not a file")


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


def _is_same(path: Path, other: Path) -> bool:
    return os.path.realpath(path) == os.path.realpath(other)


def _is_shown(name: str) -> bool:
    return not name.startswith(".")
