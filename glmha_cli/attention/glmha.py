"""GLMHA: Guided Low-rank Multi-Head Self-Attention (Ilyas, Akhtar, Suter, Gilani; eq. 3-7).

Q stays full and says, by one number per channel, which channels matter; K and V are made directly at
C' = C (1 - reduction) channels from the re-weighted input. Details that the paper leaves open are ours
("canonical design", docs/decisions.md): chosen because they reproduce the paper's cost tables best.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from glmha_cli.attention.base import ChannelAttention, Host, convolutions
from glmha_cli.errors import UsageError
from glmha_cli.lookup import unknown

Calibrate = Literal["pooled", "full"]


@dataclass(frozen=True, kw_only=True)
class GLMHAConfig:
    """reduction: share of K's and V's channels dropped, in [0, 1). alpha: strength of the re-weighting
    (0.6 is best in the paper's Table 8). calibration: `pooled` max-pools Q to 7x7 first, about free;
    `full` convolves every pixel, 49 C multiply-adds each: the paper's FLOPs. Both have the same parameters.
    UsageError for a reduction outside its range or an unknown calibration.
    """

    reduction: float = 0.5
    alpha: float = 0.6
    calibration: Calibrate = "pooled"

    def __post_init__(self) -> None:
        if not 0 <= self.reduction < 1:
            raise UsageError(f"a reduction of {self.reduction}: it has to be at least 0 and below 1", "reduction = 0.5")
        if self.calibration not in get_args(Calibrate):
            raise unknown("calibration", self.calibration, get_args(Calibrate))

    def kept(self, channels_per_head: int) -> int:
        """c': channels of K and V per head, at least 1."""
        return max(1, round(channels_per_head * (1 - self.reduction)))

    def build(self, channels: int, heads: int, host: Host) -> "GuidedLowRankAttention":
        return GuidedLowRankAttention(channels, heads, host, config=self)


class Calibration(nn.Module):
    """A = calibrate(Q): one number in (-1, 1) per channel, (b, C, h, w) -> (b, C, 1, 1) (eq. 3-4)."""

    WINDOW = 7

    def __init__(self, channels: int, heads: int, *, full: bool) -> None:
        super().__init__()
        self.heads, self.full = heads, full
        self.depthwise = nn.Conv2d(channels, channels, self.WINDOW, groups=channels)
        self.linear = nn.Linear(channels // heads, channels // heads)

    def forward(self, q: Tensor) -> Tensor:
        a = F.gelu(self.every_pixel(q) if self.full else self.pooled(q))
        a = torch.tanh(self.linear(rearrange(a, "b (heads c) -> b heads c", heads=self.heads)))
        return rearrange(a, "b heads c -> b (heads c) 1 1")

    def pooled(self, q: Tensor) -> Tensor:
        pool = pooled_maxima if q.device.type == "mps" else F.adaptive_max_pool2d
        pooled = pool(q, self.WINDOW)
        if torch.is_grad_enabled():  # the convolution that it is has a slow gradient on CPUs
            assert self.depthwise.bias is not None
            return (pooled * self.depthwise.weight[:, 0]).sum(dim=(2, 3)) + self.depthwise.bias
        return self.depthwise(pooled).flatten(1)

    def every_pixel(self, q: Tensor) -> Tensor:
        pooled = F.max_pool2d(q, 3, stride=1, padding=1)
        weight, bias = self.depthwise.weight, self.depthwise.bias
        return F.conv2d(pooled, weight, bias, padding=self.WINDOW // 2, groups=len(weight)).mean(dim=(2, 3))


def pooled_maxima(x: Float[Tensor, "b c h w"], count: int) -> Float[Tensor, "b c {count} {count}"]:
    """adaptive_max_pool2d, which torch 2.13 gets wrong on Apple's GPUs where `count` does not divide the sides."""
    for axis in (2, 3):
        size = x.shape[axis]
        windows = [range(i * size // count, ((i + 1) * size - 1) // count + 1) for i in range(count)]
        longest = max(map(len, windows))
        # A shorter window repeats its last entry, which no maximum minds.
        index = [window[min(offset, len(window) - 1)] for window in windows for offset in range(longest)]
        x = (
            x.index_select(axis, torch.tensor(index, device=x.device))
            .unflatten(axis, (count, longest))
            .amax(dim=axis + 1)
        )
    return x


class GuidedLowRankAttention(ChannelAttention):
    def __init__(self, channels: int, heads: int, host: Host, *, config: GLMHAConfig) -> None:
        kept = config.kept(channels // heads)
        super().__init__(channels, heads, host, kept=kept)
        self.alpha = config.alpha
        self.q = host.project(channels, channels)
        self.kv = host.project(channels, 2 * heads * kept)
        self.calibrate = Calibration(channels, heads, full=config.calibration == "full")

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q = self.q(x)
        guide = self.guide(q)
        k, v = self.guided(x, guide) if torch.is_grad_enabled() else self.kv(x * guide).chunk(2, dim=1)  # eq. 5-6
        return q, k, v

    def guide(self, q: Tensor) -> Tensor:
        """1 + alpha A: the weight of each channel, (b, C, h, w) -> (b, C, 1, 1) (eq. 5)."""
        return 1 + self.alpha * self.calibrate(q)

    def guided(self, x: Tensor, guide: Tensor) -> tuple[Tensor, Tensor]:
        """The same K and V with `guide` in the matrix, not in x: no pass over a re-weighted x, nor over its
        gradient."""
        point, *depthwise = convolutions(self.kv)
        matrix = rearrange(guide, "b c 1 1 -> b c 1") * rearrange(point.weight, "k c 1 1 -> c k")
        pixels = rearrange(x, "b c h w -> b (h w) c")
        maps = [rearrange(pixels @ half, "b (h w) k -> b k h w", h=x.shape[2]) for half in matrix.chunk(2, dim=2)]
        for conv in depthwise:
            weights = conv.weight.chunk(2)
            maps = [F.conv2d(m, weight, padding=1, groups=len(weight)) for m, weight in zip(maps, weights, strict=True)]
        k, v = maps
        return k, v
