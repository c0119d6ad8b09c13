"""Pictures of curves, by matplotlib, which only the extras install."""

from pathlib import Path
from typing import TYPE_CHECKING

from glmha_cli.errors import UsageError
from glmha_cli.installed import extra_command
from glmha_cli.io.atomic import atomic_output

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_figure(figure: "Figure", path: Path, *, overwrite: bool) -> None:
    """As PNG, or what the suffix says; raises as `atomic_output`."""
    with atomic_output(path, overwrite=overwrite) as temporary:
        figure.savefig(temporary, dpi=110)


def new_figure(width_in: float, height_in: float) -> "Figure":
    """An empty figure of so many inches, without a window behind it; UsageError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise UsageError(f"plotting needs the package {error.name}", extra_command("eval")) from error
    return Figure(figsize=(width_in, height_in), layout="constrained")
