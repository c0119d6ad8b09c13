"""The weights that computing options mean, and the engine that runs them."""

from glmha_cli.cli.options import ComputeOptions
from glmha_cli.inference.engine import Engine, EngineOptions, formats_for, open_engine
from glmha_cli.tasks.base import Task
from glmha_cli.weights.store import Access, Weights, find_weights


def weights_for(task: Task, options: ComputeOptions, access: Access, *, quick: bool) -> Weights:
    """The checkpoint, in a format that the engine asked for can load. quick: for one small input."""
    formats = formats_for(options.engine, engine_options(options), quick=quick)
    return find_weights(options.model, task=task.name, device=options.device, formats=formats, access=access)


def engine_for(weights: Weights, options: ComputeOptions) -> Engine:
    return open_engine(weights.path, engine_options(options))


def engine_options(options: ComputeOptions) -> EngineOptions:
    return EngineOptions(device=options.device, precision=options.precision)
