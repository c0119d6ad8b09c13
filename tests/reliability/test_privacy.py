"""No library that is loaded sends anything of its own accord; with --offline no verb opens a connection."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from glmha_cli.cli.verbs import VERBS as TABLE
from glmha_cli.physics.wavelengths import RGB2HSI_NM
from glmha_cli.privacy import SWITCHES
from glmha_cli.tasks import TASKS
from tests.conftest import ROOT
from tests.training.conftest import TINY

SCI = ROOT / "examples" / "sci"

# Python's sockets are seen by the audit hook; those of compiled code by strace, where that is installed.
WATCHED = """
import os, sys
def seen(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        os.write(2, f"network: {event} {arguments[1:]}".encode()); os._exit(99)
    if event == "import" and arguments[0] in ("onnxruntime", "huggingface_hub"):
        if any(os.environ.get(name) != "1" for name in SWITCHES):
            os.write(2, f"{arguments[0]} comes before its switch".encode()); os._exit(98)
SWITCHES = ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY")
sys.addaudithook(seen)
from glmha_cli.cli.app import main
sys.argv = ["glmha", *sys.argv[1:]]
main()
"""


@pytest.fixture
def home(tmp_path):
    """Of someone who has never used the tool, with a photo."""
    rng = np.random.default_rng(0)
    for folder in ("home", "photos", "input", "target"):
        (tmp_path / folder).mkdir()
    for name in ("in.png", "input/a.png", "target/a.png", *(f"photos/{i}.png" for i in range(4))):
        Image.fromarray(rng.integers(0, 256, (40, 48, 3), np.uint8)).save(tmp_path / name)
    np.savez(tmp_path / "cube.npz", cube=rng.random((6, 7, 31), np.float32), wavelength_nm=RGB2HSI_NM)
    (tmp_path / "tiny.toml").write_text(TINY)
    save_channel_attention(tmp_path / "csa.safetensors")
    (tmp_path / "run.jsonl").touch()
    return tmp_path / "home"


def save_channel_attention(path):
    """A small derain checkpoint with CSA, for enhance."""
    from glmha_cli.attention.csa import CSAConfig
    from glmha_cli.networks import network_to_plain
    from glmha_cli.networks.restormer import RestormerConfig
    from glmha_cli.weights.checkpoint import save_checkpoint

    config = RestormerConfig(channels=8, num_blocks=(1, 0, 0, 0), num_refinement_blocks=0, attention=CSAConfig())
    about = {"task": "derain", "network": network_to_plain(config)}
    save_checkpoint(path, config.build().state_dict(), about, dtype=torch.float32)


def run_watched(home, *arguments, before=(), **environment):
    """As on a user's machine: where CI is set, telemetry is off by itself."""
    unset = {"CI", "GITHUB_ACTIONS", "XDG_CACHE_HOME", "HF_HOME", "HF_HUB_OFFLINE", *SWITCHES}
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    env = {**kept, "HOME": str(home), "PYTHONPATH": str(ROOT), **environment}
    command = [*map(str, before), sys.executable, "-c", WATCHED, *map(str, arguments)]
    return subprocess.run(command, cwd=home.parent, env=env, capture_output=True, text=True, timeout=300, check=False)


VERBS = {
    "restore by ONNX Runtime": ("derain", "in.png", "out.png", "--engine", "onnx", "--offline"),
    "restore by PyTorch": ("derain", "in.png", "out.png", "--engine", "torch", "--offline"),
    "cube": ("rgb2hsi", "in.png", "out.npy", "--offline"),
    "export": ("export", "derain-lite", "out.onnx", "--tile", "32", "--offline"),
    "deblur": ("deblur", "in.png", "out.png", "--offline"),
    "sci": ("sci", SCI / "measurement.mat", "out.npz", "--mask", SCI / "mask.mat", "--engine", "torch", "--offline"),
    "sci --check": ("sci", "--check", SCI / "measurement.mat", SCI / "mask.mat", "--offline"),
    "compare": ("compare", "in.png", "input/a.png", "-o", "out.html"),
    "convert": ("convert", "cube.npz", "out.tif"),
    "preview": ("preview", "cube.npz", "out.png"),
    "spectrum": ("spectrum", "cube.npz", "--at", "1,1", "--plot", "out.png"),
    "view": ("view", "cube.npz", "-o", "out.html"),
    "record": ("record", "summary", "run.jsonl"),
    "man": ("man",),
    "doctor": ("doctor",),
    "models": ("models",),
    "verify": ("models", "verify"),
    "path": ("models", "path", "derain-lite"),
    "info": ("info", "derain-lite"),
    "degrade": ("degrade", "rain", "in.png", "out.png"),
    "train": ("train", "tiny.toml", "--images", "photos", "--steps", "2", "--workers", "0", "--offline"),
    "enhance": (
        "enhance",
        "csa.safetensors",
        "o.safetensors",
        "--images",
        "photos",
        "--recipe",
        "tiny.toml",
        "--steps",
        "init",
        "--tiles",
        "2",
        "--offline",
    ),
    "recipes": ("recipes",),
    "eval": ("eval", "derain", "--pairs", ".", "--offline"),
    "bench": ("bench", "derain-lite", "--size", "64", "--photo", "32", "--repeat", "1", "--offline"),
    "analyze": ("analyze", "derain-lite", "in.png", "--offline"),
    "profile": ("profile", "derain-lite", "--size", "64x64"),
}


def test_every_verb_is_watched():
    assert {arguments[0] for arguments in VERBS.values()} >= {*TASKS, *TABLE}


@pytest.mark.long
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_makes_a_connection_by_compiled_code(home, verb):
    """Of all its threads and processes."""
    log = home.parent / "calls"
    strace = ("strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=connect,sendto,sendmsg", "-o", log)
    result = run_watched(home, *VERBS[verb], before=strace)
    assert result.returncode == 0, result.stderr
    assert not re.findall(r".*AF_INET.*", log.read_text())


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_strace_sees_a_connection(tmp_path):
    code = "import socket; socket.socket().connect_ex(('127.0.0.1', 9))"
    strace = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=connect", "-o", str(tmp_path / "calls")]
    subprocess.run([*strace, sys.executable, "-c", code], check=True)
    assert "AF_INET" in (tmp_path / "calls").read_text()


SHORT = ("restore by ONNX Runtime", "restore by PyTorch", "cube", "export", "verify", "path", "info", "compare")
"""The others take longer than their turn in every run of the tests."""


@pytest.mark.parametrize(
    "verb", [pytest.param(verb, marks=[] if verb in SHORT else pytest.mark.long) for verb in VERBS]
)
def test_no_verb_reaches_the_network_or_marks_the_machine(home, verb):
    """Whatever the variables said before."""
    result = run_watched(home, *VERBS[verb], **dict.fromkeys(SWITCHES, "0"))
    assert result.returncode == 0, result.stderr
    assert not [path for path in home.rglob("*") if "icrosoft" in str(path)]


def test_the_watch_sees_a_connection(home):
    result = run_watched(
        home, "models", "pull", "restormer-csa-deblur", "--accept-licence", HF_ENDPOINT="http://127.0.0.1:9"
    )
    assert result.returncode == 99 and "network:" in result.stderr
