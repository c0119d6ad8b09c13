"""Each loss is least at the target, finite with finite gradients everywhere, and what its definition says."""

import numpy as np
import pytest
import torch

from glmha_cli.lookup import resolve
from glmha_cli.physics import colour
from glmha_cli.training.losses import LOSSES, charbonnier, charbonnier_fft, mrae_colour, render, rmse

torch.manual_seed(0)
TARGET = torch.rand(2, 31, 12, 10)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("target", [TARGET, 0 * TARGET, 0 * TARGET + 1], ids=["any", "black", "white"])
def test_least_at_the_target_and_differentiable_everywhere(name, target):
    loss = resolve(LOSSES, name, "loss")
    noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(1))
    at_target, near, far = (loss(target + scale * noise, target) for scale in (0, 0.05, 0.5))
    assert 0 <= at_target < near < far
    for start in (target.clone(), target - 0.5, target + 0.5):
        prediction = start.requires_grad_()
        loss(prediction, target).backward()
        assert torch.isfinite(prediction.grad).all()


def test_rmse_is_of_each_band_of_each_cube():
    prediction = TARGET.clone()
    prediction[0, 3] += 0.4
    assert rmse(prediction, TARGET).item() == pytest.approx(0.4 / 62 + 1e-4 * 61 / 62, rel=1e-3)


def test_mrae_colour_by_hand():
    target = torch.full((1, 31, 2, 2), 0.5)
    # A flat spectrum renders to gray, so a tenth more of each band is a tenth more of linear light.
    gray = colour.linear_to_srgb(np.array([0.5, 0.55]))
    assert mrae_colour(1.1 * target, target).item() == pytest.approx(0.1 + gray[1] - gray[0], abs=1e-4)
    from_black = mrae_colour(torch.full_like(target, 0.002), 0 * target)
    assert from_black.item() == pytest.approx(0.2 + 0.002 * 12.92, abs=1e-4)


def test_the_rendering_is_that_of_physics():
    expected = colour.render(TARGET.permute(0, 2, 3, 1).numpy())
    np.testing.assert_allclose(render(TARGET).clamp(0, 1).permute(0, 2, 3, 1).numpy(), expected, atol=1e-5)


def test_the_fft_term_adds_the_distance_of_the_spectra():
    prediction = TARGET + 0.1  # a constant has one frequency of 12 x 10 pixels x 0.1, among 12 x 6
    added = charbonnier_fft(prediction, TARGET) - charbonnier(prediction, TARGET)
    assert added.item() == pytest.approx(0.05 * 12 / 72, rel=1e-3)
