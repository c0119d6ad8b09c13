"""`model(image, strength=, only=)`."""

import numpy as np
import pytest
import torch
from PIL import Image

import glmha_cli as glmha


@pytest.fixture(scope="module")
def model(tiny_model):
    return glmha.load(tiny_model, scale="1")


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


def test_a_mask_may_be_any_image_or_bools(model, photo):
    mask = np.zeros((40, 60), bool)
    mask[:, :30] = True
    levels = mask.astype(np.uint8) * 255
    results = [
        model(photo, only=each, strength=0.7)
        for each in (mask, levels, Image.fromarray(levels), torch.from_numpy(mask[None].astype(np.float32)))
    ] + [model(photo, only=torch.from_numpy(mask[None]), strength=0.7)]
    for result in results:
        np.testing.assert_array_equal(result, results[0])
    np.testing.assert_array_equal(results[0][:, 30:], photo[:, 30:])
    assert (results[0][:, :30] != photo[:, :30]).any()


def test_no_strength_is_no_change(model, photo):
    np.testing.assert_array_equal(model(photo, strength=0), photo)


def test_what_does_not_fit_is_refused(model, photo):
    with pytest.raises(ValueError, match="61x40 pixels, the photo 60x40"):
        model(photo, only=np.ones((40, 61), bool))
    with pytest.raises(ValueError, match="between 0 and 1"):
        model(photo, strength=2)
    with pytest.raises(ValueError, match="2 masks"):
        model(photo, only=torch.ones(2, 1, 40, 60))
    with pytest.raises(ValueError, match="0 and 1 alone, and white is 255"):
        model(photo, only=np.eye(40, 60, dtype=np.uint8))
