"""GLMHA as a layer for anyone's network: `from glmha_cli import GLMHA`."""

from jaxtyping import Float
from torch import Tensor, nn

from glmha_cli.attention import glmha
from glmha_cli.attention.base import Host, require_positive
from glmha_cli.errors import UsageError


class GLMHA(nn.Module):
    """Guided low-rank self-attention between channels: (b, channels, h, w) -> the same shape (GLMHA paper, eq. 3-7).

    Any number of pixels, the cost grows with it linearly. Values and gradients are finite for finite inputs;
    normalise over channels before it if the network around it does not.

    Args:
        channels: width of its input and output.
        heads: groups of channels that attend among themselves, at least 1; divides `channels`.
        reduction: share of the keys' and values' channels that is dropped, 0 <= reduction < 1 (eq. 6).
        alpha: how strongly the queries re-weight the input of keys and values, 0 for not at all (eq. 5).
        calibration: how the queries are pooled: "pooled" is about free, "full" costs what the paper states (eq. 3).
        depthwise: a depth-wise 3x3 convolution after each projection, as in Restormer; without it, pixels see their
            neighbours only through the attention.
        residual: add the input to the output (eq. 7's "+ X").

    Raises:
        UsageError: `heads` does not divide `channels`, or a number is out of its range.

    >>> import torch
    >>> GLMHA(32, heads=2)(torch.rand(1, 32, 24, 40)).shape
    torch.Size([1, 32, 24, 40])
    """

    def __init__(
        self,
        channels: int,
        *,
        heads: int = 1,
        reduction: float = 0.5,
        alpha: float = 0.6,
        calibration: glmha.Calibrate = "pooled",
        depthwise: bool = True,
        residual: bool = True,
    ) -> None:
        super().__init__()
        require_positive(channels=channels, heads=heads)
        if channels % heads:
            raise UsageError(
                f"{channels} channels cannot be divided equally among {heads} heads",
                f"heads = {max(n for n in range(1, heads) if channels % n == 0)}",
            )
        config = glmha.GLMHAConfig(reduction=reduction, alpha=alpha, calibration=calibration)
        host = Host(depthwise=depthwise, output_bias=False, positional=False)
        self.attention = config.build(channels, heads, host)
        self.residual = residual

    def forward(self, x: Float[Tensor, "b channels h w"]) -> Float[Tensor, "b channels h w"]:
        out = self.attention(x)
        return x + out if self.residual else out
