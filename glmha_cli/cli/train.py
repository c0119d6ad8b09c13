"""`glmha train RECIPE`: a checkpoint from photos, pairs or cubes."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.progress import Progress

from glmha_cli.cli.models import access_of
from glmha_cli.cli.options import TrainOptions
from glmha_cli.cli.options.training import DataOptions
from glmha_cli.cli.output import Output
from glmha_cli.errors import UsageError
from glmha_cli.installed import extra_command
from glmha_cli.training.data.found import DataPaths
from glmha_cli.training.recipe import Recipe, load_recipe
from glmha_cli.training.settings import Machine, RunSettings
from glmha_cli.weights.store import find_weights


def train_verb(options: TrainOptions) -> None:
    start = time.monotonic()
    try:
        from lightning.pytorch.utilities import rank_zero_only

        from glmha_cli.training.run import train
    except ModuleNotFoundError as error:
        raise UsageError(f"training needs the package {error.name}", extra_command("train")) from error
    # Of several --devices each has a process that comes here; the first one speaks.
    first = getattr(rank_zero_only, "rank", 0) == 0
    output = Output(quiet=options.quiet or not first, as_json=options.json and first)
    recipe, run = recipe_of(options), run_of(options, output)
    if run.max_minutes is not None:
        run = replace(run, max_minutes=max(0.0, run.max_minutes - (time.monotonic() - start) / 60))
    quiet_lightning()
    with output.progress() as progress:
        reporter = TerminalReporter(output, progress)
        best = train(recipe, data_of(options), run, machine=machine_of(options), reporter=reporter)
    output.record({"weights": str(best), "run_dir": str(run.folder)})
    output.note(f"best weights so far: {best} (curve: {run.folder / 'curve.png'})")


def quiet_lightning() -> None:
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)


def recipe_of(options: TrainOptions) -> Recipe:
    return with_masks(load_recipe(options.recipe), options.masks).adjusted(
        steps=options.steps,
        learning_rate=options.learning_rate,
        seed=options.seed,
        attention=options.attention,
    )


def with_masks(recipe: Recipe, masks: Sequence[Path]) -> Recipe:
    """For snapshots through these, if there are any."""
    if not masks:
        return recipe
    return replace(recipe, degradation={**recipe.degradation, "masks": [str(path) for path in masks]})


def data_of(options: DataOptions) -> DataPaths:
    return DataPaths(
        images=options.images,
        cubes=options.cubes,
        spectra=options.spectra,
        pairs=options.pairs,
        validate_pairs=options.validate_pairs,
    )


def run_of(options: TrainOptions, output: Output) -> RunSettings:
    start_from = None
    if options.start_from:  # may be weights of another task
        start_from = find_weights(options.start_from, task=None, access=access_of(options, output)).path
    return RunSettings(
        folder=options.run_dir or Path("runs") / Path(options.recipe).stem,
        resume=options.resume,
        start_from=start_from,
        max_minutes=options.max_minutes,
    )


def machine_of(options: TrainOptions) -> Machine:
    return Machine(
        device=options.device,
        num_devices=options.devices,
        precision=options.precision,
        compiled=options.compile,
        num_workers=options.workers,
    )


class TerminalReporter:
    """A line for each validation, and a bar that begins where the run does, with its steps per second."""

    def __init__(self, output: Output, progress: Progress) -> None:
        self.output, self.progress = output, progress

    def validated(self, row: Mapping[str, float]) -> None:
        figures = ", ".join(f"{name} {value:.4g}" for name, value in row.items() if name not in ("step", "minutes"))
        self.output.note(f"step {row['step']:.0f}, {row['minutes']:.1f} min: {figures}")

    def step_done(self, done: int, total: int) -> None:
        if not self.progress.tasks:
            self.progress.add_task("training", total=total, completed=done)
        (task,) = self.progress.tasks
        self.progress.update(task.id, completed=done)
        self.progress.update(task.id, description=f"training, {task.speed or 0:.2f} steps/s")

    def warn(self, text: str) -> None:
        self.output.warning(text)
