"""The restoring verbs, one per task: files in, files out."""

from glmha_cli.batch.jobs import Shard
from glmha_cli.batch.report import Reporter, Reporters
from glmha_cli.batch.report_page import ReportPage
from glmha_cli.batch.request import STDIO, BatchRequest
from glmha_cli.batch.runner import run
from glmha_cli.batch.watch import watch
from glmha_cli.cli.compute import loader_of
from glmha_cli.cli.options.restoring import FromMeasurement, RestoreOptions
from glmha_cli.cli.output import Output
from glmha_cli.cli.sci_check import check
from glmha_cli.cli.tally import Tally
from glmha_cli.cli.terminal import TerminalPreview
from glmha_cli.errors import UsageError
from glmha_cli.inference.loader import Loader
from glmha_cli.interrupts import unwinding
from glmha_cli.tasks.base import Task

SOME_FAILED = 1


def restore(task: Task, options: RestoreOptions) -> int:
    """The exit code: 0, or 1 where files of several have failed."""
    if options.output == STDIO and options.json:
        raise UsageError(
            "--json cannot be used when the result is written to stdout", "leave out --json, or name an output file"
        )
    if options.preview and options.json:
        raise UsageError("--preview and --json both write to stdout", "leave out one of them")
    output = Output(quiet=options.quiet, as_json=options.json)
    if isinstance(options, FromMeasurement) and options.check:
        return check(options, output)
    loader = loader_of(task, options, output, project=options.projects, scale=options.working_scale)
    request = request_of(options)
    if options.watch and (options.report or options.preview):
        raise UsageError("--watch has no end at which a report could be written", "leave out --report and --preview")
    if options.watch:
        with unwinding():
            watch(request, loader, Tally(output))
    with unwinding():
        summary = run(request, loader, reporter_of(options, request, loader, output))
    return SOME_FAILED if summary.failures else 0


def reporter_of(options: RestoreOptions, request: BatchRequest, loader: Loader, output: Output) -> Reporter:
    """Who is told of the run: the terminal, and who shows pictures, if that is asked for."""
    reporters: list[Reporter] = [Tally(output)]
    if options.preview:
        reporters.append(TerminalPreview(output))
    if options.report is not None:
        settings = {"task": loader.task.name, **loader.settings(), **request.files.choices()}
        page = ReportPage(options.report, settings=settings, overwrite=options.overwrite, say=output.note)
        reporters.append(page)
    return Reporters(*reporters)


def request_of(options: RestoreOptions) -> BatchRequest:
    return BatchRequest(
        inputs=options.inputs,
        output=options.output,
        files=options.files(),
        ext=options.ext,
        suffix=options.suffix,
        keep_ext=options.keep_ext,
        overwrite=options.overwrite,
        recursive=options.recursive,
        files_from=options.files_from,
        null=options.null,
        shard=Shard.parse(options.shard) if options.shard else None,
        dry_run=options.dry_run,
        record=options.record,
        resume=options.resume,
        max_failures=1 if options.fail_fast else options.max_failures,
        hashes=options.json,
    )
