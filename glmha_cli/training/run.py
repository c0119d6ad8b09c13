"""One training run: recipe and folders in, a run folder with checkpoint, curve and weights out."""

import math
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.strategies import DDPStrategy
from torch import nn

from glmha_cli.allocator import keep_freed_memory
from glmha_cli.errors import GlmhaError
from glmha_cli.training.callbacks import Curve, Ema, Steps, Stop
from glmha_cli.training.checks import (
    require_devices,
    require_even_shares,
    require_fitting,
    require_startable,
)
from glmha_cli.training.data.found import DataPaths
from glmha_cli.training.data.run_data import RunData, prepare_data
from glmha_cli.training.module import Restoration
from glmha_cli.training.recipe import Recipe, Schedule
from glmha_cli.training.settings import ANY_MACHINE, SILENT, Machine, RunSettings, TrainingReporter
from glmha_cli.weights.checkpoint import load_weights

KNOWN_WARNINGS = (
    "You're resuming from a checkpoint",  # Lightning cannot know that the batches begin at the current step,
    "Checkpoint directory",  # nor that the folder is the run's own,
    "The dirpath has changed",  # wherever it is now
    ".*LeafSpec",
    "Grad strides do not match",  # of axes of length 1, between processes
    ".*sync_dist=True",  # what is logged has it
    "`broadcast_buffers` is deprecated",
)


def train(
    recipe: Recipe,
    data: DataPaths | RunData,
    run: RunSettings,
    *,
    machine: Machine = ANY_MACHINE,
    reporter: TrainingReporter = SILENT,
    teacher: nn.Module | None = None,
) -> Path:
    """Train `recipe` on clean photos or cubes degraded on the fly, or on pairs; returns the best weights so far.

    data: where they lie, or what was read of them for this recipe but for its schedule. teacher: a network whose
    results are to be imitated as much as the truth (`Restoration`).

    The run's folder receives last.ckpt (everything needed to go on), curve.csv, curve.png, last.safetensors and
    best.safetensors (averaged weights, float16). A finished run can be lengthened by a recipe of more steps. Raises a
    GlmhaError before any work when a folder, a photo or the checkpoint does not fit. Ctrl-C and a shutdown end it as
    the time limit does, then by SystemExit with the shell's code.
    """
    start = time.monotonic()
    require_possible(recipe, run, machine)
    keep_freed_memory()
    prepared = prepare_data(recipe, data, num_workers=machine.num_workers)
    module = Restoration(recipe, list(prepared.sets), teacher)
    if run.start_from is not None:
        load_weights(module.network, run.start_from, partly=True)
    if machine.compiled:
        module.network.compile()
    minutes = math.inf if run.max_minutes is None else max(0.0, run.max_minutes - (time.monotonic() - start) / 60)
    stop = Stop(minutes, reporter.warn)
    run.folder.mkdir(parents=True, exist_ok=True)
    callbacks = [Curve(run.folder, reporter.validated), Ema(recipe.schedule.ema_decay), keep_last(run.folder), stop]
    trainer = build_trainer(recipe.schedule, machine, [*callbacks, Steps(reporter.step_done)])
    with warnings.catch_warnings(), cpu_threads(recipe.cpu_threads or torch.get_num_threads()), errors_of_workers():
        warnings.filterwarnings("ignore", message="|".join(KNOWN_WARNINGS))
        trainer.fit(module, prepared, ckpt_path=run.checkpoint if run.resume else None, weights_only=True)
    if stop.signal:
        raise SystemExit(128 + stop.signal)
    return run.folder / "best.safetensors"


def require_possible(recipe: Recipe, run: RunSettings, machine: Machine) -> None:
    """All that can be told before data are read."""
    require_startable(run.checkpoint, recipe, resume=run.resume, start_from=run.start_from)
    require_even_shares(recipe, machine.num_devices)
    require_fitting(recipe)
    require_devices(machine.device, machine.num_devices)


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


def keep_last(folder: Path) -> ModelCheckpoint:
    """Writes last.ckpt after each validation."""
    return ModelCheckpoint(dirpath=folder, filename="last", enable_version_counter=False, save_on_train_epoch_end=True)


def build_trainer(schedule: Schedule, machine: Machine, callbacks: list[Callback]) -> lightning.Trainer:
    # No buffer ever changes, so none need be sent round at each step.
    strategy = DDPStrategy(broadcast_buffers=False) if machine.num_devices > 1 else "auto"
    return lightning.Trainer(
        accelerator=machine.device,
        devices=machine.num_devices,
        strategy=strategy,
        precision=cast(Any, machine.precision),  # Lightning lists its own as literals
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
