"""Losses by name: (prediction, target), both (b, c, h, w) in float32, to a scalar."""

import torch
from torch import Tensor


def charbonnier(prediction: Tensor, target: Tensor) -> Tensor:
    """Smooth L1: sqrt(d^2 + 1e-6), the usual loss of image restoration (Lai et al., 2017)."""
    return torch.sqrt((prediction - target).square() + 1e-6).mean()


LOSSES = {"charbonnier": "glmha_cli.training.losses:charbonnier"}
