"""What all verbs take that work on many files."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from glmha_cli.cli.options.shared import FILES

BATCH = "Batches"


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """Which files, and what to do about those that are there already or that fail. None of it changes a result."""

    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Files, folders, quoted patterns such as 'in/**/*.png', or - for stdin.",
            show_default=False,
        ),
    ] = field(default_factory=list)
    output: Annotated[
        str, typer.Argument(metavar="OUTPUT", help="The file to write, a folder, or - for stdout.", show_default=False)
    ]
    ext: Annotated[
        str | None,
        typer.Option(
            help=(
                "In folders and on stdout: extension of the outputs, such as .png. Default: that of the input "
                "(photos), .tif (cubes)."
            ),
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None
    suffix: Annotated[
        str,
        typer.Option(
            help="In folders: text added to the stem of each output, such as _clean.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = ""
    keep_ext: Annotated[
        bool,
        typer.Option(
            "--keep-ext",
            help="In folders: where an output has another extension, keep that of the input too: IMG_1.HEIC.jpg.",
            rich_help_panel=FILES,
        ),
    ] = False
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace outputs that exist.", rich_help_panel=FILES)
    ] = False
    recursive: Annotated[
        bool,
        typer.Option(
            "--recursive", "-r", help="Include sub-folders; the output folder mirrors them.", rich_help_panel=BATCH
        ),
    ] = False
    files_from: Annotated[
        str | None,
        typer.Option(
            help="Read the inputs from this list, one per line; - for stdin. INPUT, if given, is the folder to mirror.",
            show_default=False,
            rich_help_panel=BATCH,
        ),
    ] = None
    null: Annotated[
        bool,
        typer.Option(
            "--null",
            "-0",
            help="Names in the list end with a zero byte, as printed by find -print0.",
            rich_help_panel=BATCH,
        ),
    ] = False
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", help="Go on with what comes into the folder, until Ctrl-C or SIGTERM.", rich_help_panel=BATCH
        ),
    ] = False
    shard: Annotated[
        str | None,
        typer.Option(
            help="Process only part i of n, such as 1/4; the division is the same on every machine.",
            show_default=False,
            rich_help_panel=BATCH,
        ),
    ] = None
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Check everything and print what would be done, without doing it.", rich_help_panel=BATCH
        ),
    ] = False
    record: Annotated[
        Path | None,
        typer.Option(
            help="Append one JSON line per file to this record (.jsonl).", show_default=False, rich_help_panel=BATCH
        ),
    ] = None
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write a page that shows each file before and after: a file .html, or a folder for large batches.",
            show_default=False,
            rich_help_panel=BATCH,
        ),
    ] = None
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Skip files that the record proves to be done with the same input, weights and options.",
            rich_help_panel=BATCH,
        ),
    ] = False
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first file that fails.", rich_help_panel=BATCH)
    ] = False
    max_failures: Annotated[
        int | None,
        typer.Option(help="Stop once this many files have failed.", min=1, show_default=False, rich_help_panel=BATCH),
    ] = None
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Let a Ray cluster do the work: ray for the one that RAY_ADDRESS names or one on this machine, or "
            "ray://HOST:PORT.",
            show_default=False,
            rich_help_panel=BATCH,
        ),
    ] = None
    actors: Annotated[
        int | None,
        typer.Option(
            help="Processes on the cluster, each with the network loaded. Default: as many as there is room for.",
            min=1,
            show_default=False,
            rich_help_panel=BATCH,
        ),
    ] = None
    cpus_per_actor: Annotated[
        float | None,
        typer.Option(help="CPUs of each, also a part of one. Default: 1.", show_default=False, rich_help_panel=BATCH),
    ] = None
    gpus_per_actor: Annotated[
        float | None,
        typer.Option(help="GPUs of each, also a part of one. Default: 0.", show_default=False, rich_help_panel=BATCH),
    ] = None
