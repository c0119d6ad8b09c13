"""Which output each input gets. Nothing is opened, created or loaded."""

import os
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path, PurePath

from glmha_cli.batch.areas import areas_of
from glmha_cli.batch.checks import refuse_inputs_as_outputs, require_file, require_folder, require_free
from glmha_cli.batch.inputs import Found
from glmha_cli.batch.jobs import Job
from glmha_cli.batch.planned import Jobs, Outputs


def plan_file(source: Path, target: Path, *, suffix_for: Callable[[str], str], overwrite: bool) -> list[Job]:
    """The one job of a file, checked as far as possible before any work; into a folder it keeps its name."""
    require_file(source)
    if os.path.isdir(target):
        target = target / (source.stem + suffix_for(source.suffix))
    require_folder(target.parent)
    job = Job(source, target, PurePath(source.name), overwrite)
    refuse_inputs_as_outputs([job])
    require_free([job])
    return [job]


def planned(found: Iterable[Found], outputs: Outputs, *, others: Iterable[Path] = ()) -> Jobs:
    """A job for each input, its output in the folder under the same relative path. Nothing is created.

    Raises UsageError for two inputs with one output, and for an output that is an input, a mask or one of `others`.
    """
    jobs = Jobs(outputs)
    for each in found:
        jobs.add(each)
    masks = areas_of(jobs) if outputs.only is not None else ()
    if os.path.exists(outputs.folder):
        refuse_inputs_as_outputs(jobs, chain(others, masks))
    return jobs
