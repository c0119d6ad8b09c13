"""How long a step of training takes on this machine, by a few that teach nothing."""

import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from torch import nn

from glmha_cli.training.data.run_data import RunData
from glmha_cli.training.recipe import Recipe
from glmha_cli.training.run import train
from glmha_cli.training.settings import Machine, RunSettings, Silent

NUM_STEPS = 6
"""The first one, which prepares what the others use, does not count."""


class _Clock(Silent):
    """When each step ended."""

    def __init__(self) -> None:
        self.ends_s: list[float] = []

    def step_done(self, done: int, total: int) -> None:
        if done:
            self.ends_s.append(time.monotonic())


def seconds_a_step(recipe: Recipe, data: RunData, teacher: nn.Module, machine: Machine) -> float:
    """Of a network of the recipe with fresh weights, taught by `teacher`: the mean of a few."""
    schedule = replace(recipe.schedule, steps=NUM_STEPS, warmup_steps=1, validate_every=NUM_STEPS)
    name, samples = next(iter(data.sets.items()))
    little = RunData(recipe, data.dataset, {name: samples[:1]}, num_workers=0)
    clock = _Clock()
    with TemporaryDirectory() as folder:
        run = RunSettings(folder=Path(folder))
        train(replace(recipe, schedule=schedule), little, run, machine=machine, reporter=clock, teacher=teacher)
    return sum(b - a for a, b in pairwise(clock.ends_s)) / (NUM_STEPS - 1)
