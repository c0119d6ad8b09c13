"""The restoring verbs, one per task: files in, files out."""

from contextlib import closing
from dataclasses import asdict, replace
from os.path import isdir
from pathlib import Path

from glmha_cli import __version__
from glmha_cli.batch.checks import make_folder, require_free
from glmha_cli.batch.jobs import Job
from glmha_cli.batch.pipeline import run_jobs
from glmha_cli.batch.record import Line, Record, read_record, split_done
from glmha_cli.batch.streams import STDIO, standard_streams
from glmha_cli.cli.compute import engine_options, weights_for
from glmha_cli.cli.models import access_of
from glmha_cli.cli.output import Output
from glmha_cli.cli.plan import is_single, make_plan, naming_of
from glmha_cli.cli.restore_options import NEUTRAL, BatchOptions, RestoreOptions, shared_inputs
from glmha_cli.cli.tally import Tally
from glmha_cli.cli.worker import Worker
from glmha_cli.errors import UsageError
from glmha_cli.inference.engine import EngineOptions
from glmha_cli.inference.restorer import open_restorer
from glmha_cli.interrupts import unwinding
from glmha_cli.io.cubes.cube import files_of
from glmha_cli.io.measurements import read_mask
from glmha_cli.tasks.base import Task
from glmha_cli.weights.integrity import sha256_of
from glmha_cli.weights.store import Weights


def restore(task: Task, options: RestoreOptions) -> int:
    """Restore files, or standard streams by way of files."""
    compute = engine_options(options)
    require_consistent(options)
    if STDIO not in (*options.inputs, options.output):
        with unwinding():
            return restore_files(task, options, compute, Output(quiet=options.quiet, as_json=options.json))
    require_alone(task, options)
    with unwinding(), standard_streams() as streams:
        sends = options.output == STDIO
        if list(options.inputs) == [STDIO]:
            options = replace(options, inputs=[str(streams.receive())])
        if sends:
            suffix = naming_of(task, options).extension_for(Path(options.inputs[0]).suffix)
            target = streams.target(suffix)
            if len(files_of(target)) > 1:
                raise UsageError("ENVI's format is two files, and stdout is one", "--ext tif, or name an output file")
            options = replace(options, output=str(target), ext=None)
        output = Output(quiet=options.quiet, as_json=options.json, names=streams.names)
        code = restore_files(task, options, compute, output)
        if sends:
            streams.send(Path(options.output))
        return code


def require_consistent(options: BatchOptions) -> None:
    """UsageError for options that do not go together."""
    if not options.inputs and options.files_from is None:
        raise UsageError("an input and an output are needed", "glmha derain in.png out.png")
    if options.files_from is not None and (
        len(options.inputs) > 1 or (options.inputs and not isdir(options.inputs[0]))
    ):
        raise UsageError(
            "--files-from takes the folder of the files as input, or none", "--files-from LIST [FOLDER] OUTPUT"
        )
    if options.resume and options.record is None:
        raise UsageError("--resume goes by a record", "--record run.jsonl --resume, from the first run on")
    if options.null and options.files_from is None:
        raise UsageError("--null is about --files-from", "find … -print0 | glmha … --files-from - --null")


def require_alone(task: Task, options: BatchOptions) -> None:
    """UsageError for what a standard stream cannot do."""
    if list(options.inputs) != [STDIO] and not is_single(options):
        raise UsageError("`-` stands for one photo", "one input, one output")
    if any((options.record, options.shard, options.dry_run, options.suffix)):
        raise UsageError("--record, --shard, --dry-run and --suffix are for files, not for `-`")
    if list(options.inputs) == [STDIO] and task.input_kind != "photo":
        raise UsageError(f"{task.name} reads measurements from files alone", f"glmha {task.name} measurement.mat …")
    if list(options.inputs) == [STDIO] and options.output != STDIO and isdir(options.output):
        raise UsageError("a photo from stdin has no name", f"name the output: {options.output}/out.png")
    if options.output == STDIO and options.json:
        raise UsageError("stdout takes the result, so --json has no place", "leave out --json, or name an output file")


def restore_files(task: Task, options: RestoreOptions, compute: EngineOptions, output: Output) -> int:
    """Plan all files, find the weights, and only then load the network and work."""
    plan = make_plan(task, options, output.warning)
    tally = Tally(output, total=len(plan.jobs), single=plan.single)
    access = access_of(replace(options, offline=options.offline or options.dry_run), output)
    jobs, weights, settings = plan.jobs, None, {}
    if options.record is not None and not (options.dry_run and not options.resume):
        weights = weights_for(task, options, access, quick=plan.is_quick)
        settings = settings_of(task, options, weights)
    if options.resume:
        done, jobs = split_done(jobs, read_record(options.record), settings)
        tally.skip(done)
    require_free(jobs)
    if options.dry_run:
        return tally.show(jobs)
    weights = weights or weights_for(task, options, access, quick=plan.is_quick)
    if plan.folder is not None:
        make_folder(plan.folder)
    record = options.record and Record(options.record)
    try:
        if jobs:
            run(task, options, compute, jobs, weights, tally, record, settings)
    finally:
        tally.summarise()
    return tally.exit_code


def run(
    task: Task,
    options: RestoreOptions,
    compute: EngineOptions,
    jobs: list[Job],
    weights: Weights,
    tally: Tally,
    record: Record | None,
    settings: Line,
) -> None:
    """Load the network and do the jobs, until as many have failed as may fail."""
    output = tally.output
    for path in shared_inputs(options):
        read_mask(path)  # once before the network is loaded, rather than as the failure of every file
    restorer = open_restorer(task, weights.path, compute, project=options.project, say=output.warning)
    most_failures = 1 if options.fail_fast else options.max_failures
    with output.progress() as progress:
        worker = Worker(restorer, weights, options, tally, progress, record=record, settings=settings)
        with closing(run_jobs(jobs, worker)) as outcomes:
            for outcome in outcomes:
                if tally.single and outcome.error is not None:
                    raise outcome.error
                if len(tally.failures) == most_failures:
                    break


def settings_of(task: Task, options: RestoreOptions, weights: Weights) -> Line:
    """All that an output depends on beside its input; of files, such as a mask, their content."""
    settings = {"glmha": __version__, "task": task.name, "weights_sha256": weights.sha256}
    for name, value in asdict(options).items():
        if name not in NEUTRAL:
            settings[name] = sha256_of(value) if isinstance(value, Path) else value
    return settings
