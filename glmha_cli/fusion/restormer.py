"""Restormer for CPUs: its blocks in bands of rows on a float32 residual stream, products in a precision of choice."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from glmha_cli.attention.base import convolutions
from glmha_cli.attention.csa import ChannelSelfAttention
from glmha_cli.attention.glmha import GuidedLowRankAttention
from glmha_cli.fusion.rows import NeighbouredRows, as_image, as_rows, band_rows, bands, length, matrix, padded
from glmha_cli.fusion.scores import Scores, guide
from glmha_cli.fusion.steps import Dense, Norm, Taps, add_product, depthwise, gated, product_into
from glmha_cli.networks.restormer import Block, Restormer

Mixed = tuple[Float[Tensor, "h w kept"], Float[Tensor, "kept c"]]


class Projection:
    """`convs`, a 1x1 convolution, then a depth-wise 3x3; of both, the output `channels` alone.

    parts: so many equal maps are made of the channels. whole: with channels of zeros up to a multiple of 16, for whole
    vectors.
    """

    def __init__(
        self,
        convs: Sequence[nn.Conv2d],
        dtype: torch.dtype,
        channels: slice = slice(None),
        *,
        parts: int = 1,
        whole: bool = False,
    ) -> None:
        point, depth = (padded(conv.weight[channels], 0) if whole else conv.weight[channels] for conv in convs)
        self.point, self.channels = matrix(point, dtype), len(depth)
        self.taps = [Taps(part, dtype) for part in depth.chunk(parts)]

    def rows(self, x: Float[Tensor, "h w c"], channels: int) -> NeighbouredRows:
        """For what the depth-wise part takes, of an image of x's size in bands for `channels`."""
        h, w, _ = x.shape
        return NeighbouredRows(self.point, h, w, self.channels, band_rows(w, channels))

    def maps(self, rows: Float[Tensor, "rows+2 w c"], *outs: Float[Tensor, "rows w part"] | None) -> list[Tensor]:
        """The depth-wise part of rows and their neighbours: a map of each part, in what `outs` has for it."""
        parts = rows.chunk(len(self.taps), dim=-1)
        return [depthwise(part, taps, out=out) for part, taps, out in zip(parts, self.taps, outs, strict=True)]


class BandedCSA:
    """One pass: of a band's Q, K and V, V is kept and Q and K leave their sums."""

    def __init__(self, attention: ChannelSelfAttention, dtype: torch.dtype) -> None:
        self.attention, self.qkv = attention, Projection(convolutions(attention.qkv), dtype, parts=3)

    def __call__(self, x: Float[Tensor, "h w c"], norm: Norm) -> Mixed:
        values, scores = torch.empty_like(x, dtype=norm.dtype), Scores(self.attention)
        stage = self.qkv.rows(x, self.qkv.channels)
        for band in bands(x.shape[0], x.shape[1], self.qkv.channels):
            product_into(stage.room(length(band)), norm(x[band]), self.qkv.point)
            where, rows = stage.ready()
            q, k, _ = self.qkv.maps(rows, None, None, values[where])
            scores.add(q, k)
        return values, scores.mixing()


