"""Checkpoints that others released (`released` says which) -> ours: network config, parameter names and shapes."""

import pickle
import re
import warnings
import zipfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from glmha_cli.errors import BadDataError, NoInputError
from glmha_cli.networks import network_from_plain, network_to_plain
from glmha_cli.weights.released import RELEASES, Rules, Upstream, listing, refuse


def from_upstream(
    state: Mapping[str, Shaped[np.ndarray | Tensor, "..."]],
) -> tuple[dict[str, Any], dict[str, Shaped[Tensor, "..."]]]:
    """A released state dict (numpy arrays or tensors, any dtype) -> plain network config and our state dict.

    The network and all its sizes are read from names and shapes; the attention is CSA. What no name tells
    (MST's step) is the network's default. Raises BadDataError for names or shapes of any other network.
    """
    upstream = {name: torch.as_tensor(value) for name, value in state.items()}
    release = next((r for r in RELEASES if r.signature <= upstream.keys()), None)
    if release is None:
        raise BadDataError(
            f"not a checkpoint of Restormer, MST or MST++ (it begins with {listing(upstream)})",
            "import the .pth that the authors released",
        )
    config = network_from_plain({**release.sizes(upstream), "attention": {"name": "csa"}})
    with torch.device("meta"):
        expected = {name: value.shape for name, value in config.build().state_dict().items()}
    target = {name: rename(name, release.rules) for name in upstream}
    refuse("unknown", [name for name in upstream if target[name] not in expected])
    refuse("missing", expected.keys() - target.values())
    parts = defaultdict(list)
    for name in sorted(upstream):  # to_k, to_q, to_v: in this order they are our q, k, v
        shape = expected[target[name]]
        weight = as_convolution(upstream[name], shape)
        if weight.ndim != len(shape) or weight.shape[1:] != shape[1:]:
            refuse("misshapen", [name])
        parts[target[name]].append(weight)
    ours = {name: torch.cat(weights) for name, weights in parts.items()}
    refuse("misshapen", [name for name, shape in expected.items() if ours[name].shape != shape])
    return network_to_plain(config), ours


def load_pth(path: Path) -> tuple[dict[str, Any], dict[str, Shaped[Tensor, "..."]]]:
    """`from_upstream` of a .pth file: bare, or under `params` or `state_dict`, names with `module.` or not.

    Loads tensors alone. Raises NoInputError without a file; BadDataError for a damaged one, and for one that
    holds pickled objects (whole modules), as opening it would run their code.
    """
    if not path.is_file():
        raise NoInputError(f"no checkpoint at {path}", "name an existing .pth file")
    require_stored(path)
    try:
        with warnings.catch_warnings(action="ignore"):  # of unusual pickle protocols: what cannot be read is an error
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL (\S+)", str(error))
        what = f"holds a pickled object ({found[1]})" if found else "is not a torch checkpoint"
        raise BadDataError(f"{path} {what}; only tensors are loaded", "save its state_dict()") from error
    except Exception as error:  # what the loader makes of arbitrary bytes is of any type
        raise BadDataError(f"{path} is not a torch checkpoint, or is damaged", "download it again") from error
    state = unwrap(loaded)
    if sum(tensor.numel() for tensor in state.values()) > path.stat().st_size:  # all of one number, repeated
        raise inflated(path)
    return from_upstream(state)


def require_stored(path: Path) -> None:
    """BadDataError for an archive whose parts are compressed, as PyTorch has none: they may grow a thousand times."""
    try:
        with zipfile.ZipFile(path) as archive:
            size_bytes = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):  # an older format, or for the loader to tell
        return
    if size_bytes > path.stat().st_size:
        raise inflated(path)


def inflated(path: Path) -> BadDataError:
    return BadDataError(f"{path} declares more numbers than it holds", "save its state_dict() by torch.save")


def unwrap(loaded: Any) -> Upstream:
    """The state dict inside what a .pth holds."""
    for key in ("params", "state_dict"):
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
    if not isinstance(loaded, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in loaded.items()
    ):
        raise BadDataError("the checkpoint holds no state dict", "save the network's state_dict()")
    return {name.removeprefix("module."): value for name, value in loaded.items()}


def rename(name: str, rules: Rules) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def as_convolution(weight: Tensor, shape: torch.Size) -> Tensor:
    """A linear layer's weight as that of the 1x1 convolution that it is."""
    return weight[..., None, None] if weight.ndim == 2 and len(shape) == 4 else weight
