"""The model that computing options mean: where it comes from, where it is run, and in what tiles and scales."""

from glmha_cli.cli.models import access_of
from glmha_cli.cli.options import ComputeOptions
from glmha_cli.cli.output import Output
from glmha_cli.inference.cpus import wait_without_spinning
from glmha_cli.inference.engine import EngineOptions
from glmha_cli.inference.loader import Loader
from glmha_cli.inference.scales import Scales
from glmha_cli.inference.tiling import tiling_for
from glmha_cli.tasks.base import Task


def loader_of(
    task: Task, options: ComputeOptions, output: Output, *, project: bool = True, scale: str = "auto"
) -> Loader:
    """Raises UsageError for tiles and scales that cannot be."""
    wait_without_spinning()
    return Loader(
        task=task,
        model=options.model,
        engine=EngineOptions(
            engine=options.engine,
            device=options.device,
            precision=options.precision,
            tiling=tiling_for(task, options.tile, options.overlap),
            scales=Scales.parse(scale),
        ),
        access=access_of(options, output),
        project=project,
    )
