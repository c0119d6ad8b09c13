"""What is checked of a run before any work: that recipe, network, devices and checkpoint go together."""

import math
import os
from pathlib import Path

import torch

from glmha_cli.errors import BadDataError, CannotCreateError, NoInputError, UsageError
from glmha_cli.lookup import resolve
from glmha_cli.networks import network_from_plain
from glmha_cli.training.degradations import DEGRADATIONS, UNDONE_BY, Degradation
from glmha_cli.training.module import LASTING, lasting
from glmha_cli.training.recipe import Recipe
from glmha_cli.typed import from_mapping


def require_fitting(recipe: Recipe) -> None:
    """BadDataError for crops and for steps of snapshots that the network does not take."""
    network = network_from_plain(recipe.network)
    for stage in recipe.schedule.stages:
        for name, length in (("patch_px", stage.side_px), ("rows", stage.height_px)):
            if length % network.size_multiple:
                raise BadDataError(
                    f"crops of {length} px do not fit the network",
                    f"set {name} to a multiple of {network.size_multiple}",
                )
    degradation = degradation_of(recipe)
    steps = [getattr(config, "step", None) for config in (network, degradation)]
    if None not in steps and steps[0] != steps[1]:
        raise BadDataError(
            f"the network expects a dispersion of {steps[0]} px per band, the snapshots have {steps[1]}",
            "give both the same step in the recipe",
        )
    if getattr(degradation, "other_steps", ()) and not getattr(network, "takes_any_step", False):
        raise BadDataError(
            f"the network '{recipe.network['name']}' knows one dispersion, of {steps[0]} px per band",
            'leave out other_steps, or train the network "unfolding"',
        )


def require_devices(device: str, count: int) -> None:
    """UsageError for a device, or for more of them than this machine has."""
    there = {"cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if device == "auto":
        device = next((name for name, number in there.items() if number), "cpu")
    if device != "cpu" and count > there[device]:
        raise UsageError(
            f"only {there[device]} '{device}' devices are available on this machine or in this PyTorch, not {count}",
            f"--devices {there[device]}" if there[device] else "--device cpu",
        )


def require_even_shares(recipe: Recipe, num_devices: int) -> None:
    """UsageError for a batch that `num_devices` cannot share alike: a device's mean gradient would weigh too much, or
    be of nothing."""
    batches = [stage.batch for stage in recipe.schedule.stages]
    common = math.gcd(*batches)
    if common % num_devices:
        batch = next(batch for batch in batches if batch % num_devices)
        fitting = ", ".join(str(count) for count in range(1, common + 1) if common % count == 0)
        raise UsageError(
            f"a batch of {batch} cannot be divided equally among {num_devices} devices", f"--devices {fitting}"
        )


def require_startable(checkpoint: Path, recipe: Recipe, *, resume: bool, start_from: Path | None) -> None:
    """Raises unless a run can begin, or with `resume` one of `recipe` go on, where `checkpoint` is its last one."""
    folder = checkpoint.parent
    require_creatable(folder)
    if resume and not checkpoint.is_file():
        raise NoInputError(f"nothing to resume in {folder}", "leave out --resume to start a run")
    if checkpoint.is_file() and not resume:
        raise UsageError(f"{folder} already holds a run", "add --resume to continue it, or name another --run-dir")
    if resume and start_from is not None:
        raise UsageError("a resumed run has its weights already", "leave out --start-from, or name another --run-dir")
    if resume:
        require_same_run(checkpoint, recipe)


def require_creatable(folder: Path) -> None:
    """CannotCreateError unless a run's folder is there, or can be."""
    nearest = next(each for each in (folder, *folder.absolute().parents) if os.path.lexists(each))
    if not nearest.is_dir():
        raise CannotCreateError(f"'{nearest}' is no folder that a run could be kept in", "--run-dir with another name")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise CannotCreateError(f"folder '{nearest}' is not writable", "--run-dir with another folder")


def require_same_run(checkpoint: Path, recipe: Recipe) -> None:
    """BadDataError unless `checkpoint` can be read and is of a run of `recipe`'s network and optimiser."""
    try:
        saved = torch.load(checkpoint, map_location="cpu", mmap=True, weights_only=True)
        state = saved["state_dict"]
    except Exception as error:  # a damaged file makes torch raise anything
        raise BadDataError(
            f"'{checkpoint}' is damaged, or not the checkpoint of a run", "start a new run in another --run-dir"
        ) from error
    with torch.device("meta"):
        network = network_from_plain(recipe.network).build()
    wanted = {f"network.{name}": tensor.shape for name, tensor in network.state_dict().items()}
    if {name: tensor.shape for name, tensor in state.items()} != wanted:
        raise BadDataError(
            f"'{checkpoint}' was made with another network than the recipe's",
            "resume with the recipe of that run, or name another --run-dir",
        )
    for name, value in lasting(recipe).items():
        if value != (before := saved.get(LASTING, {}).get(name, value)):
            raise BadDataError(
                f"'{checkpoint}' was started with {name} {before}, the recipe says {value}",
                "resume with the recipe of that run, or start a new one with --start-from",
            )


def degradation_of(recipe: Recipe) -> Degradation:
    """As configured; UsageError for one that another task than the recipe's undoes."""
    knobs = dict(recipe.degradation)
    name = knobs.pop("name", "")
    config = resolve(DEGRADATIONS, name, "degradation")
    if UNDONE_BY[name] != recipe.task:
        suited = ", ".join(each for each, task in UNDONE_BY.items() if task == recipe.task)
        raise UsageError(
            f"the degradation '{name}' is undone by {UNDONE_BY[name]}, not by {recipe.task}",
            f'[degradation] name = "{suited}"',
        )
    return from_mapping(config, knobs, f"degradation {name}")
