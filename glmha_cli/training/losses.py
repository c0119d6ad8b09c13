"""Losses by name: (prediction, target), both (b, c, h, w) in float32, to a scalar."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from glmha_cli.physics.colour import TO_RGB

ANGLE_WEIGHT = 0.5
COLOUR_WEIGHT = 1.0
DARKEST = 0.01
"""Reflectances below count as so much in relative errors: no camera tells them from black."""


def charbonnier(prediction: Tensor, target: Tensor) -> Tensor:
    """Smooth L1: sqrt(d^2 + 1e-6), the usual loss of image restoration (Lai et al., 2017)."""
    return torch.sqrt((prediction - target).square() + 1e-6).mean()


def mrae_sam_colour(prediction: Float[Tensor, "b 31 h w"], target: Float[Tensor, "b 31 h w"]) -> Tensor:
    """For reflectance: the mean relative absolute error, the spectral angle, and how far the cube renders from the
    target's photo.
    """
    relative = ((prediction - target).abs() / target.clamp(min=DARKEST)).mean()
    colour = (render(prediction) - render(target)).abs().mean()
    return relative + ANGLE_WEIGHT * chord(prediction, target).mean() + COLOUR_WEIGHT * colour


def chord(prediction: Float[Tensor, "b c h w"], target: Float[Tensor, "b c h w"]) -> Float[Tensor, "b h w"]:
    """Of the spectral angle, 2 sin(angle / 2): nearly the angle in radians, with gradients where that is 0."""
    difference = F.normalize(prediction, dim=1, eps=DARKEST) - F.normalize(target, dim=1, eps=DARKEST)
    return torch.sqrt(difference.square().sum(dim=1) + 1e-6)


def render(cube: Float[Tensor, "b 31 h w"]) -> Float[Tensor, "b 3 h w"]:
    """physics.colour.render with gradients: not clipped above, where a clipped colour would have none."""
    to_rgb = torch.as_tensor(TO_RGB, dtype=cube.dtype, device=cube.device)
    linear = torch.einsum("bchw,cr->brhw", cube, to_rgb)
    curved = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, linear * 12.92, curved)


def rmse(prediction: Tensor, target: Tensor) -> Tensor:
    """Root mean square error of each channel of each sample, averaged: no bright band and no blurred crop outweighs the
    others."""
    return torch.sqrt((prediction - target).square().mean(dim=(2, 3)) + 1e-8).mean()


LOSSES = {
    "charbonnier": "glmha_cli.training.losses:charbonnier",
    "mrae_sam_colour": "glmha_cli.training.losses:mrae_sam_colour",
    "rmse": "glmha_cli.training.losses:rmse",
}
