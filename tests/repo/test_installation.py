"""What README and hints say of installing is true: the smaller sets of packages, and what runs without PyTorch."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glmha_cli import installed
from glmha_cli.fusion import variants

ROOT = Path(__file__).parents[2]


def names(requirements: list[str]) -> dict[str, str]:
    """Package -> its requirement, without markers and comments."""
    plain = [line.split(";")[0].strip() for line in requirements if line.strip() and not line.startswith("#")]
    return {requirement.split(">=")[0]: requirement for requirement in plain}


@pytest.mark.parametrize(("file", "left_out"), [("cpu.txt", set()), ("onnx.txt", {"torch"})])
def test_the_smaller_sets_are_the_dependencies_but_for_what_they_name(file, left_out):
    project = names(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"])
    given = names((ROOT / "requirements" / file).read_text(encoding="utf-8").splitlines())
    assert given == {name: need for name, need in project.items() if name not in {"onnxruntime-gpu", *left_out}}


WITHOUT_TORCH = """
import importlib.util, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "torch" else find_spec(name, *rest)
sys.meta_path.insert(0, Absent())
from glmha_cli.cli.app import main
main()
"""


def without_torch(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", WITHOUT_TORCH, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_photos_and_cubes_are_restored_without_pytorch(tmp_path):
    (tmp_path / "in").mkdir()
    for seed in range(2):
        pixels = np.random.default_rng(seed).integers(0, 256, (40, 56, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "in" / f"{seed}.png")
    photos = without_torch("derain", tmp_path / "in", tmp_path / "out")
    assert photos.returncode == 0, photos.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"0.png", "1.png"}
    cube = without_torch("rgb2hsi", tmp_path / "in" / "0.png", tmp_path / "cube.tif")
    assert cube.returncode == 0, cube.stderr


def test_what_needs_pytorch_says_so(tmp_path):
    Image.new("RGB", (16, 16)).save(tmp_path / "in.png")
    result = without_torch("derain", tmp_path / "in.png", tmp_path / "out.png", "--engine", "torch")
    assert result.returncode == 2
    assert "PyTorch, which is not installed" in result.stderr and "pip install torch" in result.stderr


def test_hints_fit_a_checkout_and_an_installed_copy(monkeypatch, tmp_path):
    assert installed.is_checkout()
    assert installed.extra_command("train") == f"pip install -e '{ROOT}[train]'"
    monkeypatch.setattr(installed, "ROOT", tmp_path)
    assert not installed.is_checkout()
    assert installed.extra_command("train") == "pip install 'glmha[train]'"
    assert installed.repair_command(tmp_path / "file") == "pip install --force-reinstall glmha"


@pytest.mark.skipif(not (shutil.which("cc") and sys.platform == "linux"), reason="compiles the steps, for Linux")
def test_a_platforms_wheel_holds_the_compiled_steps(tmp_path):
    """One library for each kind of CPU, named by its hash; the tag names the platform, but no version of Python."""
    code = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    for prebuilt in ("0", "1"):
        env = {**os.environ, "GLMHA_PREBUILT": prebuilt}
        subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT, env=env, check=True, timeout=120)
    universal, one = sorted(tmp_path.glob("*.whl"), key=lambda path: "linux" in path.name)
    assert universal.stem.endswith("py3-none-any") and f"py3-none-linux_{platform.machine()}" in one.stem
    libraries = {path.name: path for path in zipfile.Path(one, "glmha_cli/fusion/prebuilt/").iterdir()}
    assert {name.partition("-")[0] for name in libraries} == set(variants.of_this_machine())
    for name, path in libraries.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(Path(name).stem.partition("-")[2])
    assert not any("prebuilt" in name for name in zipfile.ZipFile(universal).namelist())
