"""One training run: recipe and folders in, a run folder with checkpoint, curve and weights out."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import lightning
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader

from glmha_cli.allocator import keep_freed_memory
from glmha_cli.errors import NoInputError, UsageError
from glmha_cli.lookup import resolve
from glmha_cli.training.callbacks import Curve, Ema, TimeLimit
from glmha_cli.training.data import DegradedPhotos, StepBatches, training_loader
from glmha_cli.training.degradations import DEGRADATIONS
from glmha_cli.training.module import Restoration
from glmha_cli.training.photos import find_photos, load_photos
from glmha_cli.training.recipe import Recipe
from glmha_cli.training.validation import Pairs, folder_pairs, synthetic_sets
from glmha_cli.typed import from_mapping


class RunData(lightning.LightningDataModule):
    """Training batches from the current step on, one validation interval at a time, and the validation sets."""

    def __init__(self, recipe: Recipe, dataset: DegradedPhotos, sets: dict[str, Pairs], *, num_workers: int) -> None:
        super().__init__()
        self.recipe, self.dataset, self.sets, self.num_workers = recipe, dataset, sets, num_workers

    def train_dataloader(self) -> DataLoader:
        schedule, start = self.recipe.schedule, self.trainer.global_step
        stop = min(schedule.steps, start + schedule.validate_every)
        batches = StepBatches(schedule, start=start, stop=stop, rank=self.trainer.global_rank,
                              world_size=self.trainer.world_size)
        return training_loader(self.dataset, batches, num_workers=self.num_workers)

    def val_dataloader(self) -> list[DataLoader]:
        return [DataLoader(pairs, batch_size=1) for pairs in self.sets.values()]


def train(recipe: Recipe, *, images: Iterable[Path], run_dir: Path, validate_pairs: Iterable[Path] = (),
          steps: int | None = None, max_minutes: float | None = None, resume: bool = False,
          precision: str = "bf16-mixed", device: str = "auto", num_workers: int = 1) -> Path:
    """Train `recipe` on clean photos degraded on the fly; returns the best weights written so far.

    run_dir receives last.ckpt (everything needed to go on), curve.csv, curve.png, last.safetensors and
    best.safetensors (averaged weights, float16). `steps` replaces the recipe's number, so a finished run can
    be lengthened. Raises a GlmhaError before any work when a folder, a photo or the checkpoint does not fit.
    """
    if steps is not None:
        recipe = replace(recipe, schedule=replace(recipe.schedule, steps=steps))
    checkpoint = run_dir / "last.ckpt"
    if resume and not checkpoint.is_file():
        raise NoInputError(f"nothing to resume in {run_dir}", "leave --resume out to start")
    if checkpoint.is_file() and not resume:
        raise UsageError(f"{run_dir} holds a run already", "add --resume to go on, or name another --run-dir")
    keep_freed_memory()
    data = prepare_data(recipe, images, validate_pairs, num_workers)
    run_dir.mkdir(parents=True, exist_ok=True)
    module = Restoration(recipe, list(data.sets))
    trainer = build_trainer(recipe, run_dir, max_minutes=max_minutes, precision=precision, device=device)
    trainer.fit(module, data, ckpt_path=checkpoint if resume else None, weights_only=False)
    return run_dir / "best.safetensors"


def prepare_data(recipe: Recipe, images: Iterable[Path], validate_pairs: Iterable[Path], num_workers: int) -> RunData:
    knobs = dict(recipe.degradation)
    name = knobs.pop("name")
    degradation = from_mapping(resolve(DEGRADATIONS, name, "degradation"), knobs, f"degradation {name}")
    training, held_out = find_photos(images)
    largest = max(stage.patch_px for stage in recipe.schedule.stages)
    sets = {folder.name: folder_pairs(folder) for folder in validate_pairs}
    sets |= synthetic_sets(held_out, degradation.validation())
    dataset = DegradedPhotos(load_photos(training, min_side_px=largest), degradation.training(), seed=recipe.seed)
    return RunData(recipe, dataset, sets, num_workers=num_workers)


def build_trainer(recipe: Recipe, run_dir: Path, *, max_minutes: float | None, precision: str,
                  device: str) -> lightning.Trainer:
    schedule = recipe.schedule
    keep = ModelCheckpoint(dirpath=run_dir, filename="last", enable_version_counter=False, save_on_train_epoch_end=True)
    callbacks = [Curve(run_dir), Ema(schedule.ema_decay), keep]
    if max_minutes is not None:
        callbacks.append(TimeLimit(max_minutes))
    return lightning.Trainer(
        accelerator=device, precision=precision, max_steps=schedule.steps, max_epochs=-1, callbacks=callbacks,
        gradient_clip_val=schedule.clip_norm, reload_dataloaders_every_n_epochs=1, num_sanity_val_steps=0,
        use_distributed_sampler=False, logger=False, enable_model_summary=False, log_every_n_steps=50,
    )
