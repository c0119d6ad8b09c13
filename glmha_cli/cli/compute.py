"""What computing options mean: how to compute, and with which weights."""

from glmha_cli.cli.options import ComputeOptions
from glmha_cli.inference.engine import EngineOptions, formats_for
from glmha_cli.inference.tiling import Tiling
from glmha_cli.tasks.base import Task
from glmha_cli.weights.store import Access, Weights, find_weights


def weights_for(task: Task, options: ComputeOptions, access: Access, *, quick: bool) -> Weights:
    """The checkpoint, in a format that the engine asked for can load. quick: for one small input."""
    formats = formats_for(engine_options(options), quick=quick)
    return find_weights(options.model, task=task.name, device=options.device, formats=formats, access=access)


def engine_options(options: ComputeOptions) -> EngineOptions:
    """Raises UsageError for a value that there is not."""
    tiling = Tiling.parse(options.tile, options.overlap)
    return EngineOptions(engine=options.engine, device=options.device, precision=options.precision, tiling=tiling)
