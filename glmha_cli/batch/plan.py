"""From a request to its jobs, with all that can be told of them without opening a file. Nothing is created."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from os.path import exists, realpath  # unlike Path.resolve it bears links that go round in circles
from pathlib import Path, PurePath

from glmha_cli.batch.areas import areas_of, require_areas, with_area, without_areas
from glmha_cli.batch.checks import refuse_inputs_as_outputs, require_file, require_folder, require_makeable
from glmha_cli.batch.companions import files_written, may_be_outputs, refuse_companions, require_companions
from glmha_cli.batch.inputs import Found, Ignored, by_pattern, in_folder
from glmha_cli.batch.jobs import Job, Naming
from glmha_cli.batch.kinds import input_kind, output_kind
from glmha_cli.batch.lists import listed, read_list
from glmha_cli.batch.outputs import planned, without_outputs
from glmha_cli.batch.patterns import is_pattern
from glmha_cli.batch.planned import Jobs, Outputs
from glmha_cli.batch.record import require_name
from glmha_cli.batch.remote import Streamed, in_store, is_folder, why_several
from glmha_cli.batch.request import BatchRequest
from glmha_cli.batch.suffixes import readable_by, suffix_for, writable_by
from glmha_cli.errors import UsageError
from glmha_cli.inference.engine_choice import is_quick
from glmha_cli.inference.tiling import Tiling
from glmha_cli.io import videos
from glmha_cli.io.photos.size import rough_size
from glmha_cli.io.remote.stage import Stage
from glmha_cli.io.stores import is_folder as is_folder_of_files
from glmha_cli.tasks.base import Task

Say = Callable[[str], None]
SAMPLE = 100
"""So many files' headers are looked into for an estimate of all."""


