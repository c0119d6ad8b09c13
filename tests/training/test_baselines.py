"""The methods that checkpoints are compared with: known answers; quality.py runs on the validation of training."""

import json
import sys
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import baselines
from benchmarks.baselines import (
    ALPHA,
    GAMMA,
    gap_tv,
    kernel_ridge,
    least_squares,
    perceptron,
    root_features,
    root_polynomial,
)
from glmha_cli.evaluation.metrics import psnr_db, rmse
from glmha_cli.networks import network_from_plain, network_to_plain
from glmha_cli.physics import cassi
from glmha_cli.physics.colour import TO_RGB, render_linear
from glmha_cli.srgb import linear_to_srgb
from glmha_cli.training.degradations.snapshot import SnapshotConfig
from glmha_cli.weights.checkpoint import save_checkpoint
from tests.training.conftest import NM, smooth_reflectances

ROOT = Path(__file__).parents[2]


def photo_of(cube: np.ndarray) -> np.ndarray:
    return linear_to_srgb(render_linear(cube))


def test_least_squares_is_exact_where_three_numbers_tell_the_spectrum():
    basis = smooth_reflectances(3, seed=1)
    mixed = np.random.default_rng(0).dirichlet([1, 1, 1], 500) @ basis
    cube = mixed[:400].reshape(20, 20, 31)
    inside = ((render_linear(cube) >= 0) & (render_linear(cube) <= 1)).all(axis=2)
    assert inside.mean() > 0.5
    np.testing.assert_allclose(least_squares(mixed[400:])(photo_of(cube))[inside], cube[inside], atol=1e-6)


def test_kernel_ridge_is_its_closed_form_at_any_brightness():
    known = smooth_reflectances(60)
    rgb = known @ TO_RGB
    shares, sums = rgb / rgb.sum(axis=1, keepdims=True), rgb.sum(axis=1, keepdims=True)

    def kernel(a, b):
        return np.exp(-GAMMA * ((a[:, None] - b) ** 2).sum(axis=2))

    weights = np.linalg.solve(kernel(shares, shares) + ALPHA * np.eye(60), known / sums)
    linear = np.random.default_rng(1).uniform(0.05, 0.2, (7, 9, 3))  # dim: nothing is clipped
    total = linear.sum(axis=2).reshape(-1, 1)
    wanted = (kernel(linear.reshape(-1, 3) / total, shares) @ weights * total).clip(0, 1).reshape(7, 9, 31)
    predict = kernel_ridge(known)
    np.testing.assert_allclose(predict(linear_to_srgb(linear)), wanted, atol=1e-6)
    np.testing.assert_allclose(predict(linear_to_srgb(linear / 4)), predict(linear_to_srgb(linear)) / 4, atol=1e-6)
    np.testing.assert_array_equal(predict(np.zeros((2, 2, 3))), 0)


def test_root_polynomials_scale_with_exposure_and_are_each_once():
    rgb = np.random.default_rng(0).random((50, 3))
    features = root_features(rgb)
    assert features.shape == (50, 22)  # of order 4 (Finlayson et al. 2015)
    np.testing.assert_allclose(root_features(7 * rgb), 7 * features, rtol=1e-12)
    assert len({tuple(column) for column in features.T.round(9)}) == 22


def test_the_root_polynomial_regression_knows_spectra_that_are_one():
    """Each band a root polynomial of the colour, at brightnesses that training did not have."""
    basis = smooth_reflectances(3, seed=1)
    known = np.random.default_rng(0).dirichlet([1, 1, 1], 400) @ basis
    inside = ((known @ TO_RGB) > 0).all(axis=1)
    cube = known[inside][:60].reshape(6, 10, 31) / 3
    np.testing.assert_allclose(root_polynomial(known)(photo_of(cube)), cube, rtol=2e-3, atol=1e-4)


def test_the_perceptron_learns(monkeypatch):
    monkeypatch.setattr(baselines, "STEPS", 300)
    monkeypatch.setattr(baselines, "BATCH", 256)
    known = smooth_reflectances(60)
    cube = known.reshape(6, 10, 31)
    assert rmse(perceptron(known)(photo_of(cube)), cube) < 0.7 * cube.std()


