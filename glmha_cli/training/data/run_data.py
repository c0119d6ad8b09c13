"""The data of a run: training batches from the current step on, and the validation sets."""

from typing import Any, cast

import lightning
from torch.utils.data import DataLoader

from glmha_cli.lookup import resolve
from glmha_cli.tasks import TASKS
from glmha_cli.tasks.base import Task
from glmha_cli.training.checks import degradation_of
from glmha_cli.training.data.found import HELD_OUT_PAIRS, DataPaths, FoundData, find_data
from glmha_cli.training.data.pairs import usable_pairs
from glmha_cli.training.data.samples import Sample, Samples, StepBatches, training_loader
from glmha_cli.training.data.sources import evenly_chosen, load_targets
from glmha_cli.training.data.validation import centre_samples, synthetic_sets, whole_samples
from glmha_cli.training.recipe import Recipe


class RunData(lightning.LightningDataModule):
    """Training batches, one validation interval at a time, and the validation sets."""

    def __init__(self, recipe: Recipe, dataset: Samples, sets: dict[str, list[Sample]], *, num_workers: int) -> None:
        super().__init__()
        self.recipe, self.dataset, self.sets, self.num_workers = recipe, dataset, sets, num_workers

    def _trainer(self) -> lightning.Trainer:
        assert self.trainer is not None  # Lightning asks for batches only then
        return self.trainer

    def train_dataloader(self) -> DataLoader:
        schedule, start = self.recipe.schedule, self._trainer().global_step
        stop = min(schedule.steps, start + schedule.validate_every)
        batches = StepBatches(
            schedule, start=start, stop=stop, rank=self._trainer().global_rank, world_size=self._trainer().world_size
        )
        return training_loader(self.dataset, batches, num_workers=self.num_workers)

    def val_dataloader(self) -> list[DataLoader]:
        """Every process takes its share of a set, or all of one without equal shares: the mean of means must be the
        mean."""
        rank, world = self._trainer().global_rank, self._trainer().world_size
        return [
            DataLoader(cast(Any, samples if len(samples) % world else samples[rank::world]), batch_size=1)
            for samples in self.sets.values()
        ]


def prepare_data(recipe: Recipe, paths: DataPaths | RunData, *, num_workers: int) -> RunData:
    """Find, check and read the data; what was read for a recipe of another schedule is not read again.

    Raises a GlmhaError for what does not fit the recipe, and for bad files.
    """
    if isinstance(paths, RunData):
        return RunData(recipe, paths.dataset, paths.sets, num_workers=num_workers)
    task, degradation = resolve(TASKS, recipe.task, "task"), degradation_of(recipe)
    validation, stages = degradation.validation(), recipe.schedule.stages
    found = find_data(task, paths, taken=validation)
    pairs = usable_pairs(found.pairs.training, min_side_px=max(stage.side_px for stage in stages))
    sets = pair_sets(task, found)
    targets = load_targets(task, found, crop_px=max(stage.patch_px for stage in stages), config=recipe.cubes)
    sets |= synthetic_sets(targets.held_out, validation)
    return RunData(
        recipe,
        Samples(targets, degradation, pairs, seed=recipe.seed, shrink=recipe.shrink),
        sets,
        num_workers=num_workers,
    )


def pair_sets(task: Task, found: FoundData) -> dict[str, list[Sample]]:
    """The pairs to validate on, whole, and the middles of some held-out pairs."""
    sets = {name: whole_samples(pairs) for name, pairs in found.validation_pairs.items()}
    if found.pairs.held_out:
        sets[HELD_OUT_PAIRS] = centre_samples(evenly_chosen(found.pairs.held_out, task))
    return sets
