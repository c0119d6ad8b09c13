"""What replacing a network's channel attention would cost, before it is done: the paper's Fig. 1 as a tool."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from glmha_cli.attention.glmha import GLMHAConfig
from glmha_cli.enhancement.ranks import Trial, changed_at, levels_of, trials
from glmha_cli.enhancement.statistics import Inputs, collect
from glmha_cli.errors import UsageError
from glmha_cli.evaluation.figure import new_figure, save_figure


def outlook(
    network: nn.Module, images: Sequence[Inputs], *, on_trial: Callable[[int, int], None] = lambda done, total: None
) -> list[Trial]:
    """Every reduction at every level: fitted to every other image, and tried on those between.

    UsageError for fewer than two images, and for a network without channel attention.
    """
    if len(images) < 2:
        raise UsageError("a plan is fitted to some images and tried on others", "give two images or more")
    levels = levels_of(network)
    if not levels:
        raise UsageError("this network has no channel attention (csa) to replace", "glmha info MODEL")
    products = collect(network, images[::2], changed_at(network, levels))
    return trials(network, products, images[1::2], levels, GLMHAConfig(), on_trial=on_trial)


def psnr_to_source_db(trial: Trial) -> float:
    """Of the network's result, whose values are in [0, 1]."""
    return -10 * math.log10(max(trial.error, 1e-12))


def row(trial: Trial) -> dict[str, Any]:
    """What is told of a trial."""
    missed = trial.missed.values()
    return {
        "level": trial.level,
        "reduction": trial.reduction,
        "saved_gmacs": round(trial.saved_gmacs, 4),
        "missed": round(sum(missed) / len(missed), 5),
        "psnr_to_source_db": round(psnr_to_source_db(trial), 2),
        "blocks": {name: round(each, 5) for name, each in trial.missed.items()},
    }


def plot(path: Path, tried: Sequence[Trial], *, title: str, overwrite: bool = False) -> None:
    """A picture: what each block is expected to miss, and what the network's result was found to lose.

    PNG, or what the suffix says. UsageError without matplotlib; see `atomic_output`.
    """
    figure = new_figure(11, 4.2)
    expected, measured = figure.subplots(1, 2)
    by_level: dict[str, list[Trial]] = {}
    for trial in tried:
        by_level.setdefault(trial.level, []).append(trial)
    for number, (level, of_level) in enumerate(by_level.items()):
        reductions = [100 * trial.reduction for trial in of_level]
        for index, block in enumerate(of_level[0].missed):
            missed = [100 * trial.missed[block] for trial in of_level]
            expected.plot(reductions, missed, f"C{number}", alpha=0.7, label=None if index else level)
        saved = [trial.saved_gmacs for trial in of_level]
        measured.plot(saved, [psnr_to_source_db(trial) for trial in of_level], f"C{number}o-", label=level)
    expected.set(
        xlabel="reduction of K and V (%)",
        ylabel="energy of the output that is missed (%)",
        title="expected, one line per block",
    )
    measured.set(
        xlabel="multiply-adds saved (10^9 per 256x256 px)",
        ylabel="PSNR to the source's result (dB)",
        title="measured, one level changed at a time",
    )
    for axes in (expected, measured):
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    figure.suptitle(title)
    save_figure(figure, path, overwrite=overwrite)
