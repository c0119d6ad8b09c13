"""rgb2hsi and sci from file to file, with small networks of random weights: the path, not the quality."""

import json

import numpy as np
import pytest
import scipy.io
import torch
from PIL import Image

from glmha_cli.io.cubes.cube import read_cube
from glmha_cli.networks import network_to_plain
from glmha_cli.networks.mst import MSTConfig
from glmha_cli.networks.mst_plus_plus import MSTPlusPlusConfig
from glmha_cli.physics import cassi
from glmha_cli.physics.colour import render
from glmha_cli.physics.wavelengths import RGB2HSI_NM, SCI_NM
from glmha_cli.tasks.lights import named_light
from glmha_cli.weights.checkpoint import save_checkpoint
from tests.cli.in_process import run_here
from tests.cli.test_restore import error_of
from tests.conftest import run_glmha

CONFIGS = {"rgb2hsi": MSTPlusPlusConfig(num_stages=1), "sci": MSTConfig(num_blocks=(1, 1, 1))}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for task, config in CONFIGS.items():
        torch.manual_seed(0)
        save_checkpoint(
            folder / f"{task}.safetensors",
            config.build().state_dict(),
            {"task": task, "network": network_to_plain(config)},
            dtype=torch.float32,
        )
    return folder


@pytest.fixture
def scene(tmp_path):
    """A measurement of a smooth cube through a random mask, and both files."""
    rng = np.random.default_rng(0)
    cube = np.broadcast_to(np.linspace(0.1, 0.9, 28, dtype=np.float32), (37, 50, 28))
    mask = (rng.random((37, 50)) < 0.5).astype(np.float32)
    y = cassi.forward(cube, mask, step=2)
    scipy.io.savemat(tmp_path / "y.mat", {"simulation_test": y})
    scipy.io.savemat(tmp_path / "mask.mat", {"mask": mask})
    return tmp_path / "y.mat", tmp_path / "mask.mat", y, mask


@pytest.mark.parametrize("name", ["cube.tif", "cube.mat", "cube.hdr", "cube.npz", "cube.zarr"])
def test_a_photo_becomes_a_cube_that_renders_back_to_it(models, photo, tmp_path, name):
    out = tmp_path / name
    result = run_glmha("rgb2hsi", photo, out, "--model", models / "rgb2hsi.safetensors")
    assert result.returncode == 0, result.stderr
    cube = read_cube(out)
    assert cube.wavelength_nm == RGB2HSI_NM and cube.values.shape == (40, 60, 31)
    with Image.open(photo) as source:
        np.testing.assert_allclose(render(cube.values), np.asarray(source, np.float32) / 255, atol=1 / 512)


def test_a_batch_takes_a_store_for_one_file(models, photo, tmp_path):
    command = ("rgb2hsi", photo.parent, tmp_path / "out", "--ext", "zarr", "--model", models / "rgb2hsi.safetensors")
    record = ("--record", tmp_path / "run.jsonl", "--resume")
    assert "1 done, 0 skipped" in run_here(*command, *record).stderr
    assert "0 done, 1 skipped" in run_here(*command, *record).stderr
    (store,) = (tmp_path / "out").iterdir()
    (store / "cube" / "c" / "0" / "0" / "0").write_bytes(b"changed by hand")
    changed = run_here(*command, *record)
    assert changed.returncode == 1 and "was not written by the run of this record" in changed.stderr


def test_the_light_of_the_scene(models, photo, tmp_path):
    out, flags = tmp_path / "cube.tif", ("--model", models / "rgb2hsi.safetensors")
    assert run_here("rgb2hsi", photo, out, "--illuminant", "A", *flags).returncode == 0
    cube = read_cube(out)
    with Image.open(photo) as source:
        np.testing.assert_allclose(
            render(cube.values, named_light("A")), np.asarray(source, np.float32) / 255, atol=1 / 512
        )
    assert json.loads(cube.facts.tags["provenance"])["illuminant"] == "A"
    refused = run_here("rgb2hsi", photo, tmp_path / "b.tif", "--illuminant", "F2", "--no-project", *flags)
    assert refused.returncode == 2 and "--no-project" in refused.stderr
    unknown = run_here("rgb2hsi", photo, tmp_path / "b.tif", "--illuminant", "moon", *flags)
    assert unknown.returncode == 2 and "no light that is known" in unknown.stderr


def test_without_projection_the_cube_is_the_networks_own(models, photo, tmp_path):
    out = tmp_path / "cube.npy"
    flags = ["--no-project", "--model", models / "rgb2hsi.safetensors"]
    assert run_glmha("rgb2hsi", photo, out, *flags).returncode == 0
    with Image.open(photo) as source:
        error = np.abs(render(np.load(out)) - np.asarray(source, np.float32) / 255)
    assert error.max() > 0.01


def test_a_measurement_becomes_a_cube_that_gives_it_back(models, scene, tmp_path):
    measurement, mask_file, y, mask = scene
    out = tmp_path / "cube.mat"
    result = run_glmha(
        "sci", measurement, out, "--mask", mask_file, "--model", models / "sci.safetensors", "--tile", "32"
    )
    assert result.returncode == 0, result.stderr
    cube = read_cube(out)
    assert cube.wavelength_nm == SCI_NM and cube.values.shape == (37, 50, 28)
    assert cube.values.min() >= 0 and cube.values.max() <= 1
    before = np.abs(y - cassi.forward(np.zeros_like(cube.values), mask, step=2)).mean()
    assert np.abs(y - cassi.forward(cube.values, mask, step=2)).mean() < 0.2 * before


def test_a_mask_that_does_not_fit_says_which_would(models, scene, tmp_path):
    measurement, mask_file, _, mask = scene
    scipy.io.savemat(mask_file, {"mask": mask[:, :-3]})
    result = run_glmha(
        "sci", measurement, tmp_path / "c.mat", "--mask", mask_file, "--model", models / "sci.safetensors"
    )
    assert result.returncode == 65 and "37 x 50" in error_of(result)
    assert not (tmp_path / "c.mat").exists()


def test_a_missing_mask_is_named(models, scene, tmp_path):
    measurement, mask_file, *_ = scene
    result = run_glmha(
        "sci",
        measurement,
        tmp_path / "c.mat",
        "--mask",
        mask_file.with_name("no.mat"),
        "--model",
        models / "sci.safetensors",
    )
    assert result.returncode == 66 and "no.mat" in error_of(result)


@pytest.mark.parametrize(
    ("task", "arguments"), [("rgb2hsi", ["photo.png", "c.tif"]), ("sci", ["y.mat", "c.mat", "--mask", "mask.mat"])]
)
def test_a_task_without_checkpoint_says_what_to_do(photo, scene, tmp_path, task, arguments):
    from glmha_cli.weights.manifest import load_manifest

    manifest = load_manifest()
    if manifest.model(task).files:  # once a checkpoint is bundled, the verb simply works
        assert run_glmha(task, *arguments, cwd=tmp_path).returncode == 0
        return
    result = run_glmha(task, *arguments, cwd=tmp_path)
    assert result.returncode == 69 and "--model" in error_of(result)
