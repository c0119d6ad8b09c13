"""Who is told of a restoring run, and what cannot be told at once."""

from glmha_cli.batch.checks import require_apart
from glmha_cli.batch.report import Reporter, Reporters
from glmha_cli.batch.report_page import ReportPage
from glmha_cli.batch.request import STDIO, BatchRequest
from glmha_cli.cli.options.restoring import RestoreOptions
from glmha_cli.cli.output import Output
from glmha_cli.cli.tally import Tally
from glmha_cli.cli.terminal import TerminalPreview
from glmha_cli.errors import UsageError
from glmha_cli.inference.loader import Loader


def require_possible(options: RestoreOptions) -> None:
    """UsageError for options that exclude each other."""
    if options.output == STDIO and options.json:
        raise UsageError(
            "--json cannot be used when the result is written to stdout", "leave out --json, or name an output file"
        )
    if options.preview and options.json:
        raise UsageError("--preview and --json both write to stdout", "leave out one of them")
    if options.cluster and (options.report or options.preview or options.watch):
        raise UsageError("a cluster sends no pictures, and is not kept waiting", "no --report, --preview, --watch")
    require_apart(options.record, options.report)
    if options.watch and (options.report or options.preview):
        raise UsageError("--watch has no end at which a report could be written", "leave out --report and --preview")


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
