"""No attention: what the rest of a block does by itself, to compare with."""

from dataclasses import dataclass

from torch import Tensor, nn

from glmha_cli.attention.base import Host


@dataclass(frozen=True, kw_only=True)
class NoAttentionConfig:
    """No settings."""

    def build(self, channels: int, heads: int, host: Host) -> "NoAttention":
        return NoAttention()


class NoAttention(nn.Module):
    """(b, c, h, w) -> zeros of the same shape."""

    def forward(self, x: Tensor, gate: Tensor | None = None) -> Tensor:
        return x * 0
