"""What `load` takes, what a model says of itself, and what importing the package costs."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

import glmha_cli as glmha
from glmha_cli.errors import BadDataError, GlmhaError, UsageError
from glmha_cli.inference.tiling import Tiling

ROOT = Path(__file__).parents[2]


def in_new_process(code: str) -> None:
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert result.returncode == 0, result.stderr


def test_importing_loads_nothing_heavy():
    heavy = ("torch", "numpy", "onnxruntime", "PIL", "typer", "rich", "huggingface_hub")
    in_new_process(f"import sys, glmha_cli\nassert not [name for name in {heavy} if name in sys.modules]")


def test_a_model_needs_neither_the_command_line_nor_for_onnx_pytorch():
    in_new_process(
        "import sys, numpy, glmha_cli\n"
        "model = glmha_cli.load('derain-lite', engine='onnx', device='cpu')\n"
        "assert model(numpy.zeros((16, 16))).shape == (16, 16)\n"
        "assert not [name for name in ('torch', 'typer', 'rich') if name in sys.modules]"
    )


def test_names_are_there_and_listed():
    assert set(glmha.__all__) <= set(dir(glmha))
    assert all(getattr(glmha, name) for name in glmha.__all__)
    assert (Path(glmha.__file__).parent / "py.typed").is_file()
    with pytest.raises(AttributeError, match="lod"):
        glmha.lod  # noqa: B018


def test_a_task_a_model_and_a_path_mean_the_same(derain):
    options = {"device": "cpu", "engine": "onnx"}
    models = [glmha.load("derain", **options), glmha.load("derain-lite", **options)]
    assert [model.weights.id for model in models] == ["derain-lite"] * 2
    by_path = glmha.load(Path(models[0].weights.path), device="cpu")
    assert by_path.restorer.engine.precision == "fp32" and by_path.task.name == "derain"
    assert repr(derain).startswith("<glmha model tiny for derain")


def test_options_may_be_what_other_libraries_call_them(tiny_models):
    model = glmha.load(tiny_models["derain"], device=torch.device("cpu"), scale=1)
    assert model.restorer.engine.device == "cpu"
    with pytest.raises(UsageError, match="not '0.5'"):
        glmha.load(tiny_models["derain"], scale=0.5)


def test_options_reach_the_work(tiny_models):
    model = glmha.load(tiny_models["derain"], tile=64, overlap=8, precision="bf16", device="cpu")
    assert model.restorer.tiling == Tiling(tile_px=64, overlap_px=8) and model.restorer.engine.precision == "bf16"
    assert glmha.load(tiny_models["derain"], tile="whole").restorer.tiling.tile_px is None
    assert not glmha.load(tiny_models["rgb2hsi"], project=False).restorer.project


@pytest.mark.parametrize(
    ("model", "options", "hint"),
    [
        ("derian", {}, "derain"),
        ("derain", {"device": "gpu"}, "cpu"),
        ("derain", {"precision": "float16"}, "fp16"),
        ("derain", {"engine": "pytorch"}, "torch"),
        ("derain", {"tile": "huge"}, "256"),
        ("derain", {"tile": 64, "overlap": 60}, "32"),
        ("no/such.safetensors", {}, "models"),
        ("derain", {"weights_dir": "no_such_folder"}, "pull"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(model, options, hint):
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        glmha.load(model, **options)
    assert isinstance(caught.value, GlmhaError) and hint in caught.value.hint


def test_progress_counts_the_tiles_of_all_images(tiny_models):
    import torch

    model, calls = glmha.load(tiny_models["derain"], tile=64), []
    model(torch.rand(2, 3, 64, 90), on_tile=lambda done, total: calls.append((done, total)))
    assert calls == [(0, 4), (1, 4), (2, 4), (2, 4), (3, 4), (4, 4)]


def test_warnings_are_pythons_or_go_where_they_are_asked_to(tiny_models, monkeypatch):
    monkeypatch.setattr("glmha_cli.inference.memory.free_bytes", lambda: 1)
    monkeypatch.setattr("glmha_cli.inference.torch_engine.free_bytes", lambda: 1)
    with pytest.warns(UserWarning, match="tiles of"):
        glmha.load(tiny_models["derain"], device="cpu")
    said = []
    with warnings.catch_warnings(action="error"):
        glmha.load(tiny_models["derain"], device="cpu", on_warning=said.append)
    assert len(said) == 1


def test_files_are_named_by_any_path(tmp_path):
    cube = glmha.Cube(values=np.random.default_rng(0).random((5, 6, 2), np.float32), wavelength_nm=(500, 600))
    glmha.write_cube(os.fspath(tmp_path / "a.tif"), cube)
    glmha.write_cube(tmp_path / "b.npz", np.asarray(cube, np.float64), wavelength_nm=[500, 600])
    for name in ("a.tif", "b.npz"):
        again = glmha.read_cube(str(tmp_path / name))
        np.testing.assert_array_equal(again, cube)
        assert again.wavelength_nm == (500.0, 600.0)
    glmha.write_photo(tmp_path / "gray.png", np.eye(8, dtype=np.uint16) * 65535)
    gray = glmha.read_photo(str(tmp_path / "gray.png"))
    assert gray.grayscale and gray.bit_depth == 16
    with pytest.raises(FileNotFoundError):
        glmha.read_photo(str(tmp_path / "none.png"))
    with pytest.raises(BadDataError, match="wavelengths"):
        glmha.write_cube(tmp_path / "c.tif", cube, wavelength_nm=[1.0])
    with pytest.raises(UsageError):
        glmha.write_photo(tmp_path / "photo.xyz", np.zeros((4, 4)))
