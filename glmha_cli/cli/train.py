"""`glmha train RECIPE`: a checkpoint from photos, pairs or cubes."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from rich.progress import Progress

from glmha_cli.cli.models import access_of
from glmha_cli.cli.options import TrainOptions
from glmha_cli.cli.output import Output
from glmha_cli.errors import UsageError
from glmha_cli.weights.store import find_weights


def train_verb(options: TrainOptions) -> None:
    start = time.monotonic()
    try:
        from lightning.pytorch.utilities import rank_zero_only

        from glmha_cli.training.run import train
    except ModuleNotFoundError as error:
        raise UsageError(f"training needs the package {error.name}", "pip install 'glmha[train]'") from error
    from glmha_cli.training.recipe import load_recipe

    # Of several --devices each has a process that comes here; the first one speaks.
    first = rank_zero_only.rank == 0
    output = Output(quiet=options.quiet or not first, as_json=options.json and first)
    recipe = load_recipe(options.recipe)
    if options.masks:
        recipe = replace(recipe, degradation={**recipe.degradation, "masks": [str(path) for path in options.masks]})
    run_dir = options.run_dir or Path("runs") / Path(options.recipe).stem
    # Weights of another task may be started from, too.
    start_from = (
        options.start_from and find_weights(options.start_from, task=None, access=access_of(options, output)).path
    )
    minutes = options.max_minutes and max(0.0, options.max_minutes - (time.monotonic() - start) / 60)
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with output.progress() as progress:
        best = train(
            recipe,
            images=options.images,
            pairs=options.pairs,
            cubes=options.cubes,
            spectra=options.spectra,
            run_dir=run_dir,
            validate_pairs=options.validate_pairs,
            steps=options.steps,
            start_from=start_from,
            max_minutes=minutes,
            resume=options.resume,
            device=options.device,
            num_devices=options.devices,
            compiled=options.compile,
            precision=options.precision,
            num_workers=options.workers,
            report=lambda row: output.note(validated(row)),
            on_step=bar_of_steps(progress),
            say=output.warning,
        )
    output.record({"weights": str(best), "run_dir": str(run_dir)})
    output.note(f"best weights so far: {best} (curve: {run_dir / 'curve.png'})")


def bar_of_steps(progress: Progress) -> Callable[[int, int], None]:
    """A bar that begins where the run does, with the steps a second of the last half minute."""

    def on_step(done: int, total: int) -> None:
        if not progress.tasks:
            progress.add_task("training", total=total, completed=done)
        (task,) = progress.tasks
        progress.update(task.id, completed=done)
        progress.update(task.id, description=f"training, {task.speed or 0:.2f} steps/s")

    return on_step


def validated(row: Mapping[str, float]) -> str:
    """A line for a log that shows no progress bar."""
    figures = ", ".join(f"{name} {value:.4g}" for name, value in row.items() if name not in ("step", "minutes"))
    return f"step {row['step']:.0f}, {row['minutes']:.1f} min: {figures}"
