"""A small network that stands in for a trained one where only its path through the tool matters."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import hypothesis
import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
# One thread each: on a busy machine, threads that wait for each other cost more than they compute.
os.environ["OMP_NUM_THREADS"] = "1"
# On a busy machine an example takes any time, and none of them is about time.
hypothesis.settings.register_profile("any machine", hypothesis.settings.default, deadline=None)
hypothesis.settings.load_profile("any machine")
# Under nohup, or behind "&" of a script, these are ignored, and every process that a test starts and ends by them would
# inherit that. A handler of ours is as deaf, and no other process inherits it.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, lambda *_: None)


def run_glmha(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """The real command in a process of its own."""
    command = [sys.executable, "-m", "glmha_cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **{"timeout": 120, **options})


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    """A derain checkpoint of a tiny network with fixed random weights: not for quality, only for the path."""
    import torch

    from glmha_cli.networks import network_to_plain
    from glmha_cli.networks.restormer import RestormerConfig
    from glmha_cli.weights.checkpoint import save_checkpoint

    torch.manual_seed(0)
    config = RestormerConfig(channels=8, num_blocks=(1, 1, 1, 1), num_refinement_blocks=1, stem_downscale=2)
    network = config.build()
    torch.nn.init.normal_(network.output.weight, std=0.005)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    about = {"task": "derain", "network": network_to_plain(config)}
    save_checkpoint(path, network.state_dict(), about, dtype=torch.float32)
    return path


@pytest.fixture
def photo(tmp_path) -> Path:
    """A PNG of 60x40 pixels."""
    from PIL import Image

    path = tmp_path / "photo.png"
    gradient = np.linspace(0, 255, 40 * 60 * 3).reshape(40, 60, 3).astype(np.uint8)
    Image.fromarray(gradient).save(path)
    return path
