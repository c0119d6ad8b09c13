"""Tiny checkpoints of every kind of task, loaded by the library."""

from pathlib import Path

import pytest

import glmha_cli as glmha


@pytest.fixture(scope="session")
def tiny_models(tiny_model, tmp_path_factory) -> dict[str, Path]:
    """A checkpoint with fixed random weights per task: not for quality, only for the path."""
    import torch

    from glmha_cli.networks import network_to_plain
    from glmha_cli.networks.mst import MSTConfig
    from glmha_cli.networks.mst_plus_plus import MSTPlusPlusConfig
    from glmha_cli.weights.checkpoint import save_checkpoint

    folder, paths = tmp_path_factory.mktemp("models"), {"derain": tiny_model}
    for task, config in {"rgb2hsi": MSTPlusPlusConfig(), "sci": MSTConfig()}.items():
        torch.manual_seed(0)
        paths[task] = folder / f"{task}.safetensors"
        about = {"task": task, "network": network_to_plain(config)}
        save_checkpoint(paths[task], config.build().state_dict(), about, dtype=torch.float32)
    return paths


@pytest.fixture(scope="session")
def derain(tiny_models) -> glmha.Model:
    return glmha.load(tiny_models["derain"])
