"""A gated depth-wise convolution of a large kernel in the place of an attention: it mixes pixels, not channels."""

from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from glmha_cli.attention.base import Host
from glmha_cli.errors import UsageError
from glmha_cli.typed import Range


@dataclass(frozen=True, kw_only=True)
class DepthwiseConfig:
    """kernel: side of the convolution in pixels; 11 did best among mixers in arXiv 2511.18513. UsageError if even."""

    kernel: Annotated[int, Range(1, 63)] = 11

    def __post_init__(self) -> None:
        if self.kernel % 2 == 0:
            raise UsageError(f"a kernel of {self.kernel}: its side has to be odd", f"kernel = {self.kernel + 1}")

    def build(self, channels: int, heads: int, host: Host) -> "GatedDepthwise":
        return GatedDepthwise(channels, host, kernel=self.kernel)


class GatedDepthwise(nn.Module):
    """(b, c, h, w) -> the same shape: Wo (gelu(Wg y) * depthwise(Wv y)), y = LN(x); `gate` multiplies Wv y, as V.

    Of an x that is not normalised, as in MST, the product of two maps would grow from block to block like a square.
    """

    def __init__(self, channels: int, host: Host, *, kernel: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.project = host.project(channels, 2 * channels)
        self.depthwise = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.out = nn.Conv2d(channels, channels, 1, bias=host.output_bias)

    def forward(
        self, x: Float[Tensor, "b c h w"], gate: Float[Tensor, "#b c h w"] | None = None
    ) -> Float[Tensor, "b c h w"]:
        y = self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        weights, values = torch.chunk(self.project(y), 2, dim=1)
        return self.out(F.gelu(weights) * self.depthwise(values if gate is None else values * gate))
