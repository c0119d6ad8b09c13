"""One training run: recipe and folders in, a run folder with checkpoint, curve and weights out."""

import math
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from os.path import realpath
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.strategies import DDPStrategy
from torch.utils.data import DataLoader

from glmha_cli.allocator import keep_freed_memory
from glmha_cli.errors import GlmhaError, UsageError
from glmha_cli.lookup import resolve
from glmha_cli.tasks import TASKS
from glmha_cli.training.callbacks import Curve, Ema, Steps, Stop
from glmha_cli.training.checks import (
    degradation_of,
    require_devices,
    require_even_shares,
    require_fitting,
    require_startable,
)
from glmha_cli.training.data import Sample, Samples, StepBatches, training_loader
from glmha_cli.training.module import Restoration
from glmha_cli.training.pairs import split_pairs
from glmha_cli.training.photos import find_photos
from glmha_cli.training.recipe import Recipe
from glmha_cli.training.sources import Targets, as_it_is, centre_crop, evenly_chosen, load_targets
from glmha_cli.training.validation import folder_sets, require_unseen, synthetic_sets
from glmha_cli.weights.checkpoint import load_weights


class RunData(lightning.LightningDataModule):
    """Training batches from the current step on, one validation interval at a time, and the validation sets."""

    def __init__(self, recipe: Recipe, dataset: Samples, sets: dict[str, list[Sample]], *, num_workers: int) -> None:
        super().__init__()
        self.recipe, self.dataset, self.sets, self.num_workers = recipe, dataset, sets, num_workers

    def train_dataloader(self) -> DataLoader:
        schedule, start = self.recipe.schedule, self.trainer.global_step
        stop = min(schedule.steps, start + schedule.validate_every)
        batches = StepBatches(
            schedule, start=start, stop=stop, rank=self.trainer.global_rank, world_size=self.trainer.world_size
        )
        return training_loader(self.dataset, batches, num_workers=self.num_workers)

    def val_dataloader(self) -> list[DataLoader]:
        """Every process takes its share of a set, or all of one without equal shares: the mean of means must be the
        mean."""
        rank, world = self.trainer.global_rank, self.trainer.world_size
        return [
            DataLoader(samples if len(samples) % world else samples[rank::world], batch_size=1)
            for samples in self.sets.values()
        ]


def train(
    recipe: Recipe,
    *,
    images: Iterable[Path] = (),
    cubes: Iterable[Path] = (),
    spectra: Path | None = None,
    pairs: Iterable[Path] = (),
    run_dir: Path,
    validate_pairs: Iterable[Path] = (),
    steps: int | None = None,
    start_from: Path | None = None,
    max_minutes: float | None = None,
    resume: bool = False,
    precision: str = "bf16-mixed",
    device: str = "auto",
    num_devices: int = 1,
    compiled: bool = False,
    num_workers: int = 1,
    report: Callable[[dict[str, float]], None] = lambda row: None,
    on_step: Callable[[int, int], None] = lambda done, total: None,
    say: Callable[[str], None] = lambda text: None,
) -> Path:
    """Train `recipe` on clean photos or cubes degraded on the fly, or on pairs; returns the best weights so far.

    images, cubes: folders. spectra: measured reflectances that make cubes of photos (`reflectances.read_library`).
    pairs: folders of degraded and clean photos to train on (`pairs.LAYOUTS`), beside the photos or alone; a tenth of
    them is held out as the set "pairs". validate_pairs: such folders to validate on as well. Both for photo tasks only.
    max_minutes: from now on, reading the data included; the validation after the last step comes on top.
    compiled: by torch.compile, which takes minutes to begin and pays on GPUs.
    start_from: a checkpoint of the same network whose weights are gone on from, with a schedule from its start.
    report: called after each validation with its row of curve.csv. on_step: after each step, with their number and that
    of all. say: is told what else a user should know.

    run_dir receives last.ckpt (everything needed to go on), curve.csv, curve.png, last.safetensors and
    best.safetensors (averaged weights, float16). `steps` replaces the recipe's number, so a finished run can
    be lengthened. Raises a GlmhaError before any work when a folder, a photo or the checkpoint does not fit.
    Ctrl-C and a shutdown end it as the time limit does, then by SystemExit with the shell's code.
    """
    start = time.monotonic()
    if steps is not None:
        recipe = replace(recipe, schedule=replace(recipe.schedule, steps=steps))
    checkpoint = run_dir / "last.ckpt"
    require_startable(checkpoint, recipe, resume=resume, start_from=start_from)
    require_even_shares(recipe, num_devices)
    require_fitting(recipe)
    require_devices(device, num_devices)
    keep_freed_memory()
    data = prepare_data(
        recipe,
        images=images,
        cubes=cubes,
        spectra=spectra,
        pairs=pairs,
        validate_pairs=validate_pairs,
        num_workers=num_workers,
    )
    module = Restoration(recipe, list(data.sets))
    if start_from is not None:
        load_weights(module.network, start_from)
    if compiled:
        module.network.compile()
    minutes = math.inf if max_minutes is None else max(0.0, max_minutes - (time.monotonic() - start) / 60)
    stop = Stop(minutes, say)
    run_dir.mkdir(parents=True, exist_ok=True)
    trainer = build_trainer(
        recipe,
        run_dir,
        precision=precision,
        device=device,
        num_devices=num_devices,
        more=[stop, Steps(on_step)],
        report=report,
    )
    with warnings.catch_warnings(), cpu_threads(recipe.cpu_threads or torch.get_num_threads()):
        # Lightning cannot know that the batches begin at the current step, nor that the folder is the run's own,
        # wherever it is
        # now; the strides that differ between processes are those of axes of length 1; what is said to need sync_dist
        # has it.
        ignored = (
            "You're resuming from a checkpoint|Checkpoint directory|The dirpath has changed|.*LeafSpec|Grad "
            "strides do not match"
            "|.*sync_dist=True|`broadcast_buffers` is deprecated"
        )
        warnings.filterwarnings("ignore", message=ignored)
        with errors_of_workers():
            trainer.fit(module, data, ckpt_path=checkpoint if resume else None, weights_only=True)
    if stop.signal:
        raise SystemExit(128 + stop.signal)
    return run_dir / "best.safetensors"


