"""`glmha record`: what the records of runs say, what is left to do, and several as one."""

import json
import sys
from pathlib import Path

from glmha_cli.batch import records
from glmha_cli.batch.parquet import write_parquet
from glmha_cli.cli.options import FailedOptions, MergeOptions, RecordsOptions, ReportOptions
from glmha_cli.cli.output import Output, printable
from glmha_cli.errors import UsageError
from glmha_cli.io.atomic import atomic_output

REASONS_SHOWN = 10


def alone(options: ReportOptions) -> None:
    raise UsageError("`glmha record` needs to know what to do", "glmha record summary run.jsonl")


def summary(options: RecordsOptions) -> None:
    """Counts and reasons on stdout."""
    output = Output(quiet=options.quiet, as_json=options.json)
    totals = records.totals(options.records).plain()
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
    for state in records.to_do(options.records):
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
    written = 0
    with atomic_output(checked(options), overwrite=options.overwrite) as temporary, temporary.open("w") as file:
        for line in records.merged(options.records):
            file.write(json.dumps(line) + "\n")
            written += 1
    tell(options, written)


def to_parquet(options: MergeOptions) -> None:
    """The same lines as `merge` writes, as a table."""
    with atomic_output(checked(options), overwrite=options.overwrite) as temporary:
        written = write_parquet(records.merged(options.records), temporary)
    tell(options, written)


def checked(options: MergeOptions) -> Path:
    """The output; UsageError where it is one of the records, which would be replaced while it is read."""
    if any(record.resolve() == options.output.resolve() for record in options.records):
        raise UsageError(f"the output '{options.output}' is one of the records", "give the output another name")
    return options.output


def tell(options: MergeOptions, written: int) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    output.note(f"{options.output}: {written} lines of {len(options.records)} records")
    output.record({"output": str(options.output), "lines": written})
