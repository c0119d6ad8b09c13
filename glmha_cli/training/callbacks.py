"""What happens around the steps: the clock, the curve, the weights worth keeping."""

import csv
import math
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import lightning
import torch
from lightning.pytorch.callbacks import Callback, WeightAveraging
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from glmha_cli.evaluation.figure import new_figure
from glmha_cli.interrupts import SIGNALS
from glmha_cli.networks import network_to_plain
from glmha_cli.training.module import Restoration
from glmha_cli.weights.checkpoint import save_checkpoint


class Ema(WeightAveraging):
    """Exponential moving average of the weights: validated and exported instead of the current ones.

    Its first steps forget faster, or the random weights of the start would count for thousands of steps.
    """

    def __init__(self, decay: float) -> None:
        def average(averaged: list[Tensor], current: list[Tensor], num_averaged: Tensor) -> None:
            num = int(num_averaged)
            get_ema_multi_avg_fn(min(decay, (1 + num) / (10 + num)))(averaged, current, num_averaged)

        super().__init__(use_buffers=False, multi_avg_fn=average)

    def setup(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        self._device = trainer.strategy.root_device  # where the module is about to go: by default, where it is
        super().setup(trainer, pl_module, stage)


ASKED_EVERY = 10
"""Steps of several processes between two questions whether to stop: each makes all of them wait."""


class Stop(Callback):
    """Ends this call early, with a complete checkpoint: after `minutes`, whatever earlier calls took, or at a signal.

    signal: that came (Ctrl-C, a shutdown), 0 for none; `say` is told. The second one ends the process at once.
    """

    def __init__(self, minutes: float = math.inf, say: Callable[[str], None] = lambda text: None) -> None:
        self.end, self.say, self.signal = time.monotonic() + 60 * minutes, say, 0
        self._before: dict[int, Any] = {}

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if threading.current_thread() is threading.main_thread():  # no other can
            ours = [number for number in (signal.SIGINT, *SIGNALS) if signal.getsignal(number) is not signal.SIG_IGN]
            self._before = {number: signal.signal(number, self._note) for number in ours}

    def _note(self, number: int, frame: object) -> None:
        if self.signal:
            raise SystemExit(128 + number)
        self.signal = number

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        if trainer.world_size > 1 and trainer.global_step % ASKED_EVERY != 1:
            return
        # As the first of the processes says: one that stopped a step before the others would leave them waiting for its
        # gradients.
        if trainer.strategy.broadcast(bool(self.signal) or time.monotonic() > self.end):
            if self.signal and not trainer.should_stop:
                self.say(
                    "stopping after a validation, with a checkpoint; press Ctrl-C again to stop at once without one"
                )
            trainer.should_stop = True

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        for number, handler in self._before.items():
            signal.signal(
                number, handler
            )  # an exception needs none of this: there Lightning itself puts back what it found


class Steps(Callback):
    """Tells `on_step` how many steps are done, of how many in all."""

    def __init__(self, on_step: Callable[[int, int], None]) -> None:
        self.on_step = on_step

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self.on_train_batch_end(trainer)

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        if trainer.is_global_zero:
            self.on_step(trainer.global_step, trainer.max_steps)


class Curve(Callback):
    """One row per validation in curve.csv and to `report`, the picture curve.png, and best.safetensors when the score
    rises.

    A resumed run may validate on other sets: the best weights are compared by the sets of now, and give way where they
    lack one.

    The score is the mean PSNR over the validation sets, each counted up to 40 dB: beyond that nothing is
    seen, and the clean photos of a set must not outweigh the rain of another. Stands before `Ema` in the list of
    callbacks, so that at the end of validation the network still holds the averaged weights.
    """

    def __init__(self, folder: Path, report: Callable[[dict[str, float]], None]) -> None:
        self.folder, self.report = folder, report
        self.rows: list[dict[str, Any]] = []
        self.best: dict[str, Any] = {}
        self.before_s, self.start = 0.0, time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows, "best": self.best, "seconds": self.before_s + time.monotonic() - self.start}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rows, self.before_s = state["rows"], state["seconds"]
        self.best = state.get("best") or max(self.rows, key=lambda row: row["score"], default={})

    def on_validation_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        module = cast(Restoration, pl_module)
        names = module.set_names
        scores = {
            name if metric == "psnr" else f"{name}_{metric}": float(trainer.callback_metrics[f"{metric}_{name}"])
            for metric in module.metrics
            for name in names
        }
        minutes = round((self.before_s + time.monotonic() - self.start) / 60, 2)
        row = {"step": trainer.global_step, "minutes": minutes, "score": score_of(scores, names), **scores}
        self.rows.append(row)
        self._write(names)
        self._export(module, row, "last.safetensors")
        if not set(names) <= set(self.best) or row["score"] > score_of(self.best, names):
            self.best = row
            self._export(module, row, "best.safetensors")
        self.report(row)

    def _export(self, module: Restoration, row: dict[str, float], name: str) -> None:
        about = {"task": module.recipe.task, "network": network_to_plain(module.network_config), "run": row}
        save_checkpoint(self.folder / name, module.network.state_dict(), about, dtype=torch.float16)

    def _write(self, set_names: list[str]) -> None:
        with (self.folder / "curve.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(name for row in self.rows for name in row)))
            writer.writeheader()
            writer.writerows(self.rows)
        plot_curve(self.rows, set_names, self.folder / "curve.png")


def score_of(psnr_db: Mapping[str, float], set_names: Sequence[str]) -> float:
    return sum(min(psnr_db[name], 40.0) for name in set_names) / len(set_names)


def plot_curve(rows: list[dict[str, float]], set_names: list[str], path: Path) -> None:
    """PSNR of every validation set over the steps."""
    figure = new_figure(7, 4)
    axes = figure.subplots()
    for name in set_names:
        known = [row for row in rows if name in row]
        axes.plot([row["step"] for row in known], [row[name] for row in known], label=name)
    axes.set(xlabel="step", ylabel="PSNR (dB)")
    axes.legend()
    figure.savefig(path)
