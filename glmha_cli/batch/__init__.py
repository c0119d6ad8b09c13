"""Many files through one model.

from glmha_cli.batch import BatchRequest, Loader, run
from glmha_cli.tasks.derain import DERAIN
summary = run(BatchRequest(inputs=["photos/"], output="restored/"), Loader(task=DERAIN))
"""

from typing import Any

_PUBLIC = {
    "BatchRequest": "glmha_cli.batch.request:BatchRequest",
    "FileOptions": "glmha_cli.batch.files:FileOptions",
    "Loader": "glmha_cli.inference.loader:Loader",
    "Outcome": "glmha_cli.batch.report:Outcome",
    "Reporter": "glmha_cli.batch.report:Reporter",
    "Summary": "glmha_cli.batch.report:Summary",
    "run": "glmha_cli.batch.runner:run",
}
__all__ = ["BatchRequest", "FileOptions", "Loader", "Outcome", "Reporter", "Summary", "run"]


def __getattr__(name: str) -> Any:
    """Imported when asked for, as the package's own names are."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'glmha_cli.batch' has no attribute '{name}'")
    from glmha_cli.lookup import import_target

    return import_target(_PUBLIC[name])
