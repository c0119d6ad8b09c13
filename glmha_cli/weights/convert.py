"""Released .pth checkpoints made ours: safetensors that say where they come from and under which licence."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.io.atomic import atomic_output
from glmha_cli.lookup import resolve
from glmha_cli.networks import NETWORKS, network_from_plain
from glmha_cli.networks.config import NetworkConfig
from glmha_cli.tasks import TASKS
from glmha_cli.typed import from_mapping
from glmha_cli.weights.hub import own_folder
from glmha_cli.weights.integrity import difference, entry_of, sha256_of
from glmha_cli.weights.manifest import FileEntry, ModelEntry


def import_checkpoint(
    source: Path, output: Path, *, task: str, network: str | None = None, overwrite: bool = False
) -> dict[str, Any]:
    """Write the released checkpoint `source` (.pth, tensors only) as ours; returns its metadata.

    network: what the caller believes the file to hold; None takes what its names and shapes tell.

    Raises:
        UsageError: unknown task or network, or the file holds a network other than asked for.
        BadDataError: damaged, pickled objects, a variant of a network, or channels that the task does not have.
        NoInputError, CannotCreateError, OutputError: files.
    """
    import torch

    from glmha_cli.weights.checkpoint import save_checkpoint
    from glmha_cli.weights.released import LICENCES, STRETCHED
    from glmha_cli.weights.upstream import load_pth

    _require_known(task, network)
    plain, state = load_pth(source)
    _require_fit(source, plain, task=task, network=network)
    about = {
        "task": task,
        "network": plain,
        "licence": LICENCES[plain["name"]],
        "source": {"file": source.name, "sha256": sha256_of(source)},
        "stretch_input": plain["name"] in STRETCHED,
    }
    save_checkpoint(output, state, about, dtype=torch.float32, overwrite=overwrite)
    return about


def _require_known(task: str, network: str | None) -> None:
    resolve(TASKS, task, "task")
    if network is not None:
        resolve(NETWORKS, network, "network")


def _require_fit(source: Path, plain: dict[str, Any], *, task: str, network: str | None) -> None:
    needed = resolve(TASKS, task, "task").network
    if network not in (None, plain["name"]):
        raise UsageError(f"'{source}' holds a {plain['name']}, not a {network}", f"--network {plain['name']}")
    if plain["name"] != needed:
        raise UsageError(f"'{source}' holds a {plain['name']}; {task} needs a {needed}", "--task: see glmha models")
    found, usual = (channels_of(network_from_plain(each)) for each in (plain, {"name": needed}))
    if found != usual:
        has, needs = ("{} input and {} output channels".format(*each) for each in (found, usual))
        raise BadDataError(f"'{source}' has {has}; {task} needs {needs}")


def channels_of(config: NetworkConfig) -> tuple[int, int]:
    return config.in_channels, config.out_channels


def converted(entry: ModelEntry, fetch: Callable[[], Path]) -> Path:
    """The safetensors made of the model's .pth, made once; a record beside it holds its size and sha256.

    fetch: gives the verified .pth; not called where the conversion is there and intact.
    """
    target = own_folder("converted") / f"{entry.id}-{entry.files['pth'].sha256[:16]}.safetensors"
    record = target.with_suffix(".json")
    if _is_intact(target, record):
        return target
    about = import_checkpoint(fetch(), target, task=entry.task, overwrite=True)
    if network_from_plain(about["network"]) != network_from_plain(entry.network):
        raise BadDataError(f"'{entry.id}' holds another network than the manifest says")
    file = entry_of(target)
    with atomic_output(record, overwrite=True) as temporary:
        temporary.write_text(json.dumps(asdict(file)), encoding="utf-8")
    return target


def _is_intact(target: Path, record: Path) -> bool:
    """Whether a conversion and its record are there and agree; anything else is made again."""
    try:
        file = from_mapping(FileEntry, json.loads(record.read_text(encoding="utf-8")), str(record))
        return not difference(target, file)
    except (OSError, ValueError, BadDataError):
        return False
