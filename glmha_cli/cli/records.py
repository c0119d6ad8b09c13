"""`glmha record`: what the records of runs say, what is left to do, and several as one."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from glmha_cli.batch import records
from glmha_cli.batch.parquet import write_parquet
from glmha_cli.batch.record import Line
from glmha_cli.cli.nearby import nearby
from glmha_cli.cli.options import FailedOptions, MergeOptions, RecordsOptions, ReportOptions
from glmha_cli.cli.output import Output, printable
from glmha_cli.errors import UsageError
from glmha_cli.io.atomic import atomic_output
from glmha_cli.io.remote.url import url_text

REASONS_SHOWN = 10


def alone(options: ReportOptions) -> None:
    raise UsageError("`glmha record` needs to know what to do", "glmha record summary run.jsonl")


def summary(options: RecordsOptions) -> None:
    """Counts and reasons on stdout."""
    output = Output(quiet=options.quiet, as_json=options.json)
    with nearby(options, output, reads=["records"]) as near:
        totals = records.totals(near.records).plain()
    output.record(totals)
    if options.json:
        return
    output.line(
        f"{totals['files']} files: {totals['ok']} done, {totals['failed']} failed, {totals['unfinished']} unfinished"
    )
    if totals["files"]:
        output.line(f"{totals['seconds']} s of work, {totals['first']} to {totals['last']}")
    for reason, count in list(totals["reasons"].items())[:REASONS_SHOWN]:
        output.line(f"{count:7d}  {reason}")
    if len(totals["reasons"]) > REASONS_SHOWN:
        output.line(f"and {len(totals['reasons']) - REASONS_SHOWN} other reasons: --json lists them all")


def failed(options: FailedOptions) -> None:
    """The inputs alone on stdout, as `--files-from` takes them."""
    output = Output(quiet=options.quiet, as_json=options.json)
    with nearby(options, output, reads=["records"]) as near:
        states = list(records.to_do(near.records))
    for state in states:
        if options.json:
            output.record({"input": state.input, "status": state.status, "reason": state.reason})
        elif options.null:
            sys.stdout.buffer.write(state.input.encode(errors="surrogateescape") + b"\0")
        elif printable(state.input) != state.input:
            raise UsageError("a name holds characters that end or change lines", "--null, here and with --files-from")
        else:
            output.line(state.input)


def merge(options: MergeOptions) -> None:
    """One record, whole or not at all."""

    def write(lines: Iterable[Line], path: Path) -> int:
        with path.open("w") as file:
            return sum(file.write(json.dumps(line) + "\n") > 0 for line in lines)

    written_as(options, write)


def to_parquet(options: MergeOptions) -> None:
    """The same lines as `merge` writes, as a table."""
    written_as(options, write_parquet)


def written_as(options: MergeOptions, write: Callable[[Iterable[Line], Path], int]) -> None:
    """The merged records by what writes lines and returns how many; UsageError where the output is one of the records,
    which would be replaced while it is read.
    """
    output = Output(quiet=options.quiet, as_json=options.json)
    if any(record.resolve() == options.output.resolve() for record in options.records):
        raise UsageError(f"the output '{options.output}' is one of the records", "give the output another name")
    with (
        nearby(options, output, reads=["records"], writes=["output"]) as near,
        atomic_output(near.output, overwrite=near.overwrite) as temporary,
    ):
        lines = write(records.merged(near.records), temporary)
    output.note(f"{url_text(options.output)}: {lines} lines of {len(options.records)} records")
    output.record({"output": url_text(options.output), "lines": lines})
