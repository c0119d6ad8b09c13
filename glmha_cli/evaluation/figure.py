"""Pictures of curves, by matplotlib, which only the extras install."""

from typing import TYPE_CHECKING

from glmha_cli.errors import UsageError
from glmha_cli.installed import extra_command

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width_in: float, height_in: float) -> "Figure":
    """An empty figure of so many inches, without a window behind it; UsageError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise UsageError(f"plotting needs the package {error.name}", extra_command("eval")) from error
    return Figure(figsize=(width_in, height_in), layout="constrained")
