"""Parts that the host networks share."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

M = TypeVar("M", bound=nn.Module)


class Modules(nn.ModuleList, Generic[M]):
    """A ModuleList of which type checkers know what it holds."""

    if TYPE_CHECKING:

        def __init__(self, modules: Iterable[M]) -> None: ...
        def __iter__(self) -> Iterator[M]: ...


def zero(layer: nn.Module) -> None:
    """A layer that gives nothing at first, so that what follows begins without it."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


class LayerNorm(nn.Module):
    """Layer normalisation over the channels of (b, c, h, w), population variance, eps 1e-5.

    `centred=False` is Restormer's BiasFree form: divides by the standard deviation, keeps the mean, no bias.
    """

    def __init__(self, channels: int, *, centred: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels)) if centred else None

    def forward(self, x: Tensor) -> Tensor:
        if self.bias is None:
            deviation = torch.sqrt(x.var(dim=1, keepdim=True, correction=0) + 1e-5)
            return x / deviation * self.weight[:, None, None]
        pixels_first = x.permute(0, 2, 3, 1)  # a view where memory is channels-last
        return F.layer_norm(pixels_first, self.weight.shape, self.weight, self.bias, 1e-5).permute(0, 3, 1, 2)


class GatedFeedForward(nn.Module):
    """Restormer's GDFN: 1x1 to two halves, depth-wise 3x3, GELU(a) * b, 1x1 back. No biases."""

    def __init__(self, channels: int, *, expansion: float) -> None:
        super().__init__()
        hidden = int(channels * expansion)
        self.project_in = nn.Conv2d(channels, 2 * hidden, 1, bias=False)
        self.depthwise = nn.Conv2d(2 * hidden, 2 * hidden, 3, padding=1, groups=2 * hidden, bias=False)
        self.project_out = nn.Conv2d(hidden, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.halves(x) if torch.is_grad_enabled() else self.depthwise(self.project_in(x)).chunk(2, dim=1)
        return self.project_out(F.gelu(a) * b)

    def halves(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The same, made apart: for CPUs the gradient of fewer channels is faster, and none is joined of two."""
        weights = zip(self.project_in.weight.chunk(2), self.depthwise.weight.chunk(2), strict=True)
        a, b = (F.conv2d(F.conv2d(x, point), depth, padding=1, groups=len(depth)) for point, depth in weights)
        return a, b


class FeedForward(nn.Sequential):
    """MST's FFN: 1x1 to 4C, GELU, depth-wise 3x3, GELU, 1x1 back. No biases."""

    def __init__(self, channels: int) -> None:
        hidden = 4 * channels
        super().__init__(
            nn.Conv2d(channels, hidden, 1, bias=False),
            nn.GELU(),
            nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden, bias=False),
            nn.GELU(),
            nn.Conv2d(hidden, channels, 1, bias=False),
        )
