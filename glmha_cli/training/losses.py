"""Losses by name: (prediction, target), both (b, c, h, w) in float32, to a scalar."""

import torch
from jaxtyping import Float
from torch import Tensor

from glmha_cli.physics.colour import TO_RGB

FFT_WEIGHT = 0.05
COLOUR_WEIGHT = 1.0
DARKEST = 0.01
"""Reflectances below count as so much in relative errors: no camera tells them from black."""


def charbonnier(prediction: Tensor, target: Tensor) -> Tensor:
    """Smooth L1: sqrt(d^2 + 1e-6), the usual loss of image restoration (Lai et al., 2017)."""
    return torch.sqrt((prediction - target).square() + 1e-6).mean()


def charbonnier_fft(prediction: Tensor, target: Tensor) -> Tensor:
    """For deblurring: also the mean distance of the two spectra, not normalised (after Cho et al., MIMO-UNet, 2021).

    Blur removes frequencies, which weigh equally here, while in the image the few strong ones prevail.
    """
    distance = torch.fft.rfft2(prediction - target).abs().mean()
    return charbonnier(prediction, target) + FFT_WEIGHT * distance


def mrae_colour(prediction: Float[Tensor, "b 31 h w"], target: Float[Tensor, "b 31 h w"]) -> Tensor:
    """For reflectance: the mean relative absolute error, and how far the cube renders from the target's photo."""
    relative = ((prediction - target).abs() / target.clamp(min=DARKEST)).mean()
    return relative + COLOUR_WEIGHT * (render(prediction) - render(target)).abs().mean()


def render(cube: Float[Tensor, "b 31 h w"]) -> Float[Tensor, "b 3 h w"]:
    """physics.colour.render with gradients: not clipped above, where a clipped colour would have none."""
    to_rgb = torch.as_tensor(TO_RGB, dtype=cube.dtype, device=cube.device)
    linear = torch.einsum("bchw,cr->brhw", cube, to_rgb)
    curved = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, linear * 12.92, curved)


def rmse(prediction: Tensor, target: Tensor) -> Tensor:
    """Root mean square error of each band of each cube, averaged: no bright band outweighs the others."""
    return torch.sqrt((prediction - target).square().mean(dim=(2, 3)) + 1e-8).mean()


LOSSES = {
    "charbonnier": "glmha_cli.training.losses:charbonnier",
    "charbonnier_fft": "glmha_cli.training.losses:charbonnier_fft",
    "mrae_colour": "glmha_cli.training.losses:mrae_colour",
    "rmse": "glmha_cli.training.losses:rmse",
}
