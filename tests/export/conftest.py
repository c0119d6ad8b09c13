"""Tiny networks of every host with random weights, and the ONNX file of one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from glmha_cli.export import export_onnx
from glmha_cli.networks import network_from_plain, network_to_plain
from glmha_cli.weights.checkpoint import save_checkpoint
from glmha_cli.weights.integrity import sha256_of

RESTORMER = {
    "name": "restormer",
    "channels": 8,
    "num_blocks": [1, 1, 1, 1],
    "num_refinement_blocks": 1,
    "stem_downscale": 2,
}
TASKS = {"restormer": "derain", "mst_plus_plus": "rgb2hsi", "mst": "sci", "unfolding": "sci"}


def checkpoint(path: Path, plain: dict[str, Any], **about: Any) -> Path:
    """A checkpoint of this network; weights that change the image, and that float16 holds."""
    torch.manual_seed(0)
    network = network_from_plain(plain).build()
    for name, parameter in network.named_parameters():
        if name.endswith("output.weight"):
            torch.nn.init.normal_(parameter, std=0.05)
    state = {name: value.half().float() for name, value in network.state_dict().items()}
    about = {"task": TASKS[plain["name"]], "network": network_to_plain(network.config), **about}
    save_checkpoint(path, state, about, dtype=torch.float32)
    return path


@pytest.fixture(scope="session")
def exported(tmp_path_factory) -> Callable[..., tuple[Path, Path]]:
    """(safetensors, onnx) of a network, exported once per session at 48 px."""
    done = {}

    def export(plain: dict[str, Any], *, precision: str = "fp32") -> tuple[Path, Path]:
        key = (repr(plain), precision)
        if key not in done:
            folder = tmp_path_factory.mktemp("export")
            weights, target = checkpoint(folder / "w.safetensors", plain), folder / "w.onnx"
            export_onnx(weights, target, sha256=sha256_of(weights), tile_px=48, precision=precision)
            done[key] = weights, target
        return done[key]

    return export


@pytest.fixture(scope="session")
def tiny_onnx(exported) -> Path:
    return exported(RESTORMER)[1]
