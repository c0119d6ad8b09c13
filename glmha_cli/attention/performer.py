"""Performer (FAVOR+, Choromanski et al., 2021) on channel tokens: softmax by positive random features.

Tables 1-4 of the GLMHA paper compare with it. Q, K and V are the host's. A token's embedding is its pixels, so
the features look along random directions in the space of pixels, made anew for each resolution.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from glmha_cli.attention.base import Host, require_positive
from glmha_cli.attention.cosine import pixel_norm
from glmha_cli.attention.csa import ChannelSelfAttention
from glmha_cli.attention.directions import random_directions


@dataclass(frozen=True, kw_only=True)
class PerformerConfig:
    """features: random features per token (about 16 in the paper's MST rows, 30 in Restormer's). UsageError below 1."""

    features: int = 16

    def __post_init__(self) -> None:
        require_positive(features=self.features)

    def build(self, channels: int, heads: int, host: Host) -> "PerformerAttention":
        return PerformerAttention(channels, heads, host, config=self)


class PerformerAttention(ChannelSelfAttention):
    """exp(q k) = E[phi(q) phi(k)], phi(x) = exp(w x - |x|^2 / 2), w Gaussian; rows then sum to one."""

    def __init__(self, channels: int, heads: int, host: Host, *, config: PerformerConfig) -> None:
        super().__init__(channels, heads, host)
        self.inner = self.features = config.features

    def attend(self, q: Tensor, k: Tensor) -> Tensor:
        """The temperature goes to Q alone: smooth in it, also where it is learned to be negative.

        The largest exponent is taken off Q per token and off K per head: both cancel in the normalisation.
        """
        q, k = q / pixel_norm(q) * self.temperature, k / pixel_norm(k)
        exponent_q, exponent_k = self.exponents(q), self.exponents(k)
        of_q = torch.exp(exponent_q - exponent_q.amax(dim=-1, keepdim=True).detach())
        of_k = torch.exp(exponent_k - exponent_k.amax(dim=(-2, -1), keepdim=True).detach())
        attn = of_q @ of_k.mT
        return attn / attn.sum(dim=-1, keepdim=True)

    def exponents(self, x: Tensor) -> Tensor:
        """w x - |x|^2 / 2 of every feature: (b, heads, c, n) -> (b, heads, c, features)."""
        directions = random_directions(x.shape[-1], self.features, x.device).to(x.dtype)
        return (x @ directions).to(x.dtype) - x.square().sum(dim=-1, keepdim=True) / 2
