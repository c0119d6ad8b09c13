"""Stores (folders that are one file) that are whole or absent, as files are by `atomic`."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from glmha_cli.errors import CannotCreateError, GlmhaError, OutputError
from glmha_cli.io.atomic import exists_already, look_at, missing_folder
from glmha_cli.io.stores import METADATA, files_in


@contextmanager
def atomic_store(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield an empty folder beside `path`, hidden; it becomes `path` when the block ends well, all files synced.

    With `overwrite` a store that is there is moved aside first and removed afterwards: killed between, the old one
    lies beside, under the hidden name. Raises as `atomic_output`; a folder that is no store is never replaced.
    """
    refuse_existing_store(path, overwrite=overwrite)
    if not os.path.isdir(path.parent):
        raise missing_folder(path.parent)
    temporary, aside = (path.with_name(f".glmha-{secrets.token_hex(6)}{path.suffix}") for _ in range(2))
    try:
        temporary.mkdir()
    except OSError as error:
        raise CannotCreateError(f"cannot create files in '{path.parent}': {error.strerror or error}") from error
    try:
        yield temporary
        _sync(temporary)
        look_at(temporary, path)
        refuse_existing_store(path, overwrite=overwrite)
        if os.path.lexists(path):
            os.rename(path, aside)
        os.rename(temporary, path)
    except GlmhaError:
        raise
    except OSError as error:
        raise OutputError(f"'{path}' could not be written: {error.strerror or error}") from error
    finally:
        if os.path.lexists(aside) and not os.path.lexists(path):
            os.rename(aside, path)
        for folder in (temporary, aside):
            shutil.rmtree(folder, ignore_errors=True)


def refuse_existing_store(path: Path, *, overwrite: bool) -> None:
    """Only a store may be replaced: never a file, a link, or a folder of anything else."""
    if not os.path.lexists(path):
        return
    if os.path.islink(path) or not (path / METADATA).is_file():
        raise CannotCreateError(f"'{path}' is there, and no store of Zarr", "name another output")
    if not overwrite:
        raise exists_already(path)


def _sync(folder: Path) -> None:
    for name, _ in files_in(folder):
        with (folder / name).open("r+b") as file:
            os.fsync(file.fileno())
