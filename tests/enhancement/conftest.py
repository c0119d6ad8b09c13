"""A small network with channel attention whose attentions differ from image to image, as trained ones do."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from glmha_cli.attention.csa import CSAConfig
from glmha_cli.networks import network_to_plain
from glmha_cli.networks.restormer import RestormerConfig
from glmha_cli.weights.checkpoint import save_checkpoint

CONFIG = RestormerConfig(
    channels=8, num_blocks=(1, 0, 0, 1), num_refinement_blocks=0, stem_downscale=2, attention=CSAConfig()
)
RECIPE = """task = "derain"
[network]
name = "restormer"
[degradation]
name = "rain"
bank_layers = 4
layer_px = 64
[schedule]
steps = 8
learning_rate = 1e-3
stages = [{ patch_px = 32, batch = 2, until = 1.0 }]
"""


def sharpened(network: nn.Module) -> nn.Module:
    """With attentions that are far from uniform, and an output that is more than nothing."""
    torch.manual_seed(1)
    for name, parameter in network.named_parameters():
        if name.endswith("temperature"):
            nn.init.constant_(parameter, 4.0)
    nn.init.normal_(network.output.weight, std=0.01)
    return network.eval()


@pytest.fixture(scope="session")
def teacher() -> nn.Module:
    torch.manual_seed(0)
    return sharpened(CONFIG.build())


@pytest.fixture(scope="session")
def source(teacher, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("source") / "csa.safetensors"
    about = {"task": "derain", "network": network_to_plain(CONFIG), "licence": "CC-BY-4.0", "run": {"step": 7}}
    save_checkpoint(path, teacher.state_dict(), about, dtype=torch.float32)
    return path


@pytest.fixture(scope="session")
def photos(tmp_path_factory) -> Path:
    """Twelve photos of smooth colours."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for number in range(12):
        small = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        small.resize((72, 64), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="session")
def recipe(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(RECIPE)
    return path
