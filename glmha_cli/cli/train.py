"""`glmha train RECIPE`: a checkpoint from photos or cubes."""

from dataclasses import replace
from pathlib import Path

from glmha_cli.cli.options import TrainOptions
from glmha_cli.cli.output import Output
from glmha_cli.errors import UsageError
from glmha_cli.weights.store import find_weights


def train_verb(options: TrainOptions) -> None:
    try:
        from glmha_cli.training.run import train
    except ModuleNotFoundError as error:
        raise UsageError(f"training needs the package {error.name}", "pip install 'glmha[train]'") from error
    from glmha_cli.training.recipe import load_recipe

    recipe = load_recipe(options.recipe)
    if options.masks:
        recipe = replace(recipe, degradation={**recipe.degradation, "masks": [str(path) for path in options.masks]})
    run_dir = options.run_dir or Path("runs") / Path(options.recipe).stem
    start_from = options.start_from and find_weights(options.start_from, task=None).path  # of another task, too
    best = train(recipe, images=options.images, cubes=options.cubes, spectra=options.spectra, run_dir=run_dir,
                 validate_pairs=options.validate_pairs, steps=options.steps, start_from=start_from,
                 max_minutes=options.max_minutes, resume=options.resume, device=options.device, precision=options.precision, num_workers=options.workers)
    Output().note(f"best weights so far: {best} (curve: {run_dir / 'curve.png'})")
