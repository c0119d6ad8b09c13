"""A checkpoint with channel attention in, one with GLMHA out: by statistics, layer by layer, then as a whole."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from glmha_cli.enhancement.beginning import NUM_HELD_OUT, begun
from glmha_cli.enhancement.clock import seconds_a_step
from glmha_cli.enhancement.crops import HELD_OUT, Crops
from glmha_cli.enhancement.initial import changed_in
from glmha_cli.enhancement.kept import Kept
from glmha_cli.enhancement.layers import Layers
from glmha_cli.enhancement.measured import Measure
from glmha_cli.enhancement.plan import NUM_VALIDATIONS, Plan, learnable, require_fits, short_recipe
from glmha_cli.enhancement.reporting import Quiet, Reporter
from glmha_cli.errors import UsageError
from glmha_cli.networks import network_to_plain
from glmha_cli.networks.config import built_from
from glmha_cli.training.data.found import DataPaths
from glmha_cli.training.data.run_data import RunData, prepare_data
from glmha_cli.training.data.sources import spread
from glmha_cli.training.recipe import Recipe
from glmha_cli.training.run import train
from glmha_cli.training.settings import ANY_MACHINE, Machine, RunSettings
from glmha_cli.weights.about import read_about
from glmha_cli.weights.checkpoint import load_network, load_weights, save_checkpoint

METHOD = "mixtures of channels fitted to activations; then each attention, then the network, taught by its former self"
LAYERS_SHARE = 0.4
"""Of the minutes, until which layers are taught at most, if the whole network is to be taught afterwards."""
SPARE = 0.95
"""Of the time that is left beside what measuring takes, what steps are planned for."""
NUM_MEASURED = 4
"""Images of each validation set: source and result are compared on the same ones, minutes are for learning."""
MEASURED_AGAIN = NUM_VALIDATIONS + 1
"""Times: the validations, and the last row."""


def enhance(
    source: Path,
    output: Path,
    recipe: Recipe,
    data: DataPaths,
    plan: Plan,
    *,
    folder: Path,
    resume: bool = False,
    overwrite: bool = False,
    machine: Machine = ANY_MACHINE,
    reporter: Reporter | None = None,
) -> dict[str, Any]:
    """Write the checkpoint `source`, with the plan's attention in place of its channel attention, to `output`.

    recipe: tells the degradation and the crops. data: clean photos, pairs or cubes, as for training. folder: receives
    what is needed to go on with `resume`. Returns the new checkpoint's metadata: all that the source says of itself,
    and under `enhanced` what it was made of, how, and the rows of `Measure` after each part.

    Raises UsageError for a source, a budget or a folder that does not fit, and what `train` raises for data, before any
    work.
    """
    about = {key: value for key, value in read_about(source).items() if key != "run"}
    require_fits(about, plan, source)
    kept = Kept.of(folder, source, plan)
    kept.require(resume=resume)
    start = time.monotonic()
    teacher = load_network(source)
    recipe = learnable(replace(recipe, network=about["network"], task=about["task"]))
    prepared = prepare_data(short_recipe(recipe, plan, 1), data, num_workers=0)
    few = {name: spread(samples, NUM_MEASURED) for name, samples in prepared.sets.items() if samples}
    if not few:
        raise UsageError("no photo is left to measure on", "--images with more photos, or --validate-pairs")
    prepared = RunData(recipe, prepared.dataset, few, num_workers=0)
    measure = Measure(task=recipe.task, teacher=teacher, sets=few, start=start)
    work = _Enhancement(teacher, recipe, plan, prepared, measure, kept, reporter or Quiet(), start)
    student = work.run(machine)
    made = {**about, "network": network_to_plain(built_from(student)), "enhanced": work.told(about, source)}
    save_checkpoint(output, student.state_dict(), made, dtype=torch.float32, overwrite=overwrite)
    return made


@dataclass(frozen=True, eq=False)
class _Enhancement:
    """One under way. kept: its folder. start: when it began, by the monotonic clock."""

    teacher: nn.Module
    recipe: Recipe
    plan: Plan
    prepared: RunData
    measure: Measure
    kept: Kept
    reporter: Reporter
    start: float

    def run(self, machine: Machine) -> nn.Module:
        self.kept.folder.mkdir(parents=True, exist_ok=True)
        student, steps = self.before_the_whole(machine)
        if self.plan.steps == "all":
            self.as_a_whole(student, steps, machine)
        return student

    def told(self, about: Mapping[str, Any], source: Path) -> dict[str, Any]:
        """For the new checkpoint."""
        came_from = {"file": source.name, "sha256": self.kept.identity["source"], "network": about["network"]}
        return {"from": came_from, "method": METHOD, "plan": self.plan.settings(), "parts": self.measure.rows}

    def left_s(self) -> float:
        return 60 * self.plan.minutes - (time.monotonic() - self.start)

    def row(self, part: str, network: nn.Module, **more: Any) -> None:
        self.reporter.measured(self.measure(part, network, **more))

    def before_the_whole(self, machine: Machine) -> tuple[nn.Module, int]:
        """First weights and layers, unless a run before has done them; how many steps of the whole are to follow."""
        if self.kept.path.exists():
            student, self.measure.rows[:], steps = self.kept.load()
            return student, steps
        self.row("source", self.teacher)
        student, more = begun(self.teacher, self.crops, self.plan, self.reporter)
        self.row("init", student, **more)
        if self.plan.steps != "init":
            self.layers(student)
        steps = self.steps_that_fit(student, machine) if self.plan.steps == "all" else 0
        self.kept.save(student, self.recipe.task, self.measure.rows, steps)
        return student, steps

    @property
    def crops(self) -> Crops:
        return Crops(self.prepared.dataset, self.recipe.schedule.stages[-1])

    def layers(self, student: nn.Module) -> None:
        share = LAYERS_SHARE if self.plan.steps == "all" else 1.0
        missed = Layers(self.teacher, changed_in(student, self.teacher)).teach(
            self.crops.inputs(self.plan.images),
            list(islice(self.crops.inputs(HELD_OUT), NUM_HELD_OUT)),
            steps=self.plan.layer_steps,
            goes_on=lambda: self.left_s() > 60 * self.plan.minutes * (1 - share),
            on_step=lambda done, total: self.reporter.step_of("layers", done, total),
        )
        self.row("layers", student, missed=round(float(np.mean(list(missed.values()))), 4))

    def steps_that_fit(self, student: nn.Module, machine: Machine) -> int:
        """Into the time that is left, by the clock of a few real ones."""
        if self.plan.whole_steps is not None:
            return self.plan.whole_steps
        seconds = seconds_a_step(self.whole_recipe(student, 1), self.prepared, self.teacher, machine)
        left_s = self.left_s() - MEASURED_AGAIN * self.measure.seconds
        return max(1, int(SPARE * max(left_s, 0) / seconds))

    def whole_recipe(self, student: nn.Module, steps: int) -> Recipe:
        recipe = replace(self.recipe, network=network_to_plain(built_from(student)))
        return short_recipe(recipe, self.plan, steps)

    def as_a_whole(self, student: nn.Module, steps: int, machine: Machine) -> None:
        """The network learns from what it was, and from the truth."""
        goes_on = (self.kept.folder / "last.ckpt").exists()
        run = RunSettings(
            folder=self.kept.folder,
            resume=goes_on,
            start_from=None if goes_on else self.kept.path,
            max_minutes=max(self.left_s() / 60, 0.1),
        )
        recipe = self.whole_recipe(student, steps)
        best = train(recipe, self.prepared, run, machine=machine, reporter=self.reporter, teacher=self.teacher)
        load_weights(student, best)
        self.row("whole", student, steps=steps)
