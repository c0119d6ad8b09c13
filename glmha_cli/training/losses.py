"""Losses by name: (prediction, target), both (b, c, h, w) in float32, to a scalar."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from glmha_cli.physics.colour import TO_RGB

RELATIVE_WEIGHT, SQUARE_WEIGHT, COLOUR_WEIGHT = 0.5, 8.0, 1.0
"""Beside the angle in radians. Squares weigh most (docs/decisions.md)."""
DARKEST = 0.01
"""Reflectances below count as so much in relative errors: no camera tells them from black."""

Loss = Callable[[Tensor, Tensor], Tensor]


def charbonnier(prediction: Tensor, target: Tensor) -> Tensor:
    """Smooth L1: sqrt(d^2 + 1e-6), the usual loss of image restoration (Lai et al., 2017)."""
    return torch.sqrt((prediction - target).square() + 1e-6).mean()


def reflectance(prediction: Float[Tensor, "b 31 h w"], target: Float[Tensor, "b 31 h w"]) -> Tensor:
    """For cubes of reflectance, what they are judged by: the spectral angle, the mean relative error, the root mean
    square error of the whole batch (its best answer is the mean of all spectra that a colour may have), and how far the
    cube renders from the target's photo.
    """
    relative = ((prediction - target).abs() / target.clamp(min=DARKEST)).mean()
    square = torch.sqrt((prediction - target).square().mean() + 1e-9)
    colour = (render(prediction) - render(target)).abs().mean()
    angle = chord(prediction, target).mean()
    return angle + RELATIVE_WEIGHT * relative + SQUARE_WEIGHT * square + COLOUR_WEIGHT * colour


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


def of_stages(loss: Loss, predictions: Sequence[Tensor], target: Tensor) -> Tensor:
    """The mean loss of successive predictions, each counting half as much as the next."""
    weights = [0.5**later for later in reversed(range(len(predictions)))]
    losses = [weight * loss(prediction, target) for weight, prediction in zip(weights, predictions, strict=True)]
    return torch.stack(losses).sum() / sum(weights)


LOSSES = {
    "charbonnier": "glmha_cli.training.losses:charbonnier",
    "reflectance": "glmha_cli.training.losses:reflectance",
    "rmse": "glmha_cli.training.losses:rmse",
}
