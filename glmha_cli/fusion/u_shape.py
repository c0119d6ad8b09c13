"""The U of MST and MST++ for CPUs: blocks in bands of rows on a float32 residual stream, products in a precision of
choice."""

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from glmha_cli.attention.base import ChannelAttention, convolutions
from glmha_cli.attention.csa import ChannelSelfAttention
from glmha_cli.attention.glmha import GuidedLowRankAttention
from glmha_cli.fusion.rows import NeighbouredRows, as_image, as_rows, band_rows, bands, length, matrix, padded
from glmha_cli.fusion.scores import gram_mixing, guide
from glmha_cli.fusion.steps import Dense, Norm, Taps, add_product, depthwise, gelu_, product_into
from glmha_cli.networks.u_shape import Block, UShape

Gate = Float[Tensor, "h w kept"]
Projected = tuple[Float[Tensor, "c kept"], Float[Tensor, "kept c"]]  # what makes V of X, and what mixes V


class GramCSA:
    """Q and K are never made: one product X^T X over all pixels instead of two projections, their product and norms."""

    def __init__(self, attention: ChannelSelfAttention, dtype: torch.dtype) -> None:
        self.attention, self.dtype = attention, dtype
        self.q, self.k, self.v = whole_matrix(attention.qkv).chunk(3, dim=1)

    def __call__(self, x: Float[Tensor, "h w c"]) -> Projected:
        return self.v.to(self.dtype), gram_mixing(self.attention, gram(x), self.q, self.k)


class GramGLMHA:
    """Q is made to be pooled, K never: Q^T K' and the norms come from X^T X, of which the guide scales rows and
    columns."""

    def __init__(self, attention: GuidedLowRankAttention, dtype: torch.dtype) -> None:
        self.attention, self.dtype = attention, dtype
        self.q = whole_matrix(attention.q)
        self.to_q = padded(self.q, 1).to(dtype)
        self.k, self.v = whole_matrix(attention.kv).chunk(2, dim=1)

    def __call__(self, x: Float[Tensor, "h w c"]) -> Projected:
        queries = torch.empty_like(x, dtype=self.dtype)
        for band in bands(*x.shape):
            product_into(queries[band], x[band].to(self.dtype), self.to_q)
        guided = padded(guide(self.attention, queries), 0)[:, None]
        return (guided * self.v).to(self.dtype), gram_mixing(self.attention, gram(x), self.q, guided * self.k)


def gram(x: Float[Tensor, "h w c"]) -> Float[Tensor, "c c"]:
    """X^T X over all pixels."""
    return reduce(torch.add, (part.T @ part for part in x.flatten(0, 1).split(2**14)))


def whole_matrix(projection: nn.Module) -> Float[Tensor, "c_in c_out"]:
    """Of MST's projections, a 1x1 convolution each, in the precision of its weights; X has channels of zeros behind."""
    (point,) = convolutions(projection)
    return padded(matrix(point.weight, point.weight.dtype), 0)


# Any other attention runs as it is, on the whole image.
BANDED: dict[type[nn.Module], Callable[[Any, torch.dtype], GramCSA | GramGLMHA]] = {
    ChannelSelfAttention: GramCSA,
    GuidedLowRankAttention: GramGLMHA,
}


