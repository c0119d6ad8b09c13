"""The matrix between channels, from sums over pixels that come band by band."""

import math

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from glmha_cli.attention.base import ChannelAttention
from glmha_cli.attention.glmha import Calibration, GuidedLowRankAttention
from glmha_cli.fusion.rows import as_image


class Scores:
    """Q^T K per head and the squares of Q and K, summed over pixels: all that the scores need of them."""

    def __init__(self, attention: ChannelAttention) -> None:
        self.attention = attention
        self.sums: list[Tensor] = []

    def add(self, q: Float[Tensor, "rows w c"], k: Float[Tensor, "rows w kept"]) -> None:
        """The pixels of a band; of bands the sums are added in float32 or more."""
        q, k = q.flatten(0, 1), k.flatten(0, 1)
        sums = (half_sums if q.dtype == torch.float16 else full_sums)(q, k, self.attention.heads)
        self.sums = [total + part for total, part in zip(self.sums, sums, strict=True)] if self.sums else list(sums)

    def mixing(self) -> Float[Tensor, "kept c"]:
        return mixing(self.attention, *self.sums)


Sums = tuple[Float[Tensor, "heads c kept_per_head"], Float[Tensor, " c"], Float[Tensor, " kept"]]


def full_sums(q: Float[Tensor, "n c"], k: Float[Tensor, "n kept"], heads: int) -> Sums:
    """In float32 or more."""
    dtype = torch.promote_types(q.dtype, torch.float32)
    q, k = q.to(dtype), k.to(dtype)
    product = rearrange(q, "n (heads c) -> heads c n", heads=heads) @ rearrange(
        k, "n (heads c) -> heads n c", heads=heads
    )
    ones = q.new_ones(1, len(q))  # a product sums over pixels faster than a reduction does
    return product, (ones @ q.square())[0], (ones @ k.square())[0]


def half_sums(q: Float[Tensor, "n c"], k: Float[Tensor, "n kept"], heads: int) -> Sums:
    """Of float16 by its products, which sum in float32, then round to float16. The blocks and diagonals that are not
    needed
    cost less than taking Q and K apart. Squares that leave float16's range, as of values above 90, are summed in
    float32.
    """
    scale = 2.0 ** round(3 - math.log2(len(q)))  # a power of two: exact

    def times(a: Tensor, b: Tensor) -> Tensor:
        return torch.addmm(a.new_empty(a.shape[1], b.shape[1]), a.T, b, beta=0, alpha=scale)

    squares = torch.cat([times(q, q).diagonal(), times(k, k).diagonal()])
    least, most = squares.aminmax()
    if not (least > torch.finfo(torch.float16).smallest_normal and most < torch.inf):
        return full_sums(q, k, heads)
    squares_q, squares_k = (squares.float() / scale).split([q.shape[1], k.shape[1]])
    blocks = (times(q, k).float() / scale).view(heads, q.shape[1] // heads, heads, k.shape[1] // heads)
    return blocks.diagonal(dim1=0, dim2=2).permute(2, 0, 1), squares_q, squares_k


def mixing(
    attention: ChannelAttention,
    product: Float[Tensor, "heads c kept_per_head"],
    squares_q: Float[Tensor, " c"],
    squares_k: Float[Tensor, " kept"],
) -> Float[Tensor, "kept c"]:
    """Norms, temperature, softmax and Wo as one matrix: V's pixels times it are the output.

    The c x c' product is divided by the norms, not Q and K, and Wo (attn V) = (Wo attn) V: exact, as neither depends on
    the pixel, and two passes and a product over all pixels less (as `ChannelAttention.scores` and `mix`).
    """
    norm_q, norm_k = (
        squares.clamp_min(0).sqrt().clamp_min(1e-12).unflatten(0, (attention.heads, -1))
        for squares in (squares_q, squares_k)
    )
    scores = product / (norm_q[:, :, None] * norm_k[:, None]) * attention.temperature
    return attention.fold(scores.softmax(dim=-1))


def gram_mixing(
    attention: ChannelAttention, gram: Float[Tensor, "c c"], to_q: Float[Tensor, "c c"], to_k: Float[Tensor, "c kept"]
) -> Float[Tensor, "kept c"]:
    """`mixing` of Q = X to_q and K = X to_k from G = X^T X alone: Q^T K = to_q^T G to_k, and the squares are diagonals.

    In float64, as small norms are differences of large sums here.
    """
    gram, to_q, to_k = gram.double(), to_q.double(), to_k.double()
    heads = attention.heads
    by_head = (
        rearrange(to_q, "i (heads c) -> heads c i", heads=heads),
        rearrange(to_k, "i (heads c) -> heads i c", heads=heads),
    )
    squares = ((to * (gram @ to)).sum(0) for to in (to_q, to_k))
    return mixing(attention, by_head[0] @ gram @ by_head[1], *squares)


def guide(attention: GuidedLowRankAttention, queries: Float[Tensor, "h w c"]) -> Float[Tensor, " c"]:
    """1 + alpha A of all of Q (paper eq. 3-5). It goes into the columns of Wk' and Wv', as Wk' (X D) = (Wk' D) X for a
    diagonal D: no pass over X' = X (1 + alpha A). Pooled here already; pooling a 7x7 map to 7x7 again changes nothing.
    Channels of zeros behind those of Q are left out.
    """
    q, calibrate = as_image(queries), attention.calibrate
    if not calibrate.full:
        q = F.adaptive_max_pool2d(q, Calibration.WINDOW)
    q = q[:, : attention.out.in_channels]
    return attention.guide(q.to(calibrate.linear.weight.dtype)).flatten()
