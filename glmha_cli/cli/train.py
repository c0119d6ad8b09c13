"""`glmha train RECIPE`: a checkpoint from photos."""

from pathlib import Path

from glmha_cli.cli.options import TrainOptions
from glmha_cli.cli.output import Output
from glmha_cli.errors import UsageError


def train_verb(options: TrainOptions) -> None:
    try:
        from glmha_cli.training.run import train
    except ModuleNotFoundError as error:
        raise UsageError(f"training needs the package {error.name}", "pip install 'glmha[train]'") from error
    from glmha_cli.training.recipe import load_recipe

    run_dir = options.run_dir or Path("runs") / Path(options.recipe).stem
    best = train(load_recipe(options.recipe), images=options.images, run_dir=run_dir, validate_pairs=options.validate_pairs,
                 steps=options.steps, max_minutes=options.max_minutes, resume=options.resume, device=options.device,
                 precision=options.precision, num_workers=options.workers)
    Output().note(f"best weights so far: {best} (curve: {run_dir / 'curve.png'})")