def test_gap_tv_recovers_a_smooth_cube():
    rng = np.random.default_rng(0)
    rows, columns, bands = np.mgrid[0:48, 0:48, 0:28].astype(np.float32)
    cube = 0.5 + 0.2 * np.sin(rows / 15) * np.cos(columns / 19) + 0.2 * np.sin(bands / 9 + columns / 30)
    mask = rng.integers(2, size=(48, 48)).astype(np.float32)
    measurement = cassi.forward(cube, mask, step=2)
    result = gap_tv(measurement, mask, bands=28, step=2)
    start = cassi.network_input(measurement, bands=28, step=2)
    assert result.shape == cube.shape and result.min() >= 0 and result.max() <= 1
    assert psnr_db(result, cube, peak=1) > max(24, psnr_db(start, cube, peak=1) + 8)


def test_scenes_are_those_of_the_validation_of_training(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from suites import gray_mask, scene

    cube = np.random.default_rng(3).random((20, 24, 28), dtype=np.float32)
    source, target = scene(cube, gray_mask, 5, noisy=True)
    h, phi = SnapshotConfig().validation()["gray"](cube, np.random.default_rng(5))
    y, mask = source.measurement.values, source.mask.values
    np.testing.assert_array_equal(cassi.network_input(y, bands=28, step=2), h)
    np.testing.assert_array_equal(cassi.shifted_mask(mask, bands=28, step=2), phi)
    assert target is cube


NETWORKS = {
    "rgb2hsi": {"name": "mst_plus_plus", "num_stages": 1},
    "sci": {"name": "mst", "num_blocks": [1, 1]},
}
WANTED = {
    "rgb2hsi": {
        "arad/photo": "mrae",
        "arad/photo, kernel ridge on spectra": "mrae",
        "arad/photo, least squares on all spectra": "sam_deg",
        "arad/spectra of others, root polynomial on all spectra": "psnr_db",
        "arad/scene, perceptron on all spectra": "sam_deg",
        "arad/scene, not projected": "psnr_db",
        "colour/held-out photos": "delta_e_2000",
        "colour/held-out photos, not projected": "delta_e_2000",
    },
    "sci": {
        "kaist/gray, GAP-TV": "psnr_db",
        "kaist/mask": "ssim",
        "kaist/mask, no noise, not projected": "sam_deg",
        "kaist/mask, no noise, GAP-TV": "psnr_db",
        "kaist/scene, gray": "psnr_db",
        "kaist/scene, mask, no noise": "sam_deg",
    },
}


@pytest.mark.parametrize("task", NETWORKS)
def test_quality_of_a_network_for_cubes(task, photos, spectra, tmp_path, monkeypatch, capsys):
    config = network_from_plain(NETWORKS[task])
    save_checkpoint(
        tmp_path / "w.safetensors",
        config.build().state_dict(),
        {"task": task, "network": network_to_plain(config)},
        dtype=torch.float32,
    )
    np.save(tmp_path / "mask.npy", np.random.default_rng(0).random((40, 40), dtype=np.float32))
    cubes = tmp_path / "cubes"
    cubes.mkdir()
    np.savez(cubes / "scene.npz", cube=smooth_reflectances(400).reshape(20, 20, 31), wavelength_nm=NM)
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import baselines
    import quality

    monkeypatch.setattr(baselines, "STEPS", 20)
    options = {"--images": photos, "--spectra": spectra, "--masks": tmp_path / "mask.npy", "--cubes": cubes}
    command = ["quality.py", tmp_path / "w.safetensors", *chain(*options.items()), "--images-at-most", 1]
    monkeypatch.setattr(sys, "argv", [str(each) for each in command])
    quality.main()
    measured = json.loads(capsys.readouterr().out)
    assert all(
        np.isfinite(measured[key][metric]) and measured[key]["images"] == 1 for key, metric in WANTED[task].items()
    )
    if task == "rgb2hsi":
        assert measured["colour/held-out photos"]["delta_e_2000"] < 0.01
