"""Options of the verbs about cubes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from glmha_cli.cli.options.shared import FILES, Overwrite, ReportOptions


@dataclass(frozen=True, kw_only=True)
class CubeExplained(ReportOptions):
    """What the file of a cube may leave open."""

    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            "--dataset",
            help="Variable or data set that holds the cube, if the file has several.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None
    axes: Annotated[
        str | None,
        typer.Option(
            help="Order of height, width and bands in the file, such as bhw, if the file does not say.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None
    scale: Annotated[
        str | None,
        typer.Option(
            help="Factor that stored numbers are multiplied by: 1e-4, 1/4095, or 12bit for the latter.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None
    unit: Annotated[
        str | None,
        typer.Option(
            help="Unit of wavelengths in files that do not state it: nm or um.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class CubeInput(CubeExplained):
    """A cube, and what its file may leave open."""

    input: Annotated[
        Path,
        typer.Argument(
            help="Cube to read: .tif, .hdr or its data file, .mat, .npy, .npz, .h5, .nc or .zarr.", show_default=False
        ),
    ]


@dataclass(frozen=True, kw_only=True)
class CubeToFile(CubeInput):
    output: Annotated[Path, typer.Argument(help="The file to write.", show_default=False)]
    overwrite: Overwrite = False


@dataclass(frozen=True, kw_only=True)
class ConvertOptions(CubeToFile):
    mat_version: Annotated[
        Literal["5", "7.3"] | None,
        typer.Option(help="Version of a .mat output. Default: 5, or 7.3 from 2 GB on.", show_default=False),
    ] = None
    tiled: Annotated[
        bool, typer.Option("--tiled", help="A .tif output in tiles with overviews, as for the cloud (COG).")
    ] = False


@dataclass(frozen=True, kw_only=True)
class PreviewOptions(CubeToFile):
    output: Annotated[Path, typer.Argument(help="The photo to write, or - for a PNG on stdout.", show_default=False)]
    bands: Annotated[
        str | None,
        typer.Option(
            help="Three bands, counted from 0, as red, green and blue, instead of the colours an observer sees.",
            show_default=False,
        ),
    ] = None
    gain: Annotated[float, typer.Option(help="Brightness: values are multiplied by this.", min=0)] = 1.0


@dataclass(frozen=True, kw_only=True)
class SpectrumOptions(CubeInput):
    at: Annotated[
        list[str],
        typer.Option(help="Pixel x,y (column and row, from 0); may be given several times.", show_default=False),
    ]
    csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values instead of a table.")] = False
    plot: Annotated[
        Path | None, typer.Option(help="Write a plot of the spectra to this .png file.", show_default=False)
    ] = None
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the plot if it exists.")] = False


@dataclass(frozen=True, kw_only=True)
class ViewOptions(CubeExplained):
    cubes: Annotated[
        list[Path],
        typer.Argument(metavar="CUBE [CUBE] [TRUTH]", help="A cube, or up to three of the same size and bands."),
    ]
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The page to write (.html). Default: the cube's name in the current folder.",
            show_default=False,
        ),
    ] = None
    serve: Annotated[
        bool,
        typer.Option(
            "--serve", help="Serve the page on this machine alone, with the spectra of all pixels, until Ctrl-C."
        ),
    ] = False
    port: Annotated[int, typer.Option(help="For --serve. 0: any that is free.", min=0, max=65535)] = 0
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a page that exists.")] = False
