"""Options of `glmha record`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from glmha_cli.cli.options.shared import Overwrite, ReportOptions


@dataclass(frozen=True, kw_only=True)
class RecordsOptions(ReportOptions):
    records: Annotated[
        list[Path],
        typer.Argument(
            help="Records of one run or several, as --record wrote them; files or URLs.", show_default=False
        ),
    ]


@dataclass(frozen=True, kw_only=True)
class FailedOptions(RecordsOptions):
    null: Annotated[
        bool, typer.Option("--null", "-0", help="End each name with a zero byte, for --files-from - --null.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class MergeOptions(RecordsOptions):
    output: Annotated[Path, typer.Argument(help="File to write.", show_default=False)]
    overwrite: Overwrite = False
