"""Linformer (Wang et al., 2020) on channel tokens: keys and values of a head projected to fewer by learned matrices.

Tables 1-4 of the GLMHA paper compare with it. Q, K and V are the host's; the paper's costs imply a rank of
17 in MST++, 15 in MST-L and 27 in Restormer.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from glmha_cli.attention.base import Host, require_positive
from glmha_cli.attention.csa import ChannelSelfAttention


@dataclass(frozen=True, kw_only=True)
class LinformerConfig:
    """rank: keys and values a head keeps, at most its channels. UsageError below 1."""

    rank: int = 16

    def __post_init__(self) -> None:
        require_positive(rank=self.rank)

    def build(self, channels: int, heads: int, host: Host) -> "LinformerAttention":
        return LinformerAttention(channels, heads, host, config=self)


class LinformerAttention(ChannelSelfAttention):
    """softmax(Q (E K)^T / beta) (F V), with E and F of rank x c shared by the heads."""

    def __init__(self, channels: int, heads: int, host: Host, *, config: LinformerConfig) -> None:
        super().__init__(channels, heads, host)
        per_head = channels // heads
        self.inner = min(config.rank, per_head)
        self.to_keys = nn.Parameter(torch.randn(self.inner, per_head) * per_head**-0.5)
        self.to_values = nn.Parameter(torch.randn(self.inner, per_head) * per_head**-0.5)

    def attend(self, q: Tensor, k: Tensor) -> Tensor:
        """F belongs to V, but as a small matrix it joins the others in front of V: attn (F V) = (attn F) V."""
        return super().attend(q, self.to_keys @ k) @ self.to_values
