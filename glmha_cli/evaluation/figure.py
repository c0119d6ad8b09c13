"""Pictures of curves, by matplotlib, which only the extras install."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from glmha_cli.errors import UsageError
from glmha_cli.installed import extra_command
from glmha_cli.io.atomic import atomic_output

if TYPE_CHECKING:
    from matplotlib.figure import Figure


PLOTS = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif", ".tif", ".tiff", ".pdf", ".svg", ".svgz", ".eps", ".ps")
"""What a plot can be written as."""


def require_plot(path: Path) -> None:
    """UsageError for a name that does not say as what a plot is to be written, told before the work that fills it."""
    if path.suffix.lower() not in PLOTS:
        raise UsageError(f"cannot write a plot as '{path.name}'", f"use {', '.join(PLOTS)}")


def save_figure(figure: "Figure", path: Path, *, overwrite: bool, dpi: int = 110) -> None:
    """As what the suffix says; raises as `atomic_output`."""
    with atomic_output(path, overwrite=overwrite) as temporary:
        figure.savefig(temporary, dpi=dpi)


def new_figure(width_in: float, height_in: float) -> "Figure":
    """An empty figure of so many inches, without a window behind it; UsageError without matplotlib."""
    try:
        figure = _figure_class()
    except ModuleNotFoundError as error:
        raise UsageError(f"plotting needs the package {error.name}", extra_command("eval")) from error
    return figure(figsize=(width_in, height_in), layout="constrained")


def _figure_class() -> "type[Figure]":
    try:
        from matplotlib.figure import Figure
    except ValueError:  # MPLBACKEND names a backend that is not installed here, as the shells of notebooks do
        os.environ["MPLBACKEND"] = "agg"
        from matplotlib.figure import Figure
    return Figure
