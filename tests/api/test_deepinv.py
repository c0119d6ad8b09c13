"""The adapter, in a real problem of deepinv."""

import pytest
import torch

import glmha_cli as glmha
from glmha_cli.errors import UsageError
from tests.libraries import make_torchvision_importable


@pytest.fixture(autouse=True)
def torchvision():
    make_torchvision_importable()


def test_a_model_is_a_reconstructor(derain):
    import deepinv

    from glmha_cli.api.deepinv import GLMHAReconstructor

    x = torch.rand(2, 3, 24, 30)
    noise = deepinv.physics.GaussianNoise(sigma=0.1)
    physics = deepinv.physics.Denoising(noise)
    y = physics(x)
    assert y.min() < 0 or y.max() > 1, "noise leaves [0, 1]"
    reconstruction = GLMHAReconstructor(derain)
    assert isinstance(reconstruction, deepinv.models.Reconstructor)
    x_hat = reconstruction(y, physics)
    assert torch.equal(x_hat, derain(y.clamp(0, 1)))
    scores = deepinv.test(
        reconstruction,
        torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=2),
        physics,
        metrics=[deepinv.metric.PSNR()],
        verbose=False,
        show_progress_bar=False,
        device="cpu",
    )
    expected = -10 * torch.log10((x_hat - x).square().mean(dim=(1, 2, 3))).mean().item()
    assert scores["PSNR"] == pytest.approx(expected, abs=1e-3)


def test_by_name_and_for_images_alone(tiny_models):
    from glmha_cli.api.deepinv import GLMHAReconstructor

    assert GLMHAReconstructor("derain-lite").model.task.name == "derain"
    with pytest.raises(UsageError, match="cube"):
        GLMHAReconstructor(glmha.load(tiny_models["rgb2hsi"]))
