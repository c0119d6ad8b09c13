"""A network in float16 for runtimes that also sum in it: no sum leaves its range, which ends at 65504.

Sums of squares over channels (LayerNorm) and over pixels (norms and scores of the attention) do, at the values of
trained networks. So what is summed is divided by a power of two before, which loses nothing, and the result is scaled
back where it depends on it. The same operations in float32 would not help: a runtime told to compute in float16 does so
there, too.
"""

import copy
import math
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from glmha_cli.attention.base import ChannelAttention
from glmha_cli.networks.blocks import LayerNorm
from glmha_cli.networks.config import built_from

SMALLEST = 2.0**-10


def in_half(network: nn.Module) -> nn.Module:
    """A copy of the network that computes in float16 and takes and gives float32."""
    network = copy.deepcopy(network).half()
    for name, module in list(network.named_modules()):
        if isinstance(module, LayerNorm):
            network.set_submodule(name, HalfLayerNorm(module))
        if isinstance(module, ChannelAttention):
            module.scores = partial(half_scores, module)  # type: ignore[method-assign]
    return InHalf(network)


class InHalf(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.config = network, built_from(network)

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.network(*(each.half() for each in inputs)).float()


class HalfLayerNorm(nn.Module):
    """A LayerNorm by d / S, S the power of two below the largest of a pixel's distances d from its mean: with
    eps / S^2 for eps it is the same."""

    EPS = 1e-5

    def __init__(self, norm: LayerNorm) -> None:
        super().__init__()
        self.weight, self.bias = norm.weight, norm.bias
        self.channels = 2.0 ** math.ceil(math.log2(len(norm.weight)))  # their sum is below the largest of them

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        mean = (x / self.channels).mean(dim=1, keepdim=True) * self.channels
        distance = x - mean
        scale = power_of_two(distance, dim=1)
        small = distance / scale
        small = small - small.mean(dim=1, keepdim=True)  # what rounding the mean of large values left
        deviation = (small.square().mean(dim=1, keepdim=True) + (math.sqrt(self.EPS) / scale).square()).sqrt()
        if self.bias is None:  # keeps the mean
            return x / scale / deviation * self.weight[:, None, None]
        return small / deviation * self.weight[:, None, None] + self.bias[:, None, None]


def half_scores(
    attention: ChannelAttention, q: Float[Tensor, "b heads c n"], k: Float[Tensor, "b heads kept n"]
) -> Float[Tensor, "b heads c kept"]:
    """`ChannelAttention.scores` by Q / S and K / S, S the power of two below a channel's largest: a cosine does not
    change. An eighth of them, as sums over a tile's pixels then stay in range, too."""
    q, k = (x / (8 * power_of_two(x, dim=-1)) for x in (q, k))
    norms = [x.square().sum(dim=-1, keepdim=True).sqrt().clamp_min(SMALLEST) for x in (q, k)]
    return (q @ k.mT) / norms[0] / norms[1].mT * attention.temperature


def power_of_two(x: Tensor, *, dim: int) -> Tensor:
    """The one at or below the largest magnitude along `dim`, which stays with size 1; at least `SMALLEST`."""
    largest = x.abs().amax(dim=dim, keepdim=True).clamp_min(SMALLEST)
    return torch.pow(torch.tensor(2.0, dtype=x.dtype), torch.log2(largest).floor())
