"""Reformer (Kitaev et al., 2020) on channel tokens: a query sees only keys that hash near it.

Tables 1-4 of the GLMHA paper compare with it. Q and K stay the host's two projections, so both are hashed, by
the same directions (the paper shares Q and K, which would drop a projection that the tables count).
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from glmha_cli.attention.base import Host, require_positive
from glmha_cli.attention.csa import ChannelSelfAttention
from glmha_cli.attention.directions import random_directions
from glmha_cli.shapes import next_multiple


@dataclass(frozen=True, kw_only=True)
class ReformerConfig:
    """chunk: tokens that are sorted together; a query sees its own chunk and the one before. rounds: independent
    hashes, whose keys are united. 8 and 2 come nearest to the costs in the paper's MST rows. UsageError below 1.
    """

    chunk: int = 8
    rounds: int = 2

    def __post_init__(self) -> None:
        require_positive(chunk=self.chunk, rounds=self.rounds)

    def build(self, channels: int, heads: int, host: Host) -> "ReformerAttention":
        return ReformerAttention(channels, heads, host, config=self)


class ReformerAttention(ChannelSelfAttention):
    """softmax over the keys that any round puts near the query: what the paper's sum over rounds comes to.

    A head has under a hundred tokens, so all scores are computed and the others masked: cheaper than to gather.
    """

    def __init__(self, channels: int, heads: int, host: Host, *, config: ReformerConfig) -> None:
        super().__init__(channels, heads, host)
        self.chunk, self.rounds = config.chunk, config.rounds
        # One bucket per chunk on average, an even number: a direction and its opposite are two.
        self.num_buckets = next_multiple(-(-channels // heads // config.chunk), 2)

    def attend(self, q: Tensor, k: Tensor) -> Tensor:
        scores = self.scores(q, k).masked_fill(~self.near(q, k), -torch.inf)
        return torch.softmax(scores, dim=-1).to(q.dtype)

    @torch.no_grad()
    def near(self, q: Tensor, k: Tensor) -> Tensor:
        """bool (b, heads, c, c): in some round the key's chunk is the query's own or the one before."""
        behind = self.chunks(q)[..., :, None] - self.chunks(k)[..., None, :]
        return ((behind == 0) | (behind == 1)).any(dim=2)

    def chunks(self, tokens: Tensor) -> Tensor:
        """Place of each token after sorting by hash, in chunks: (b, heads, c, n) -> int (b, heads, rounds, c)."""
        directions = random_directions(tokens.shape[-1], self.rounds * self.num_buckets // 2, tokens.device)
        along = rearrange(
            tokens @ directions.to(tokens.dtype), "b heads c (rounds half) -> b heads rounds c half", rounds=self.rounds
        )
        bucket = torch.cat([along, -along], dim=-1).argmax(dim=-1)
        place = bucket.argsort(dim=-1, stable=True).argsort(dim=-1)
        return place // self.chunk

    def unfolding_macs(self, pixels: int) -> int:
        """In the paper's form scores and sums run over two chunks of keys in every round, not over all keys."""
        channels, per_head = self.out.in_channels, self.out.in_channels // self.heads
        seen = self.rounds * min(2 * self.chunk, per_head)
        return super().unfolding_macs(pixels) + 2 * channels * (seen - per_head) * pixels