@contextmanager
def errors_of_workers() -> Iterator[None]:
    """A worker's error reaches this process with the worker's traceback for a message: of it the last line is ours."""
    try:
        yield
    except GlmhaError as error:
        if not error.message.startswith("Caught "):
            raise
        said = error.message.strip().splitlines()[-1].partition("Error: ")[2]
        raise type(error)(
            said, "repair or replace it, then --resume; before the first validation, begin anew"
        ) from error


@contextmanager
def cpu_threads(count: int) -> Iterator[None]:
    """PyTorch's threads within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def prepare_data(
    recipe: Recipe,
    *,
    images: Iterable[Path],
    cubes: Iterable[Path],
    spectra: Path | None,
    pairs: Iterable[Path] = (),
    validate_pairs: Iterable[Path],
    num_workers: int,
) -> RunData:
    task, degradation = resolve(TASKS, recipe.task, "task"), degradation_of(recipe)
    images, cubes, pairs = list(images), list(cubes), list(pairs)
    if task.output_kind != "photo" and (pairs or validate_pairs):
        raise UsageError(
            f"{task.name} does not restore photos, so it cannot use pairs of them",
            "leave --pairs and --validate-pairs out",
        )
    stages = recipe.schedule.stages
    training, held_out = split_pairs(pairs, min_side_px=max(stage.side_px for stage in stages)) if pairs else ([], [])
    validation = degradation.validation()
    photos = {realpath(file) for file in (find_photos(images)[0] if images else []) if isinstance(file, Path)}
    require_unseen(held_out, photos, "held-out pairs")
    learnt = photos | {realpath(path) for pair in training for path in (pair.degraded, pair.clean)}
    sets = folder_sets(validate_pairs, trained_on=learnt, taken={"pairs", *validation})
    if held_out:
        sets["pairs"] = [
            ((centre_crop(degraded),), centre_crop(clean))
            for degraded, clean in (pair.read() for pair in evenly_chosen(held_out, task))
        ]
    if pairs and not (images or cubes or spectra):
        targets = Targets(sources=[], make=as_it_is, held_out={})
    else:
        targets = load_targets(
            task,
            images=images,
            cubes=cubes,
            spectra=spectra,
            crop_px=max(stage.patch_px for stage in stages),
            config=recipe.cubes,
        )
    sets |= synthetic_sets(targets.held_out, validation)
    return RunData(recipe, Samples(targets, degradation, training, seed=recipe.seed), sets, num_workers=num_workers)


def build_trainer(
    recipe: Recipe,
    run_dir: Path,
    *,
    precision: str,
    device: str,
    num_devices: int,
    more: list[Callback],
    report: Callable[[dict[str, float]], None],
) -> lightning.Trainer:
    schedule = recipe.schedule
    keep = ModelCheckpoint(dirpath=run_dir, filename="last", enable_version_counter=False, save_on_train_epoch_end=True)
    callbacks = [Curve(run_dir, report), Ema(schedule.ema_decay), keep, *more]
    # No buffer ever changes, so none need be sent round at each step.
    strategy = DDPStrategy(broadcast_buffers=False) if num_devices > 1 else "auto"
    return lightning.Trainer(
        accelerator=device,
        devices=num_devices,
        strategy=strategy,
        precision=precision,
        max_steps=schedule.steps,
        max_epochs=-1,
        callbacks=callbacks,
        gradient_clip_val=schedule.clip_norm,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        logger=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        log_every_n_steps=50,
    )
