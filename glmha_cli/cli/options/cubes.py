"""Options of the verbs about cubes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from glmha_cli.cli.options.shared import ReportOptions


@dataclass(frozen=True, kw_only=True)
class CubeToFile(ReportOptions):
    input: Annotated[Path, typer.Argument(help="A cube: .tif, .hdr, .img, .mat, .npy or .npz.", show_default=False)]
    output: Annotated[Path, typer.Argument(help="The file to write.", show_default=False)]
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")] = False


@dataclass(frozen=True, kw_only=True)
class ConvertOptions(CubeToFile):
    mat_version: Annotated[
        Literal["5", "7.3"] | None,
        typer.Option(help="Version of a .mat output. Default: 5, from 2 GB on 7.3.", show_default=False),
    ] = None


@dataclass(frozen=True, kw_only=True)
class PreviewOptions(CubeToFile):
    bands: Annotated[
        str | None,
        typer.Option(
            help="Three bands, counted from 0, as red, green and blue, instead of the colours an observer sees.",
            show_default=False,
        ),
    ] = None
    gain: Annotated[float, typer.Option(help="Brightness: values are multiplied by this.", min=0)] = 1.0


@dataclass(frozen=True, kw_only=True)
class SpectrumOptions(ReportOptions):
    input: Annotated[Path, typer.Argument(help="A cube: .tif, .hdr, .img, .mat, .npy or .npz.", show_default=False)]
    at: Annotated[
        list[str],
        typer.Option(help="Pixel x,y (column and row, from 0); may be given several times.", show_default=False),
    ]
    csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values instead of a table.")] = False
    plot: Annotated[Path | None, typer.Option(help="Draw the spectra here (.png).", show_default=False)] = None
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the plot if it exists.")] = False
