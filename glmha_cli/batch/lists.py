"""Inputs named by a list: `--files-from`."""

import codecs
import os
import sys
from contextlib import nullcontext
from pathlib import Path, PurePath

from glmha_cli.batch.inputs import Found
from glmha_cli.errors import NoInputError, UsageError
from glmha_cli.io.guard import file_problem
from glmha_cli.io.remote.stage import Stage
from glmha_cli.io.remote.url import is_url
from glmha_cli.io.text_file import UTF_16


def listed(content: bytes, *, null: bool, root: Path | None, stage: Stage | None = None) -> list[Found]:
    """The files of a list, one a line or, with `null`, ended by a zero byte; in the list's order.

    Their paths are paths as anywhere, not relative to `root`; below `root`, if it is given, they are mirrored. For URLs
    among them there are stand-ins on `stage`.
    """
    content = content if null else _as_lines(content)
    if b"\0" in content and not null:
        raise UsageError("the list contains zero bytes", "--null")
    names = [os.fsdecode(name) for name in content.split(b"\0" if null else b"\n") if name]
    if not names:
        raise NoInputError("the list names no files", "one name per line, or --null for the output of find -print0")
    return [_named(name, root, stage) for name in dict.fromkeys(names)]


def _as_lines(content: bytes) -> bytes:
    """As Unix writes lists: Windows ends lines by two signs, begins files by a mark, and PowerShell writes UTF-16."""
    if content.startswith(UTF_16):
        content = content.decode("utf-16", "replace").encode()
    return content.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n")


LARGEST_LIST = 2**30
"""Bytes: some ten million names. A device such as /dev/zero never ends."""


def read_list(name: str) -> bytes:
    """The content of a list of files; "-" for stdin. Raises NoInputError; UsageError where it does not end."""
    try:
        with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as file:
            content = file.read(LARGEST_LIST + 1)
    except OSError as error:
        raise NoInputError(f"list '{name}' cannot be opened: {error.strerror or error}") from error
    if len(content) > LARGEST_LIST:
        raise UsageError(f"list '{name}' is longer than {LARGEST_LIST // 2**20} MiB", "split it: split -l 1000000 LIST")
    return content


def _named(name: str, root: Path | None, stage: Stage | None) -> Found:
    try:
        path = stage.place(name) if stage is not None and is_url(name) else Path(name)
    except (NoInputError, UsageError) as error:
        return Found(Path(name), PurePath("unnamed"), error)
    is_remote = stage is not None and stage.holds(path)
    relative = PurePath(path.name)
    problem = None if is_remote else file_problem(path, absent="is not there")
    if problem is None and root is not None:
        try:
            relative = PurePath(os.path.relpath(path, root))
        except ValueError:  # on another drive
            relative = PurePath("..", path.name)
        if ".." in relative.parts:
            problem = NoInputError(f"'{path}' is not in '{root}'", "list files of one folder")
    return Found(path, relative, problem)
