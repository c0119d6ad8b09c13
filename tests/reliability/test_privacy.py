"""No library that is loaded sends anything of its own accord; with --offline no verb opens a connection."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from glmha_cli.privacy import SWITCHES
from tests.conftest import ROOT

# Python's sockets are seen by the audit hook; those of compiled code would need a name looked up or a route, and the
# switches, set before each library is loaded, keep them from being made.
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
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)).save(tmp_path / "in.png")
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def run_watched(home, *arguments, **environment):
    """As on a user's machine: where CI is set, telemetry is off by itself."""
    unset = {"CI", "GITHUB_ACTIONS", "XDG_CACHE_HOME", "HF_HOME", "HF_HUB_OFFLINE", *SWITCHES}
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    env = {**kept, "HOME": str(home), "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-c", WATCHED, *map(str, arguments)]
    return subprocess.run(command, cwd=home.parent, env=env, capture_output=True, text=True, timeout=120, check=False)


VERBS = {
    "restore by ONNX Runtime": ("derain", "in.png", "out.png", "--engine", "onnx", "--offline"),
    "restore by PyTorch": ("derain", "in.png", "out.png", "--engine", "torch", "--offline"),
    "cube": ("rgb2hsi", "in.png", "out.npy", "--offline"),
    "export": ("export", "derain-lite", "out.onnx", "--tile", "32", "--offline"),
    "models": ("models", "verify"),
    "path": ("models", "path", "derain-lite"),
    "info": ("info", "derain-lite"),
}


@pytest.mark.parametrize("verb", VERBS)
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
