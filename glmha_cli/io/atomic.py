"""Outputs that are whole or absent: written beside the target under a hidden name, then moved into place.

Killed at any moment there is the old file, or the new one, or none under the final name; never a half.
"""

import os
import secrets
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from glmha_cli.errors import CannotCreateError, GlmhaError, OutputError
from glmha_cli.io.stores import no_file_text

Look = Callable[[Path, Path], None]
_LOOK: ContextVar[Look | None] = ContextVar("look", default=None)


@contextmanager
def looking_before_moves(look: Look) -> Iterator[None]:
    """Inside, in this thread, `look(temporary, path)` sees each output when it is whole, before it is moved to `path`.

    What it raises keeps the output from being moved.
    """
    token = _LOOK.set(look)
    try:
        yield
    finally:
        _LOOK.reset(token)


def look_at(temporary: Path, path: Path) -> None:
    """Show a finished output to whoever is looking."""
    if (look := _LOOK.get()) is not None:
        look(temporary, path)


@contextmanager
def atomic_output(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield an empty temporary file in the folder of `path`; move it to `path` when the block ends well.

    The temporary name is hidden and unique and keeps the suffix, for writers that choose a format by it.
    Leaving the block: fsync, then a move that, without `overwrite`, never replaces a file, not even one that
    appeared during writing (where the file system has hard links; elsewhere it is checked just before).
    Leaving by any exception: the temporary file is removed and `path` is as it was.

    Several files that belong together: nest the blocks, with the file that makes the others valid outermost
    (it is moved last), e.g. `with atomic_output(header, ...) as hdr, atomic_output(data, ...) as img:`.
    All targets are checked before anything is written; each file by itself is whole or absent.

    Raises:
        CannotCreateError: the target exists, or its folder is missing or not writable.
        OutputError: an OSError during writing (disk full, device error).
    """
    refuse_existing(path, overwrite=overwrite)
    temporary = _create_temporary(path)
    try:
        yield temporary
        _sync(temporary)
        look_at(temporary, path)
        _move(temporary, path, overwrite=overwrite)
    except GlmhaError:
        raise
    except OSError as error:
        raise OutputError(f"'{path}' could not be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Only a regular file may be replaced: never a folder, and never a device such as /dev/null, or a name such as
    /dev/stdout, which means a stream of this process.
    """
    if os.path.exists(path) and (_means_stream(path) or not os.path.isfile(path)):
        raise CannotCreateError(no_file_text(path))
    if os.path.lexists(path) and not overwrite:
        raise exists_already(path)


def _means_stream(path: Path) -> bool:
    """Whether the path is one of an open file, whatever that is, or leads there at once."""
    target = os.readlink(path) if os.path.islink(path) else ""
    return target.startswith("/proc/") or os.path.realpath(path.parent).startswith("/proc/")


def missing_folder(folder: Path) -> CannotCreateError:
    """The error for a folder that is none, with the command that makes it where one can."""
    blocking = next((each for each in (folder, *folder.parents) if os.path.lexists(each)), folder)
    if not os.path.isdir(blocking) and blocking != Path():
        return CannotCreateError(f"'{blocking}' is not a folder: nothing can be written into it", "name another output")
    end_of_options = "-- " if str(folder).startswith("-") else ""
    return CannotCreateError(
        f"folder '{folder}' does not exist", f"mkdir -p {end_of_options}{shlex.quote(str(folder))}"
    )


def exists_already(path: Path) -> CannotCreateError:
    return CannotCreateError(f"'{path}' exists already", "--overwrite")


def _create_temporary(path: Path) -> Path:
    """Creating it, rather than asking for permissions, is the one sure test that the folder takes files."""
    folder = path.parent
    if not os.path.isdir(folder):
        raise missing_folder(folder)
    temporary = folder / f".glmha-{secrets.token_hex(6)}{path.suffix}"
    try:
        temporary.open("xb").close()
    except OSError as error:
        raise CannotCreateError(f"cannot create files in '{folder}': {error.strerror or error}") from error
    return temporary


def _sync(temporary: Path) -> None:
    with temporary.open("r+b") as file:
        os.fsync(file.fileno())


def _is_linked(temporary: Path, path: Path) -> bool:
    """Whether both are one file: NFS makes the link, loses the answer, and tells the second attempt that it exists."""
    return os.path.lexists(path) and os.path.samestat(os.lstat(temporary), os.lstat(path))


def _move(temporary: Path, path: Path, *, overwrite: bool) -> None:
    if overwrite:
        if os.path.exists(path):
            with suppress(OSError):  # where there are no modes to set, as on some shares
                shutil.copymode(path, temporary)
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)  # unlike a rename on POSIX, fails if the name is taken
    except FileExistsError:
        if not _is_linked(temporary, path):
            raise exists_already(path) from None
    except OSError:  # no hard links here (FAT, some network shares)
        refuse_existing(path, overwrite=False)
        os.replace(temporary, path)
