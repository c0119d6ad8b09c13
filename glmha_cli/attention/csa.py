"""CSA: the channel self-attention of Restormer, MST and MST++ (GLMHA paper, eq. 1-2), the baseline."""

from dataclasses import dataclass

from torch import Tensor

from glmha_cli.attention.base import ChannelAttention, Host


@dataclass(frozen=True, kw_only=True)
class CSAConfig:
    """No knobs: Q, K and V all have the block's channels."""

    def build(self, channels: int, heads: int, host: Host) -> "ChannelSelfAttention":
        return ChannelSelfAttention(channels, heads, host)


class ChannelSelfAttention(ChannelAttention):
    def __init__(self, channels: int, heads: int, host: Host) -> None:
        super().__init__(channels, heads, host, kept=channels // heads)
        self.qkv = host.project(channels, 3 * channels)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.qkv(x).chunk(3, dim=1)
