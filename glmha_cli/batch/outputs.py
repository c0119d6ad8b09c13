"""Which output each input gets. Nothing is opened, created or loaded."""

import os
from collections.abc import Callable, Container, Iterable, Iterator
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path, PurePath

from glmha_cli.batch.areas import areas_of
from glmha_cli.batch.checks import refuse_inputs_as_outputs, require_file, require_folder, require_free
from glmha_cli.batch.companions import companions_of, files_written, may_be_outputs, places_beside
from glmha_cli.batch.inputs import Found
from glmha_cli.batch.jobs import Job, Naming
from glmha_cli.batch.planned import Jobs, Names, Outputs
from glmha_cli.errors import UsageError
from glmha_cli.io.stores import is_folder

Say = Callable[[str], None]


def plan_file(source: Path, target: Path, *, suffix_for: Callable[[str], str], overwrite: bool) -> list[Job]:
    """The one job of a file, checked as far as possible before any work; into a folder it keeps its name."""
    require_file(source)
    if is_folder(target):
        target = target / (source.stem + suffix_for(source.suffix))
    require_folder(target.parent)
    job = Job(source, target, PurePath(source.name), overwrite)
    refuse_inputs_as_outputs([job], advice="name another output")
    require_free([job])
    return [job]


def planned(found: Iterable[Found], outputs: Outputs, *, others: Iterable[Path] = ()) -> Jobs:
    """A job for each input, its output in the folder under the same relative path. Nothing is created.

    Raises UsageError for two files that would be written under one name, and for one that is an input, a mask or one of
    `others`.
    """
    jobs, files = Jobs(outputs), outputs.files
    for each in found:
        jobs.add(each)
    masks = areas_of(jobs) if files.only is not None else ()
    _refuse_companions_as_outputs(jobs)
    if any(map(os.path.exists, [outputs.folder, *places_beside(files)])):
        refuse_inputs_as_outputs(jobs, chain(others, masks), written=partial(files_written, files=files))
    return jobs


def _refuse_companions_as_outputs(jobs: Jobs) -> None:
    """UsageError where what is written beside one cube would be another cube."""
    files, folder, real = jobs.outputs.files, Path(os.path.realpath(jobs.outputs.folder)), _real()
    if not may_be_outputs(folder, files):
        return
    for job in jobs:
        for path in (Path(real(each)) for each in companions_of(job, files)):
            if path.is_relative_to(folder) and jobs.writes(path.relative_to(folder)):
                raise UsageError(f"'{path}' would be written twice, as a cube and beside one", "name another output")


def without_outputs(found: Iterable[Found], folder: Path, naming: Naming, overwrite: bool, say: Say) -> Iterable[Found]:
    """Results may lie beside their inputs, under other names; the next run must not restore them once more.

    Without a suffix a photo of that name may as well be an input of its own: not to be overwritten for it.
    """
    if not os.path.exists(folder) or (overwrite and not naming.suffix):
        return found
    found, real = Names(found), _real()
    made = {
        real(folder / naming(each.relative))
        for each in found
        if each.problem is None and naming(each.relative) != each.relative
    }
    return _but_outputs(found, made, real, say) if made else found


def _but_outputs(
    found: Iterable[Found], made: Container[str], real: Callable[[Path], str], say: Say
) -> Iterator[Found]:
    for each in found:
        if real(each.path) in made:
            say(f"'{each.path}' is an output of this batch: not used as an input")
        else:
            yield each


def _real() -> Callable[[Path], str]:
    """As `realpath`, which goes through all folders for each file; here those of one folder have them in common."""
    folder_of = lru_cache(1024)(os.path.realpath)

    def real(path: Path) -> str:
        return os.path.realpath(path) if os.path.islink(path) else os.path.join(folder_of(str(path.parent)), path.name)

    return real