@dataclass(frozen=True)
class Plan:
    """folder: of the outputs, made before the work; None where one output was named, and one job is all there is.

    ignored: what was found beside the inputs, in words; "" where there was nothing.
    """

    jobs: Sequence[Job] | Streamed
    folder: Path | None
    single: bool
    ignored: str = ""

    def is_quick(self, tiling: Tiling) -> bool:
        """Whether the work is done before PyTorch would be loaded, or in tiles too small for it; a video never is, and
        what is still being listed is not known.
        """
        if isinstance(self.jobs, Streamed):
            return False
        names = self.jobs.names.sources if isinstance(self.jobs, Jobs) else [str(job.source) for job in self.jobs]
        has_videos = any(name.lower().endswith(tuple(videos.READABLE)) for name in names)
        return not has_videos and is_quick(self.sizes, tiling, single=self.single)

    @cached_property
    def sizes(self) -> list[tuple[int, int]]:
        """Of some of the images, (h, w), as their headers say."""
        if isinstance(self.jobs, Streamed):
            return []
        sizes = [rough_size(job.source) for job in self.jobs[:: len(self.jobs) // SAMPLE + 1]]
        return [size for size in sizes if 0 not in size]


def make_plan(task: Task, request: BatchRequest, say: Say, stage: Stage | None = None) -> Plan:
    """The jobs of a request; GlmhaError for one that cannot be done, or whose only file cannot."""
    naming, kind = naming_of(task, request), input_kind(task)
    kind.require(request.files)
    if request.record is not None:
        require_name(request.record, {*readable_by(task), *writable_by(task)})
    if request.files.mask is not None:
        require_file(request.files.mask)
    require_areas(task, request.files)
    require_companions(request.files, Path(request.output), single=request.is_single)
    if not request.is_single:
        return _plan_many(request, naming, readable_by(task), say, stage)
    if request.shard is not None:
        raise UsageError("--shard needs several files, and there is one")
    source = Path(request.inputs[0])
    require_file(source)
    jobs = _plan_one(source, request, naming)
    for job in jobs:
        if job.problem is not None:
            raise job.problem
    return Plan(jobs, Path(request.output) if request.makes_folder else None, single=True)


def naming_of(task: Task, request: BatchRequest) -> Naming:
    """How outputs are named; UsageError for an extension that cannot be written."""
    naming = Naming(
        extension_for=suffix_for(task, request),
        suffix=request.suffix,
        writable=writable_by(task),
        kind=output_kind(task).name,
        keep_ext=request.keep_ext,
    )
    if request.extension:
        naming.require_writable(PurePath("output" + request.extension))
    return naming


def _masks(request: BatchRequest) -> list[Path]:
    """Files that are read with every input, so neither inputs nor outputs themselves."""
    return [] if request.files.mask is None else [request.files.mask]


def _outputs(request: BatchRequest, naming: Naming) -> Outputs:
    folder = Path(request.output)
    return Outputs(folder=folder, naming=naming, overwrite=request.overwrite, files=request.files)


def _plan_one(source: Path, request: BatchRequest, naming: Naming) -> Sequence[Job]:
    found, target = Found(source, PurePath(source.name)), Path(request.output)
    if request.makes_folder:
        require_makeable(target)
        return planned([found], _outputs(request, naming), others=_masks(request))
    if request.ext or request.suffix or request.keep_ext:
        raise UsageError(
            f"--ext, --keep-ext and --suffix need an output folder; '{target}' is a file",
            "give the whole name of the output file",
        )
    naming.require_writable(target)
    require_folder(target.parent)
    jobs = [with_area(Job(source, target, found.relative, request.overwrite), request.files.only)]
    written = partial(files_written, files=request.files)
    refuse_inputs_as_outputs(jobs, [*_masks(request), *areas_of(jobs)], written=written)
    refuse_companions(jobs[0], request.files)
    return jobs


def _plan_many(request: BatchRequest, naming: Naming, readable: tuple[str, ...], say: Say, stage: Stage | None) -> Plan:
    folder = Path(request.output)
    if not is_folder_of_files(folder) and (exists(folder) or folder.suffix.lower() in naming.writable):
        raise UsageError(f"{why_several(request.inputs, stage)}; '{folder}' is a file", "name an output folder")
    require_makeable(folder)
    ignored = Ignored()
    found = without_areas(_found(request, folder, readable, say, ignored, stage), request.files.only)
    if masks := {realpath(path) for path in _masks(request)}:
        found = (each for each in found if realpath(each.path) not in masks)
    outputs = _outputs(request, naming)
    if stage is not None and any(stage.holds(Path(text)) for text in request.inputs) and not _mixed(request):
        if may_be_outputs(folder, request.files):
            raise UsageError(
                f"what is written beside cubes of inputs in a store needs a folder apart from '{folder}'",
                "name another folder for --clipped and --uncertainty",
            )
        return Plan(Streamed(Jobs(outputs), found, request.shard), folder, single=False)
    found = without_outputs(found, folder, naming, request.overwrite, say)
    jobs = planned(found, outputs, others=_masks(request))
    _say_changes(jobs, readable, naming, request, say)
    return Plan(jobs.part(request.shard), folder, single=False, ignored=str(ignored))


def _say_changes(jobs: Jobs, readable: tuple[str, ...], naming: Naming, request: BatchRequest, say: Say) -> None:
    """Once, which photos become files of another format, since theirs is only read."""
    suffixes = sorted({os.path.splitext(source)[1].lower() for source in jobs.names.sources} & set(readable))
    changed = {suffix: naming.extension_for(suffix) for suffix in suffixes if suffix not in naming.writable}
    if set(naming.writable) < set(readable) and changed and not request.ext:
        pairs = ", ".join(f"{source} as {target}" for source, target in changed.items())
        say(f"these formats can only be read, so outputs get another one: {pairs} (--ext chooses another)")


def _mixed(request: BatchRequest) -> bool:
    """Whether outputs get into a folder that is searched for inputs."""
    folder = Path(request.output)
    return any(folder == Path(text) or Path(text) in folder.parents for text in request.inputs)


def _found(
    request: BatchRequest, folder: Path, readable: tuple[str, ...], say: Say, ignored: Ignored, stage: Stage | None
) -> Iterator[Found]:
    if request.files_from is not None:
        root = Path(request.inputs[0]) if request.inputs else None
        yield from listed(read_list(request.files_from), null=request.null, root=root, stage=stage)
        return
    for text in request.inputs:
        path = Path(text)
        if stage is not None and stage.holds(path):
            if is_folder(text):
                yield from in_store(
                    path, stage, readable=readable, recursive=request.recursive, leave_out=folder, ignored=ignored
                )
            else:
                yield Found(path, PurePath(path.name))
        elif is_pattern(text):
            yield from by_pattern(text, readable=readable, leave_out=folder, ignored=ignored)
        elif is_folder_of_files(path):
            yield from in_folder(
                path, readable=readable, recursive=request.recursive, leave_out=folder, say=say, ignored=ignored
            )
        else:
            require_file(path)
            yield Found(path, PurePath(path.name))
