"""Everything about a path that can be wrong, found before any work."""

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path, PurePath

from glmha_cli.batch.jobs import Job
from glmha_cli.errors import CannotCreateError, NoInputError, UsageError
from glmha_cli.io.atomic import missing_folder, refuse_existing
from glmha_cli.io.cubes.cube import files_of, files_read
from glmha_cli.io.remote.url import READ_ONLY, is_url, url_text, without_secrets
from glmha_cli.io.stores import is_file, no_file_text
from glmha_cli.lookup import closest

NAME_MAX_BYTES = 255
"""Of a file's name, on about every file system."""
Written = Callable[[Job], Iterable[Path]]


def of_output(job: Job) -> Iterable[Path]:
    """The files of a job's output."""
    return files_of(job.target)


def require_short(target: PurePath) -> None:
    if len(os.fsencode(target.name)) > NAME_MAX_BYTES:
        raise CannotCreateError(
            f"the name '{target.name}' is too long for a file", "rename the input, or choose a shorter --suffix"
        )


def refuse_inputs_as_outputs(
    jobs: Iterable[Job],
    others: Iterable[Path] = (),
    *,
    written: Written = of_output,
    advice: str = "name another output, or add --suffix",
) -> None:
    """UsageError where writing an output would replace an input or one of `others`, by whatever name or link.

    jobs: gone through more than once. Those with a problem neither read nor write. written: all files of a job. advice:
    what to do then.
    """
    there = {identity for job in jobs for _, identity in _outputs_there(job, written)}
    if not there:
        return
    for source, identity in _read_there(chain((job.source for job in jobs if job.problem is None), others)):
        if identity in there:
            raise UsageError(_problem_of(source, identity, jobs, written), advice)


def _problem_of(source: Path, identity: tuple[int, int], jobs: Iterable[Job], written: Written) -> str:
    job, target = next((job, path) for job in jobs for path, each in _outputs_there(job, written) if each == identity)
    if source == job.source:
        return f"output and input are the same file, '{target}'"
    return f"'{job.source}' would become '{target}', which is another input"


def _outputs_there(job: Job, written: Written) -> Iterator[tuple[Path, tuple[int, int]]]:
    if job.problem is None:
        for path in filter(os.path.exists, written(job)):
            yield path, _file_id(path)


def _read_there(sources: Iterable[Path]) -> Iterator[tuple[Path, tuple[int, int]]]:
    for source in sources:
        for path in filter(os.path.exists, files_read(source)):
            yield source, _file_id(path)


def _file_id(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def require_free(jobs: Iterable[Job]) -> None:
    """CannotCreateError if an output exists that may not be replaced."""
    taken, others = None, 0
    for job in jobs:
        if job.overwrite or job.own or job.problem is not None:
            continue
        for path in filter(os.path.lexists, files_of(job.target)):
            taken, others = (path, 0) if taken is None else (taken, others + 1)
    if taken is not None:
        more = f", and so do {others} more" if others else ""
        raise CannotCreateError(f"'{taken}' exists already{more}", "add --overwrite, or name another output")


def refuse_url(path: PurePath) -> None:
    """UsageError for a web address where a path is needed; as a path, it has one slash less."""
    if not os.path.lexists(path) and is_url(path):
        address = without_secrets(url_text(path))
        scheme = address.partition(":")[0]
        fetch = f"curl -O '{address}'" if scheme in READ_ONLY else f"copy it from {scheme}:// first"
        raise UsageError(
            f"'{address}' is an address, not a file: this verb opens files of this machine alone",
            f"{fetch}, then name the file",
        )


def require_file(path: Path) -> None:
    refuse_url(path)
    if not is_file(path):
        if os.path.exists(path):
            raise NoInputError(no_file_text(path))
        try:
            matches = closest(path.name, os.listdir(path.parent))
        except OSError:
            matches = []
        raise NoInputError(
            f"no file '{path}'", f"did you mean '{path.parent / matches[0]}'?" if matches else "check the path"
        )


def require_folder(folder: Path) -> None:
    refuse_url(folder)
    if not os.path.isdir(folder):
        raise missing_folder(folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CannotCreateError(f"folder '{folder}' is not writable", "name another output")


def require_output(path: Path, *, overwrite: bool, inputs: Iterable[Path] = ()) -> None:
    """CannotCreateError unless a file can be made at `path`, told before the work that fills it; UsageError where it is
    one of the inputs, by whatever name or link."""
    require_folder(path.parent)
    if os.path.exists(path) and _file_id(path) in {identity for _, identity in _read_there(inputs)}:
        raise UsageError(f"'{path}' is an input, and no output may replace it", "name another output")
    refuse_existing(path, overwrite=overwrite)


def require_apart(*outputs: Path | None) -> None:
    """UsageError where two outputs would be one file, by whatever name or link."""
    names = [os.path.realpath(path) for path in outputs if path is not None]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"'{twice}' would be written twice", "give each output a name of its own")


def require_makeable(folder: Path) -> None:
    """CannotCreateError unless outputs can be put into `folder`, or it can be made where it is to be."""
    require_folder(folder if os.path.exists(folder) else folder.parent)


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise CannotCreateError(
            f"folder '{folder}' cannot be created: {error.strerror}", "name another output"
        ) from error
