"""Each loss is least at the target, finite with finite gradients everywhere, and what its definition says."""

import numpy as np
import pytest
import torch

from glmha_cli.lookup import resolve
from glmha_cli.physics import colour
from glmha_cli.srgb import linear_to_srgb
from glmha_cli.training.losses import LOSSES, chord, of_stages, reflectance, render, rmse

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


def test_reflectance_by_hand():
    target = torch.full((1, 31, 2, 2), 0.5)
    # A flat spectrum renders to gray, so a tenth more of each band is a tenth more of linear light, at no angle.
    gray = linear_to_srgb(np.array([0.5, 0.55]))
    expected = 0.5 * 0.1 + 8 * 0.05 + gray[1] - gray[0]
    assert reflectance(1.1 * target, target).item() == pytest.approx(expected, abs=2e-3)
    dark = torch.full_like(target, 0.002)
    expected = 0.5 * 0.2 + 8 * 0.002 + 0.002 * 12.92 + chord(dark, 0 * target).mean().item()
    assert reflectance(dark, 0 * target).item() == pytest.approx(expected, abs=1e-4)


def test_the_best_answer_to_two_equally_likely_spectra_lies_between_them():
    """The relative error alone would take the darker one."""
    target = torch.stack([torch.full((31, 1, 1), 0.2), torch.full((31, 1, 1), 0.6)])
    losses = [reflectance(torch.full_like(target, value), target).item() for value in (0.2, 0.35, 0.6)]
    assert losses[1] < min(losses[0], losses[2])


@pytest.mark.parametrize("angle", [0.01, 0.1, 1.0, 3.0])
def test_the_chord_of_an_angle(angle):
    target = TARGET / TARGET.norm(dim=1, keepdim=True)
    other = torch.randn(TARGET.shape, generator=torch.Generator().manual_seed(4))
    across = other - (other * target).sum(dim=1, keepdim=True) * target
    turned = np.cos(angle) * target + np.sin(angle) * across / across.norm(dim=1, keepdim=True)
    np.testing.assert_allclose(chord(3 * turned, 0.5 * target), 2 * np.sin(angle / 2), atol=2e-3)


def test_the_rendering_is_that_of_physics():
    expected = colour.render(TARGET.permute(0, 2, 3, 1).numpy())
    np.testing.assert_allclose(render(TARGET).clamp(0, 1).permute(0, 2, 3, 1).numpy(), expected, atol=1e-5)


def test_later_stages_count_twice_as_much():
    far, near = TARGET + 0.3, TARGET + 0.1
    mixed = of_stages(rmse, [far, near], TARGET)
    torch.testing.assert_close(mixed, (rmse(far, TARGET) + 2 * rmse(near, TARGET)) / 3)
    torch.testing.assert_close(of_stages(rmse, [near], TARGET), rmse(near, TARGET))
