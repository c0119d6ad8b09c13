"""Validation sets are always the same, and Polyblur undoes the blur that it is made for."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from benchmarks.polyblur import estimated_blur, polyblur
from benchmarks.streaks import rain_of_streaks, read_streaks
from glmha_cli.networks import network_from_plain, network_to_plain
from glmha_cli.weights.checkpoint import save_checkpoint
from tests.training.conftest import smooth_photo

ROOT = Path(__file__).parents[2]


@pytest.fixture
def streaks(tmp_path) -> Path:
    """Three upright streaks, 120 x 8 px."""
    across = np.exp(-(((np.arange(8) - 3.5) / 1.5) ** 2))
    along = np.sin(np.linspace(0, np.pi, 120))[:, None] * np.array([1.0, 0.7, 0.4])[:, None, None]
    path = tmp_path / "streaks.npz"
    np.savez(path, streaks=(150 * along * across).astype(np.uint8))
    return path


def script(name: str, *arguments) -> subprocess.CompletedProcess:
    command = [sys.executable, ROOT / "benchmarks" / name, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done


def test_rain_of_streaks_never_darkens_repeats_and_has_wider_streaks_at_larger_scale(streaks):
    grey = np.full((160, 160, 3), 102 / 255, np.float32)
    drawn = read_streaks(streaks)
    runs = {}
    for scale in (1, 4):
        first, again = (rain_of_streaks(grey, drawn, scale=scale, rng=np.random.default_rng(5)) for _ in range(2))
        np.testing.assert_array_equal(first, again)
        assert (first >= grey - 1e-6).all() and first.max() > grey.max() + 0.05
        wet = (first > grey + 0.01).any(axis=2).astype(int)
        runs[scale] = wet.sum() / max(1, (np.diff(wet, axis=1) == 1).sum())  # mean length of wet runs along rows
    assert runs[4] > 2 * runs[1]


def test_sets_are_written_alike_and_measured_beside_their_baselines(streaks, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for seed in range(2):
        Image.fromarray(smooth_photo(seed, 60, 70)).save(photos / f"{seed}.png")
    for name in "ab":
        script("validation_sets.py", photos, "-o", tmp_path / name, "--streaks", streaks, "--side", "48")
    written = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.png"))
    assert len(written) == 17 * 2 * 2  # sets, folders, photos
    for path in written:
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes()
    config = network_from_plain({"name": "restormer", "channels": 8, "num_blocks": [1, 1, 1, 1], "stem_downscale": 2})
    about = {"task": "deblur", "network": network_to_plain(config)}
    save_checkpoint(tmp_path / "tiny.safetensors", config.build().state_dict(), about, dtype=torch.float32)
    sets = [part for name in ("sharp", "blur-long-2x") for part in ("--pairs", tmp_path / "a" / name)]
    quality = json.loads(script("quality.py", tmp_path / "tiny.safetensors", *sets).stdout)
    assert set(quality) == {f"gopro/{name}{by}" for name in ("sharp", "blur-long-2x") for by in ("", ", Polyblur")}
    for scores in quality.values():
        assert scores["channel"] == "RGB" and scores["images"] == 2
        assert scores["lowest_psnr_db"] <= scores["psnr_db"]
    # An untrained network gives its input back.
    assert quality["gopro/sharp"]["psnr_db"] == quality["gopro/sharp"]["input_psnr_db"] == 99


def edges(sigma: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Rectangles of full contrast, sharp and blurred by a Gaussian."""
    rng = np.random.default_rng(0)
    sharp = np.zeros((96, 96, 3), np.float32)
    for _ in range(12):
        top, left = rng.integers(0, 80, 2)
        sharp[top : top + rng.integers(8, 30), left : left + rng.integers(8, 30)] = rng.integers(0, 2)
    return sharp, ndimage.gaussian_filter(sharp, (*sigma, 0))


@pytest.mark.parametrize("sigma", [(1.0, 1.0), (1.5, 1.5), (2.0, 1.0)])
def test_polyblur_finds_a_gaussian_blur_and_makes_it_less(sigma):
    sharp, blurred = edges(sigma)
    angle, along, across = estimated_blur(blurred.mean(axis=2))
    assert along == pytest.approx(max(sigma), rel=0.25) and across == pytest.approx(min(sigma), rel=0.4)
    if sigma[0] > sigma[1]:
        assert angle == pytest.approx(np.pi / 2, abs=0.3)
    errors = [np.mean((image - sharp) ** 2) for image in (blurred, polyblur(blurred))]
    assert errors[1] < 0.8 * errors[0]
