"""Folders that are one file to whoever names them: the stores of Zarr, told by their name."""

import os
from pathlib import PurePath

from glmha_cli.errors import BadDataError

SUFFIXES = (".zarr",)
METADATA = "zarr.json"
"""In each group and array of a store, and at its root."""


def is_store(path: str | os.PathLike[str]) -> bool:
    """Whether a path is named like a store, be it there or not."""
    return PurePath(path).suffix.lower() in SUFFIXES


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a folder of files, which a store is not."""
    return os.path.isdir(path) and not is_store(path)


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a file, or a store that is there."""
    return os.path.isfile(path) or (is_store(path) and os.path.isdir(path))


def no_file_text(path: str | os.PathLike[str]) -> str:
    """For a message: what is there under the name of a file, and is none."""
    return f"'{path}' is a {'folder' if os.path.isdir(path) else 'device'}, not a file"


def size_bytes(path: str | os.PathLike[str]) -> int:
    """Of a file, or of all files of a store. Raises OSError."""
    return sum(size for _, size in files_in(path)) if os.path.isdir(path) else os.stat(path).st_size


def files_in(folder: str | os.PathLike[str]) -> list[tuple[str, int]]:
    """(path below the folder, bytes) of its files, sorted; BadDataError for a link or a device, which no store has."""
    found, folders = [], [os.fspath(folder)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    found.append((os.path.relpath(entry.path, folder), entry.stat(follow_symlinks=False).st_size))
                else:
                    raise BadDataError(f"holds a link or a device, '{entry.path}', which is not followed")
    return sorted(found)
