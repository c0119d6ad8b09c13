"""What all channel attentions share: projections asked for by the host, and the mixing of V.

Channels are the tokens, pixels the embedding: per head, `attend` turns Q and K into a small matrix
(b, heads, c, c') that says how V's channels make the output's. Because that matrix does not depend on
the pixel, the output projection Wo is folded into it (M = Wo_h attn_h) and V is read once:
out = M V, equal to Wo (attn V) up to rounding and c times cheaper per pixel.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from einops import rearrange
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from glmha_cli.attention.cosine import Cosine, pixel_norm
from glmha_cli.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Host:
    """What a network's block asks of the attention put into it.

    depthwise: projections are a 1x1 convolution and a depth-wise 3x3 (Restormer), else a 1x1 alone (MST).
    output_bias: the output projection has a bias.
    positional: a branch of two depth-wise 3x3 with GELU between, on V, is added to the output (MST).
    """

    depthwise: bool
    output_bias: bool
    positional: bool

    def project(self, in_channels: int, out_channels: int) -> nn.Module:
        """A projection without bias, (b, in_channels, h, w) -> (b, out_channels, h, w)."""
        point = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        if not self.depthwise:
            return point
        depth = nn.Conv2d(out_channels, out_channels, 3, padding=1, groups=out_channels, bias=False)
        return nn.Sequential(point, depth)


def convolutions(of: nn.Module) -> list[nn.Conv2d]:
    """The convolutions of a projection, of a positional branch or of another chain, in their order."""
    return [part for part in of.modules() if isinstance(part, nn.Conv2d)]


class AttentionConfig(Protocol):
    """A frozen dataclass of one attention's own knobs."""

    def build(self, channels: int, heads: int, host: Host) -> nn.Module:
        """A module of (x, gate), as `ChannelAttention.forward`."""
        ...


def positional_branch(channels: int) -> nn.Sequential:
    """Depth-wise 3x3, GELU, depth-wise 3x3, without biases (MST)."""

    def depthwise() -> nn.Conv2d:
        return nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)

    return nn.Sequential(depthwise(), nn.GELU(), depthwise())


def take(x: Float[Tensor, "b c h w"], channels: Int64[Tensor, " n"]) -> Float[Tensor, "b n h w"]:
    """x[:, channels]; in training a product with zeros and ones: exact, and on CPUs over ten times as fast as indexing,
    whose result is not channels-last and whose gradient is scattered one by one.
    """
    if not torch.is_grad_enabled():
        return x[:, channels]
    selection = F.one_hot(channels, x.shape[1]).to(x.dtype)
    return rearrange(rearrange(x, "b c h w -> b h w c") @ selection.T, "b h w n -> b n h w")


def nearest_channels(num_out: int, num_in: int, heads: int) -> Tensor:
    """int64 (heads * num_out,): per head, entry i of num_out reads channel floor(i num_in / num_out)."""
    within = torch.arange(num_out) * num_in // num_out
    return (torch.arange(heads)[:, None] * num_in + within).flatten()


class ChannelAttention(nn.Module):
    """Base of all attentions: `project` makes Q, K, V; `attend` makes the matrix between channels.

    `kept` is c', the channels of K and V per head; Q always has c = channels / heads.
    `inner`: where the papers' form reaches V through a smaller number of tokens or features, that number.
    """

    inner: int | None = None
    expand: Int64[Tensor, " channels"]
    narrow: Int64[Tensor, " heads*kept"]

    def __init__(self, channels: int, heads: int, host: Host, *, kept: int) -> None:
        super().__init__()
        assert channels % heads == 0, f"{channels} channels cannot be divided equally among {heads} heads"
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.out = nn.Conv2d(channels, channels, 1, bias=host.output_bias)
        self.positional = positional_branch(heads * kept) if host.positional else None
        # MST hosts bring C' channels of V back to C, and C channels of the mask's gate to C', by nearest index.
        self.register_buffer("expand", nearest_channels(channels // heads, kept, heads), persistent=False)
        self.register_buffer("narrow", nearest_channels(kept, channels // heads, heads), persistent=False)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Q (b, C, h, w) and K, V (b, C', h, w) of x (b, C, h, w)."""
        raise NotImplementedError

    def attend(self, q: Tensor, k: Tensor) -> Tensor:
        """softmax over k's channels of cosine(q, k) * temperature: (b, heads, c, n), (b, heads, c', n) -> c x c'.

        See Restormer, eq. 1, and the GLMHA paper, eq. 1 and 7.
        """
        return torch.softmax(self.scores(q, k), dim=-1).to(q.dtype)

    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        """cosine(q, k) * temperature, at least in float32: (b, heads, c, n), (b, heads, c', n) -> (b, heads, c, c').

        The product is divided by the norms, instead of Q and K: two passes over memory less.
        """
        if torch.is_grad_enabled():
            return Cosine.apply(q, k) * self.temperature
        product = q @ k.mT
        norms = pixel_norm(q) * pixel_norm(k).mT
        return product.to(norms.dtype) / norms * self.temperature

    def forward(
        self, x: Float[Tensor, "b c h w"], gate: Float[Tensor, "#b c h w"] | None = None
    ) -> Float[Tensor, "b c h w"]:
        """x as the block gives it (normalised or not: the host's choice); gate multiplies V (MST's mask)."""
        q, k, v = self.project(x)
        split = "b (heads c) h w -> b heads c (h w)"
        attn = self.attend(rearrange(q, split, heads=self.heads), rearrange(k, split, heads=self.heads))
        out = self.mix(attn, v if gate is None else v * take(gate, self.narrow))
        if self.positional is None:
            return out
        return out + take(self.positional(v), self.expand)

    def mix(self, attn: Tensor, v: Tensor) -> Tensor:
        """Wo (attn v) as one product per pixel, channels last: (b, heads, c, c'), (b, C', h, w) -> (b, C, h, w)."""
        out = rearrange(v, "b k h w -> b (h w) k") @ self.fold(attn)
        if self.out.bias is not None:
            out = out + self.out.bias
        return rearrange(out, "b (h w) c -> b c h w", h=v.shape[2])

    def fold(self, attn: Float[Tensor, "*b heads c kept_per_head"]) -> Float[Tensor, "*b kept channels"]:
        """Wo attn: what V's pixels, as rows, are multiplied by."""
        weight = rearrange(self.out.weight, "o (heads c) 1 1 -> heads o c", heads=self.heads).to(attn.dtype)
        return rearrange(weight @ attn, "... heads o k -> ... (heads k) o")

    def unfolding_macs(self, pixels: int) -> int:
        """Multiply-adds that the papers' form, attn V and then Wo, takes more than ours, apart from Wo itself."""
        channels, kept = self.out.in_channels, len(self.narrow)
        per_head = channels // self.heads
        folded = channels * kept * (per_head + pixels)
        if self.inner is None:
            return per_head * kept * pixels - folded
        return self.inner * channels * (2 * pixels - per_head) - folded


def require_positive(**knobs: int) -> None:
    """UsageError for a whole number of a config that is below 1."""
    for name, value in knobs.items():
        if value < 1:
            raise UsageError(f"{name} = {value}: at least 1 is needed", f"{name} = 8")
