"""A trained network -> an inference network that gives the same output up to rounding, faster."""

import copy

from torch import nn


def fuse(network: nn.Module) -> nn.Module:
    """A copy of `network` for inference: same `forward`, eval mode, no gradients; `network` stays as it is."""
    return copy.deepcopy(network).eval().requires_grad_(False)