class BandedUBlock:
    """A block on one image (h, w, c), in place: V, the positional branch, the mixing and the feed-forward in one
    pass. Behind the channels of the image and of every map are some of zeros (`rows.padded`)."""

    def __init__(self, block: Block, dtype: torch.dtype) -> None:
        attention = block.attention
        banded = BANDED.get(type(attention))
        self.dtype, self.whole = dtype, attention
        self.banded = banded and banded(attention, dtype)
        if self.banded and isinstance(attention, ChannelAttention):
            self.follow(attention)
        self.norm = Norm(block.norm, dtype)
        self.channels = len(block.norm.weight)
        into, hidden, back = convolutions(block.ffn)
        self.into, self.hidden = matrix(padded(into.weight, 0, 1), dtype), Taps(padded(hidden.weight, 0), dtype)
        self.back = padded(matrix(back.weight, dtype), 0, 1)

    def follow(self, attention: ChannelAttention) -> None:
        """What comes after the attention's matrix: the positional branch and the bias."""
        assert attention.positional is not None and attention.out.bias is not None, "MST's host asks for both"
        self.bias, self.narrow = padded(attention.out.bias, 0), attention.narrow
        first, second = convolutions(attention.positional)
        self.positional = Taps(padded(first.weight, 0), self.dtype), Taps(padded(second.weight, 0), self.dtype)
        # The branch's channels reach the output's by a 0/1 matrix below the mixing one: one product for both.
        self.expand = padded(F.one_hot(attention.expand, len(attention.narrow)).T, 0, 1)

    def __call__(self, x: Float[Tensor, "h w c"], gate: Gate | None) -> None:
        """gate: as `self.gate_of` gives it."""
        h, w, _ = x.shape
        wide = len(self.hidden)
        if self.banded:
            ready = self.attended(x, gate, wide, *self.banded(x))
        else:
            image = x[..., : self.channels]
            image += as_rows(self.whole(as_image(image), None if gate is None else as_image(gate)))
            ready = bands(h, w, wide)
        stage = NeighbouredRows(self.back, h, w, wide, band_rows(w, wide) + 2)
        for band in ready:
            hidden = stage.room(length(band))
            product_into(hidden, self.norm(x[band]), self.into)
            gelu_(hidden)
            where, rows = stage.ready()
            add_product(x[where], depthwise(rows, self.hidden, gelu=True), self.back)

    def gate_of(self, gate: Float[Tensor, "1 c h w"]) -> Gate:
        """A gate as this block takes it: the channels of V that are left, in its precision."""
        return as_rows(padded(gate[:, self.narrow], 1).to(self.dtype)) if self.banded else as_rows(gate)

    def attended(
        self,
        x: Float[Tensor, "h w c"],
        gate: Gate | None,
        wide: int,
        to_v: Float[Tensor, "c kept"],
        mixing: Float[Tensor, "kept c"],
    ) -> Iterator[slice]:
        """x + attention(x) in place, band by band: the rows done so far, as they are."""
        h, w, _ = x.shape
        to_v = padded(to_v, 1)
        kept = to_v.shape[1]
        mixing = torch.cat([padded(mixing, 0, 1), self.expand.to(mixing.dtype)]).to(self.dtype)
        values = x.new_empty(h, w, kept, dtype=self.dtype)
        first, second = (NeighbouredRows(self.back, h, w, kept, band_rows(w, wide) + 1) for _ in range(2))
        for band in bands(h, w, wide):
            product_into(values[band], x[band].to(self.dtype), to_v)
            first.room(length(band))[:] = values[band]
            where, rows = first.ready()
            depthwise(rows, self.positional[0], gelu=True, out=second.room(length(where)))
            where, rows = second.ready()
            mixed = values[where] if gate is None else values[where] * gate[where]
            add_product(x[where], torch.cat([mixed, depthwise(rows, self.positional[1])], dim=-1), mixing)
            x[where] += self.bias
            yield where


class BandedU:
    """The U on one image (h, w, c), in place; as in its blocks, channels of zeros are behind the others."""

    def __init__(self, u: UShape, dtype: torch.dtype) -> None:
        self.dtype = dtype
        *self.encoder, self.bottleneck = (
            [BandedUBlock(block, dtype) for block in blocks] for blocks in (*u.encoder, u.bottleneck)
        )
        self.decoder = [[BandedUBlock(block, dtype) for block in blocks] for blocks in u.decoder]
        self.down = [Dense(down, dtype, (0, 1)) for down in u.down]
        self.up, self.up_bias, self.skip = [], [], []
        for up, fuse in zip(u.up, u.fuse, strict=True):
            weight, bias, of_skip = up_and_fuse(up, fuse)
            self.up.append(padded(weight, 0, 3).flatten(1).to(dtype))
            self.up_bias.append(padded(bias, 0))
            self.skip.append(matrix(padded(of_skip, 0, 1), dtype))

    def blocks(self) -> Iterator[BandedUBlock]:
        """All blocks, in the order they run."""
        for blocks in (*self.encoder, self.bottleneck, *self.decoder):
            yield from blocks

    def __call__(self, x: Float[Tensor, "h w c"], gates: Sequence[Gate | None]) -> Float[Tensor, "h w c"]:
        gate, skips = iter(gates), []
        for blocks, down in zip(self.encoder, self.down, strict=True):
            skips.append(run(blocks, x, gate))
            x = as_rows(down(as_image(x)))
        run(self.bottleneck, x, gate)
        for up, bias, of_skip, blocks in zip(self.up, self.up_bias, self.skip, self.decoder, strict=True):
            four = (x.to(self.dtype).flatten(0, 1) @ up).unflatten(0, x.shape[:2])
            x = rearrange(four, "h w (y x c) -> (h y) (w x) c", y=2, x=2) + bias
            add_product(x, skips.pop().to(self.dtype), of_skip)
            run(blocks, x, gate)
        return x


def run(blocks: list[BandedUBlock], x: Float[Tensor, "h w c"], gates: Iterator[Gate | None]) -> Float[Tensor, "h w c"]:
    """x itself, changed."""
    for block in blocks:
        block(x, next(gates))
    return x


def up_and_fuse(up: nn.ConvTranspose2d, fuse: nn.Conv2d) -> tuple[Tensor, Tensor, Tensor]:
    """A 2x2 transposed convolution and the 1x1 after the skip's concatenation, folded: both are linear in the pixel, so
    the 1x1's columns for the grown map go into the growing itself.

    Returns (c_in, y, x, c_out) for the four sub-pixels, the bias (c_out,), and the 1x1's columns for the skip.
    """
    assert up.bias is not None
    of_up, of_skip = fuse.weight.chunk(2, dim=1)
    weight = torch.einsum("iuyx,ou->iyxo", up.weight, of_up[:, :, 0, 0])
    return weight, of_up[:, :, 0, 0] @ up.bias, of_skip