class BandedGLMHA:
    """Two passes, as K and V wait for what all of Q says."""

    def __init__(self, attention: GuidedLowRankAttention, dtype: torch.dtype) -> None:
        self.attention = attention
        self.q, kv = Projection(convolutions(attention.q), dtype), convolutions(attention.kv)
        self.kv = Projection(kv, dtype, parts=2)
        self.kv_point = matrix(kv[0].weight, torch.promote_types(dtype, torch.float32))

    def __call__(self, x: Float[Tensor, "h w c"], norm: Norm) -> Mixed:
        h, w, c = x.shape
        normed, queries = (torch.empty_like(x, dtype=norm.dtype) for _ in range(2))
        wide = 3 * c  # of Q, K and V, as copies for the scores may be made of them
        stage = self.q.rows(x, wide)
        for band in bands(h, w, wide):
            product_into(stage.room(length(band)), norm(x[band], out=normed[band]), self.q.point)
            where, rows = stage.ready()
            self.q.maps(rows, queries[where])
        guided = (guide(self.attention, queries)[:, None] * self.kv_point).to(norm.dtype)

        values, scores = x.new_empty(h, w, self.kv.channels // 2, dtype=norm.dtype), Scores(self.attention)
        stage = self.kv.rows(x, wide)
        for band in bands(h, w, wide):
            product_into(stage.room(length(band)), normed[band], guided)
            where, rows = stage.ready()
            k, _ = self.kv.maps(rows, None, values[where])
            scores.add(queries[where], k)
        return values, scores.mixing()


# Any other attention runs as it is, on the whole image.
BANDED: dict[type[nn.Module], Callable[[Any, torch.dtype], BandedCSA | BandedGLMHA]] = {
    ChannelSelfAttention: BandedCSA,
    GuidedLowRankAttention: BandedGLMHA,
}


class BandedBlock:
    """A block on one image (h, w, c), in place. V's mixing, the norm and the feed-forward share one pass."""

    def __init__(self, block: Block, dtype: torch.dtype) -> None:
        banded = BANDED.get(type(block.attention))
        self.dtype, self.whole = dtype, block.attention
        self.banded = banded and banded(block.attention, dtype)
        self.norm1, self.norm2 = Norm(block.norm1, dtype), Norm(block.norm2, dtype)
        # The halves of the hidden maps by themselves: each is contiguous.
        hidden = block.ffn.project_out.in_channels
        self.gelu, self.gate = (
            Projection((block.ffn.project_in, block.ffn.depthwise), dtype, half, whole=True)
            for half in (slice(hidden), slice(hidden, None))
        )
        self.back = padded(matrix(block.ffn.project_out.weight, dtype), 0)

    def __call__(self, x: Float[Tensor, "h w c"]) -> None:
        mixed = None
        if self.banded:
            values, mixed = self.banded(x, self.norm1)
            mixed = mixed.to(self.dtype)
        else:
            x += as_rows(self.whole(self.norm1.norm(as_image(x))))
        halves = self.gelu, self.gate
        hidden = self.gelu.channels
        stages = [half.rows(x, hidden) for half in halves]
        for band in bands(x.shape[0], x.shape[1], hidden):
            normed = self.norm2(x[band]) if mixed is None else self.norm2.after_product(x[band], values[band], mixed)
            for stage, half in zip(stages, halves, strict=True):
                product_into(stage.room(length(band)), normed, half.point)
            (where, a), (_, b) = (stage.ready() for stage in stages)
            add_product(x[where], gated(a, b, *self.gelu.taps, *self.gate.taps), self.back)


class BandedRestormer(nn.Module):
    """A Restormer's forward, image by image."""

    def __init__(self, network: Restormer, dtype: torch.dtype) -> None:
        super().__init__()
        self.config, self.dtype = network.config, dtype
        *self.encoder, self.bottleneck, self.refinement = (
            [BandedBlock(block, dtype) for block in blocks]
            for blocks in (*network.encoder, network.bottleneck, network.refinement)
        )
        if dtype == torch.bfloat16:  # nothing behind it evens out what is rounded: half of the difference from float32
            self.refinement[-1:] = [BandedBlock(block, torch.float32) for block in [*network.refinement][-1:]]
        self.decoder = [[BandedBlock(block, dtype) for block in blocks] for blocks in network.decoder]
        self.embed, self.output = Dense(network.embed), Dense(network.output)
        down, up = ([convolutions(part)[0] for part in parts] for parts in (network.down, network.up))
        self.down, self.up = ([Dense(conv, dtype) for conv in convs] for convs in (down, up))
        self.skip: list[Tensor] = []  # of all levels but the first
        for level, fuse in enumerate(network.fuse, start=1):
            of_up, of_skip = fuse.weight.chunk(2, dim=1)
            self.up[level].weight = up_and_fuse(up[level].weight, of_up).to(dtype)
            self.skip.append(matrix(of_skip, dtype))

    def forward(self, image: Float[Tensor, "b cin h w"]) -> Float[Tensor, "b cout h w"]:
        return torch.cat([self.one(each[None]) for each in image])

    def one(self, image: Float[Tensor, "1 cin h w"]) -> Float[Tensor, "1 cout h w"]:
        scale = self.config.stem_downscale
        skips = [run(self.encoder[0], as_rows(self.embed(F.pixel_unshuffle(image, scale))))]
        for down, blocks in zip(self.down, (*self.encoder[1:], self.bottleneck), strict=True):
            skips.append(run(blocks, as_rows(F.pixel_unshuffle(down(as_image(skips[-1])), 2))))
        x = skips.pop()
        for level in (2, 1, 0):
            x, skip = as_rows(F.pixel_shuffle(self.up[level](as_image(x)), 2)), skips.pop()
            if level:
                add_product(x, skip.to(self.dtype), self.skip[level - 1])
            else:
                x = torch.cat([x, skip], dim=-1)
            run(self.decoder[level], x)
        x = self.output(as_image(run(self.refinement, x)))
        return F.pixel_shuffle(x, scale) + image


def run(blocks: list[BandedBlock], x: Float[Tensor, "h w c"]) -> Float[Tensor, "h w c"]:
    """x itself, changed."""
    for block in blocks:
        block(x)
    return x


def up_and_fuse(
    up: Float[Tensor, "4c c_in 3 3"], fuse: Float[Tensor, "c_out c 1 1"]
) -> Float[Tensor, "4c_out c_in 3 3"]:
    """The convolution before a pixel-shuffle by 2 and a 1x1 after it as one before it: the shuffle only moves pixels,
    so
    each of its four sub-pixels gets the 1x1's combination of channels.
    """
    parts = rearrange(up, "(c four) i y x -> c four i y x", four=4)
    return rearrange(torch.einsum("oc,cfiyx->ofiyx", fuse[:, :, 0, 0], parts), "o four i y x -> (o four) i y x")
