"""Training runs as tests write them: every setting by its name."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from glmha_cli.training.data.found import DataPaths
from glmha_cli.training.recipe import Recipe
from glmha_cli.training.run import train
from glmha_cli.training.settings import SILENT, Machine, RunSettings, TrainingReporter

ON_CPU = {"device": "cpu", "precision": "32-true", "num_workers": 0}


def run_training(
    recipe: Recipe, *, run_dir: Path, steps: int | None = None, reporter: TrainingReporter = SILENT, **settings: Any
) -> Path:
    """`train` with the fields of its settings as keywords."""

    def given(cls: type) -> dict[str, Any]:
        return {field.name: settings.pop(field.name) for field in fields(cls) if field.name in settings}

    data, run, machine = (
        DataPaths(**given(DataPaths)),
        RunSettings(folder=run_dir, **given(RunSettings)),
        Machine(**given(Machine)),
    )
    assert not settings, f"no such settings: {settings}"
    return train(recipe.adjusted(steps=steps), data, run, machine=machine, reporter=reporter)
