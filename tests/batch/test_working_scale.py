"""The examples enlarged, as a camera of more pixels would have taken them, through the bundled weights."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glmha_cli.api.model import load
from glmha_cli.evaluation.metrics import rgb_psnr_db

EXAMPLES = Path(__file__).parents[2] / "examples"


def gain_db(model, names, times):
    """(PSNR of the result, by how much it is better), and at which scale."""
    damaged, truth = (enlarged(EXAMPLES / model.task.name / name, times) for name in names)
    after = rgb_psnr_db(model(damaged), truth)
    return after, after - rgb_psnr_db(damaged, truth)


def enlarged(path, times):
    photo = Image.open(path).convert("RGB")
    return np.asarray(photo.resize((photo.width * times, photo.height * times), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("times", [2, pytest.param(3, marks=pytest.mark.long)])
def test_blur_goes_at_any_size(times):
    model = load("deblur")
    _, small = gain_db(model, ("blurred.png", "sharp.png"), 1)
    _, large = gain_db(model, ("blurred.png", "sharp.png"), times)
    assert small > 2 and large >= 0.8 * small
    assert model.restorer.scale == "1/2"


@pytest.mark.long
@pytest.mark.parametrize("times", [1, 2, 3, 4])
def test_rain_goes_at_any_size(times):
    out_db, gain = gain_db(load("derain"), ("rainy.png", "clean.png"), times)
    assert out_db >= 31 and gain > 10
