"""Verbs over single files, some of which are in a store: these are fetched before, and sent when they are whole."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from glmha_cli.batch.remote import open_stage
from glmha_cli.cli.output import Output
from glmha_cli.errors import UsageError
from glmha_cli.io.atomic import exists_already
from glmha_cli.io.cubes.cube import files_of
from glmha_cli.io.remote.stage import Stage
from glmha_cli.io.remote.url import is_url, url_text
from glmha_cli.io.stores import is_store

Options = TypeVar("Options")


@contextmanager
def nearby(options: Options, output: Output, *, reads: Sequence[str], writes: Sequence[str] = ()) -> Iterator[Options]:
    """The options with files of this machine in place of URLs.

    reads, writes: fields that name a file, or a list of files. What was written is sent after the block, unless that
    raises; see `store.send`. What is said of a file, here and later, names its URL.
    """
    named = {name: getattr(options, name) for name in (*reads, *writes)}
    if not any(is_url(path) for value in named.values() for path in _each(value)):
        yield options
        return
    with open_stage(output.names.__setitem__) as stage:
        places = {name: _placed(value, stage) for name, value in named.items()}
        for path in (path for name in reads for path in _each(places[name]) if stage.holds(path)):
            stage.fetch(path)
        outputs = [path for name in writes for path in _each(places[name]) if stage.holds(path)]
        overwrite = bool(getattr(options, "overwrite", False))
        for path in outputs:
            if not overwrite and stage.exists(path):
                raise exists_already(path)
            path.parent.mkdir(parents=True, exist_ok=True)
        yield replace(options, **places)  # type: ignore[type-var]
        for path in outputs:
            for part in reversed(files_of(path)):  # the one that makes the others valid comes last
                stage.send(part, overwrite=overwrite)


def _each(value: Any) -> list[Path]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def _placed(value: Any, stage: Stage) -> Any:
    """Paths as they are, stand-ins for URLs."""
    if isinstance(value, list | tuple):
        return [_placed(path, stage) for path in value]
    if value is None or not is_url(value):
        return value
    if is_store(value):
        raise UsageError(f"'{url_text(value)}' is a folder, as all Zarr cubes are: copy it to a disk first")
    return stage.place(url_text(value))
