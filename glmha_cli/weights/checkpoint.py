"""Our checkpoint file: safetensors whose metadata carries task, network config, training run and licence."""

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from glmha_cli.errors import BadDataError
from glmha_cli.io.atomic import atomic_output
from glmha_cli.networks.config import NetworkConfig
from glmha_cli.weights.about import KEY, config_of, read_about


def save_checkpoint(
    path: Path, state: Mapping[str, Tensor], about: Mapping[str, Any], *, dtype: torch.dtype, overwrite: bool = True
) -> None:
    """Write `state` as `dtype` with `about` ({"task", "network", …}, JSON types only) in the metadata."""
    tensors = {name: tensor.detach().to("cpu", dtype).contiguous() for name, tensor in state.items()}
    metadata = {"format": "pt", KEY: json.dumps(about, sort_keys=True)}
    save_tensors(path, tensors, metadata, overwrite=overwrite)


def save_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str], *, overwrite: bool = True) -> None:
    """A safetensors file, whole or not at all. One of safetensors' save_file only its owner may read, whatever the
    umask."""
    with atomic_output(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(save(tensors, metadata))


def load_network(path: Path) -> nn.Module:
    """The network of a checkpoint with its weights, float32, in eval mode, on the CPU."""
    config = config_of(read_about(path), str(path))
    require_fit(config, path)
    network = config.build()
    load_weights(network, path)
    return network.eval()


def require_fit(config: NetworkConfig, path: Path) -> None:
    """BadDataError where the file has fewer numbers than such a network at least: told before that is built."""
    with safe_open(path, framework="numpy") as file:
        numbers = sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118 - no mapping
    if config.least_parameters > numbers:
        raise misfit(path)


def misfit(path: Path) -> BadDataError:
    return BadDataError(f"'{path}': its weights do not match its network's config", f"glmha info {path}")


def load_weights(network: nn.Module, path: Path, *, partly: bool = False) -> None:
    """Put the weights of a checkpoint into `network`; BadDataError if they are not of such a network.

    partly: they may be those of a part of it; what they leave out stays as it is.
    """
    state = {name: tensor.float() for name, tensor in load_file(path).items()}
    if partly:
        state = network.state_dict() | state
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise misfit(path) from error
