"""A file whose decoder crashes is an error in one line for every verb, and not the end of its process."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.in_process import run_here

VERBS = {
    "convert": ("convert", "cube.npy", "out.npz"),
    "preview": ("preview", "cube.npy", "out.png"),
    "spectrum": ("spectrum", "cube.npy", "--at", "1,1"),
    "compare": ("compare", "photo.png", "photo.png", "-o", "out.png"),
    "degrade": ("degrade", "rain", "photo.png", "out.png"),
    "restore": ("derain", "photo.png", "out.png"),
    "eval of pairs": ("eval", "derain", "--pairs", "."),
    "eval of results": ("eval", "rgb2hsi", "--results", "results", "--targets", "results"),
    "sci --check": ("sci", "--check", "cube.npy", "cube.npy"),
    "analyze": ("analyze", "derain-lite", "photo.png"),
}

CRASHES = """
import os, signal
from glmha_cli.io import guard
guard.require_readable = lambda path: os.kill(os.getpid(), signal.SIGSEGV)
"""


@pytest.mark.parametrize("verb", VERBS)
def test_a_crash_is_an_error_of_the_file(tmp_path, monkeypatch, verb):
    """Reading crashes wherever Python starts anew, but not in this process."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "crashes").mkdir()
    (tmp_path / "crashes" / "sitecustomize.py").write_text(CRASHES)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "crashes"), *sys.path])
    for folder in ("results", "input", "target"):
        Path(folder).mkdir()
        np.save(f"{folder}/a.npy", np.ones((4, 5, 31), np.float32))
        Image.new("RGB", (32, 24)).save(f"{folder}/a.png")
    np.save("cube.npy", np.ones((4, 5, 31), np.float32))
    Image.new("RGB", (32, 24)).save("photo.png")
    done = run_here(*VERBS[verb])
    assert done.returncode == 65 and "its decoder crashed" in done.stderr, done.stderr
