"""From the options of a restoring verb to its jobs."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from os.path import exists, isdir, realpath  # unlike Path.resolve it bears links that go round in circles
from pathlib import Path, PurePath

from glmha_cli.batch.checks import refuse_inputs_as_outputs, require_file, require_folder, require_makeable
from glmha_cli.batch.files import DEFAULT_CUBE, READABLE, WRITABLE
from glmha_cli.batch.inputs import Found, by_pattern, in_folder, is_pattern, listed
from glmha_cli.batch.jobs import Job, Naming, Shard
from glmha_cli.batch.plan import plan_batch
from glmha_cli.batch.streams import STDIO
from glmha_cli.cli.restore_options import BatchOptions, shared_inputs
from glmha_cli.errors import NoInputError, UsageError
from glmha_cli.tasks.base import Task

Say = Callable[[str], None]
QUICK_BYTES = 2 * 2**20
"""A JPEG of about six megapixels, a PNG of one."""


@dataclass(frozen=True)
class Plan:
    """folder: of the outputs, made before the work; None where one output was named, and one job is all there is."""

    jobs: list[Job]
    folder: Path | None
    single: bool

    @property
    def is_quick(self) -> bool:
        """Whether loading PyTorch takes longer than the work: one file, and its bytes are not those of many tiles."""
        return self.single and self.jobs[0].source.stat().st_size <= QUICK_BYTES


def make_plan(task: Task, options: BatchOptions, say: Say) -> Plan:
    """The jobs, with all that can be told of them without opening a file. Nothing is created or loaded."""
    naming = naming_of(task, options)
    for path in shared_inputs(options):
        require_file(path)
    if not is_single(options):
        return _plan_many(task, options, naming, say)
    if options.shard is not None:
        raise UsageError("--shard divides many files, and this is one")
    source = Path(options.inputs[0])
    require_file(source)
    jobs = _plan_one(source, options, naming)
    for job in jobs:
        if job.problem is not None:
            raise job.problem
    return Plan(jobs, Path(options.output) if _is_folder(options.output) else None, single=True)


def is_single(options: BatchOptions) -> bool:
    """Whether one file was named, whose failure is the failure of the command."""
    if options.files_from is not None or len(options.inputs) != 1:
        return False
    return not is_pattern(options.inputs[0]) and not isdir(options.inputs[0])


def naming_of(task: Task, options: BatchOptions) -> Naming:
    extension = options.ext and "." + options.ext.lower().lstrip(".")
    default = (lambda suffix: suffix) if task.output_kind == "photo" else (lambda suffix: DEFAULT_CUBE)
    naming = Naming(
        extension_for=(lambda suffix: extension) if extension else default,
        suffix=options.suffix,
        writable=WRITABLE[task.output_kind],
        kind=task.output_kind,
    )
    if extension:
        naming.require_writable(PurePath("output" + extension))
    return naming


def _is_folder(output: str) -> bool:
    return output.endswith(("/", "\\")) or isdir(output)


def _plan_one(source: Path, options: BatchOptions, naming: Naming) -> list[Job]:
    found, target = Found(source, PurePath(source.name)), Path(options.output)
    if _is_folder(options.output):
        require_makeable(target)
        return plan_batch([found], target, naming, overwrite=options.overwrite, others=shared_inputs(options))
    if options.ext or options.suffix:
        raise UsageError(
            f"--ext and --suffix are for folders, and '{target}' is a file", "name the file as it is to be"
        )
    naming.require_writable(target)
    require_folder(target.parent)
    jobs = [Job(source, target, found.relative, options.overwrite)]
    refuse_inputs_as_outputs(jobs, shared_inputs(options))
    return jobs


def _plan_many(task: Task, options: BatchOptions, naming: Naming, say: Say) -> Plan:
    folder = Path(options.output)
    if not isdir(folder) and (exists(folder) or folder.suffix.lower() in naming.writable):
        raise UsageError(f"the inputs are many, and '{folder}' is one file", "name an output folder")
    require_makeable(folder)
    others = {realpath(path) for path in shared_inputs(options)}
    found = [
        each for each in _found(options, folder, READABLE[task.input_kind], say) if realpath(each.path) not in others
    ]
    found = _without_outputs(found, folder, naming, options.overwrite, say)
    jobs = plan_batch(found, folder, naming, overwrite=options.overwrite, others=shared_inputs(options))
    shard = options.shard and parse_shard(options.shard)
    return Plan([job for job in jobs if not shard or shard.has(job.relative)], folder, single=False)


def parse_shard(text: str) -> Shard:
    index, slash, count = text.partition("/")
    if not (slash and index.isdecimal() and count.isdecimal()):
        raise UsageError(f"--shard takes a part and the number of parts, not '{text}'", "--shard 1/4")
    return Shard(int(index), int(count))


def _found(options: BatchOptions, folder: Path, readable: tuple[str, ...], say: Say) -> list[Found]:
    if options.files_from is not None:
        root = Path(options.inputs[0]) if options.inputs else None
        return listed(_read_list(options.files_from), null=options.null, root=root)
    found = []
    for text in options.inputs:
        path = Path(text)
        if is_pattern(text):
            found += by_pattern(text, readable=readable, leave_out=folder)
        elif isdir(path):
            found += in_folder(path, readable=readable, recursive=options.recursive, leave_out=folder, say=say)
        else:
            require_file(path)
            found.append(Found(path, PurePath(path.name)))
    return found


def _read_list(name: str) -> bytes:
    if name == STDIO:
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise NoInputError(f"list '{name}' cannot be opened: {error.strerror or error}") from error


def _without_outputs(found: list[Found], folder: Path, naming: Naming, overwrite: bool, say: Say) -> list[Found]:
    """Results may lie beside their inputs, under other names; the next run must not restore them once more.

    Without a suffix a photo of that name may as well be an input of its own: not to be overwritten for it.
    """
    if overwrite and not naming.suffix:
        return found
    made = {
        realpath(folder / naming(each.relative))
        for each in found
        if each.problem is None and naming(each.relative) != each.relative
    }
    kept = []
    for each in found:
        if realpath(each.path) in made:
            say(f"'{each.path}' is an output of this batch: left alone")
        else:
            kept.append(each)
    return kept
