"""`glmha spectrum CUBE --at x,y`: the values of pixels over the wavelengths, as table, CSV or plot.

A value that the file does not have is `nan` in tables and CSV, null in JSON.
"""

import csv
import sys

import numpy as np
from jaxtyping import Float, UInt8
from rich.table import Table

from glmha_cli.batch.checks import require_output
from glmha_cli.cli.cube_colours import in_colours, observed, some_bands, three_bands
from glmha_cli.cli.cube_input import CubeRows, open_input
from glmha_cli.cli.nearby import nearby
from glmha_cli.cli.options import SpectrumOptions
from glmha_cli.cli.output import Output
from glmha_cli.cli.spectrum_plot import draw
from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.evaluation.figure import require_plot, save_figure
from glmha_cli.io.cubes.quantity import quantity_of


def spectrum(options: SpectrumOptions) -> None:
    output = Output(quiet=options.quiet, as_json=options.json)
    if options.plot is not None:
        require_output(options.plot, overwrite=options.overwrite, inputs=[options.input])
        require_plot(options.plot)
    with (
        nearby(options, output, reads=["input"]) as near,
        open_input(near.input, near, output) as cube,
    ):
        spectra = {text: spectrum_at(cube, text) for text in options.at}
        picture = _picture(cube) if options.plot is not None else None
    # Without wavelengths a band has only its number.
    wavelength_nm = cube.facts.wavelength_nm
    name, positions = ("wavelength_nm", wavelength_nm) if wavelength_nm else ("band", range(cube.shape[2]))
    if options.plot is not None and picture is not None:
        figure = draw(name, positions, spectra, picture, quantity_of(cube.facts))
        save_figure(figure, options.plot, overwrite=options.overwrite, dpi=130)
        output.note(f"plot: {options.plot}")
    rows = [[position, *(float(values[i]) for values in spectra.values())] for i, position in enumerate(positions)]
    if options.json:
        for text, values in spectra.items():
            known = [None if np.isnan(value) else float(value) for value in values]
            output.record({"at": text, name: list(positions), "values": known})
    elif options.csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows([[name, *spectra], *rows])
    else:
        table = Table(name, *spectra, box=None, pad_edge=False)
        for position, *at_position in rows:
            table.add_row(f"{position:g}", *(f"{value:.4f}" for value in at_position))
        output.table(table)


def spectrum_at(cube: CubeRows, text: str) -> Float[np.ndarray, " bands"]:
    """The spectrum of pixel "x,y": column and row, counted from 0."""
    height, width = cube.shape[:2]
    parts = text.split(",")
    if len(parts) != 2 or not all(part.strip().isdecimal() for part in parts):
        raise UsageError(f"--at takes a pixel x,y, not '{text}'", f"--at {width // 2},{height // 2}")
    x, y = map(int, parts)
    if x >= width or y >= height:
        raise UsageError(
            f"pixel {text} lies outside the cube of {width} x {height} pixels", f"--at {width // 2},{height // 2}"
        )
    return cube.rows(y, y + 1).values[0, x]


def _picture(cube: CubeRows) -> UInt8[np.ndarray, "h w 3"]:
    """The cube in an observer's colours, or three of its bands where its wavelengths do not tell colours."""
    count = cube.shape[2]
    try:
        chosen = observed(cube.facts, count)
    except BadDataError:
        chosen = three_bands(count, some_bands(count))
    return in_colours(cube, chosen)[0]
