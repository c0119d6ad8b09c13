"""Small photos, spectra and recipes to train on in a second."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glmha_cli.physics.wavelengths import RGB2HSI_NM
from glmha_cli.training.recipe import Recipe, recipe_from_plain

NM = np.array(RGB2HSI_NM)
TINY = """
task = "derain"
network = { name = "restormer", channels = 8, num_blocks = [1, 1, 1, 1], num_refinement_blocks = 1, stem_downscale = 2 }
degradation = { name = "rain", bank_layers = 4, layer_px = 32 }

[schedule]
steps = 6
learning_rate = 1e-3
warmup_steps = 2
validate_every = 3
stages = [{ patch_px = 32, batch = 2, until = 1.0 }]
"""


def smooth_photo(seed: int, height: int = 40, width: int = 48) -> np.ndarray:
    """Colours that drift, with some noise."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)).resize((width, height), Image.BICUBIC)
    return np.clip(np.asarray(coarse) + rng.normal(0, 2, (height, width, 3)), 0, 255).astype(np.uint8)


def smooth_reflectances(count: int, seed: int = 0) -> np.ndarray:
    """(count, 31) in (0, 1): an edge, a hump and a floor each, as pigments have."""
    rng = np.random.default_rng(seed)
    place, hump = rng.uniform(400, 700, (2, count, 1))
    width, sign = rng.uniform(15, 80, (count, 1)), rng.choice([-1, 1], (count, 1))
    edge = 1 / (1 + np.exp(-sign * (NM - place) / width))
    bump = np.exp(-(((NM - hump) / rng.uniform(30, 90, (count, 1))) ** 2))
    weights = rng.dirichlet([1, 1, 1], count)
    return 0.03 + 0.9 * (weights[:, :1] * edge + weights[:, 1:2] * bump + weights[:, 2:] * rng.random((count, 1)))


@pytest.fixture
def photos(tmp_path) -> Path:
    """A folder of twelve photos, 48 x 40 px."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(12):
        Image.fromarray(smooth_photo(seed)).save(folder / f"{seed:02}.png")
    return folder


@pytest.fixture
def spectra(tmp_path) -> Path:
    path = tmp_path / "spectra.npz"
    np.savez(path, reflectance=smooth_reflectances(120), wavelength_nm=NM)
    return path


@pytest.fixture
def tiny() -> Recipe:
    """Six steps of deraining with a network of a few thousand weights, validated after three."""
    return recipe_from_plain(tomllib.loads(TINY), "tiny")
