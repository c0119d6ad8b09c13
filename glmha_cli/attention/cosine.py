"""Cosines between the channels of Q and K."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable


class Cosine(torch.autograd.Function):
    """Cosines between the channels of Q and K, (b, heads, c, n), (b, heads, c', n) -> (b, heads, c, c'), at least
    float32.

    With a gradient of its own: that of normalising goes through the small matrix, so Q and K are read once more, not
    four times. Norms are rounded as the product is.
    """

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor) -> Tensor:
        product = q @ k.mT
        dtype = torch.promote_types(product.dtype, torch.float32)
        norm_q, norm_k = (torch.linalg.vector_norm(x, dim=-1, keepdim=True).to(dtype).clamp_min(1e-12) for x in (q, k))
        cosine = product.to(dtype) / (norm_q * norm_k.mT)
        ctx.save_for_backward(q, k, norm_q, norm_k, cosine)
        return cosine

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        """With s = q k' / (|q| |k|): ds/dq = k / (|q| |k|) - s q / |q|^2. Pixels first: q and k lie so, channels
        last."""
        q, k, norm_q, norm_k, cosine = ctx.saved_tensors
        to_product = (grad / (norm_q * norm_k.mT)).to(q.dtype)
        along = grad * cosine
        along_q = (along.sum(dim=-1, keepdim=True) / norm_q.square()).to(q.dtype)
        along_k = (along.mT.sum(dim=-1, keepdim=True) / norm_k.square()).to(q.dtype)
        grad_q = (k.mT @ to_product.mT).addcmul_(q.mT, along_q.mT, value=-1)
        grad_k = (q.mT @ to_product).addcmul_(k.mT, along_k.mT, value=-1)
        return grad_q.mT, grad_k.mT


def pixel_norm(x: Float[Tensor, "b heads c n"]) -> Float[Tensor, "b heads c 1"]:
    """Euclidean norm over pixels, at least in float32; floored so that a black image gives no NaN."""
    dtype = torch.promote_types(x.dtype, torch.float32)
    return torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=dtype).clamp_min(1e-12)
