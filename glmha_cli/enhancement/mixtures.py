"""The fewest channels of K and V that do what all did: mixtures of them, fitted to what images showed.

Of each image, attn' = softmax(t cos(q, Mk k)) and its output Wo attn' Mv v follow from the products of
`statistics` alone. So Mk, Mv and the temperature t are fitted to the network's own output by gradient descent on
matrices as small as a head, in seconds.
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float, Int64
from torch import Tensor

from glmha_cli.enhancement.statistics import Products

ITERATIONS = 200
LEARNING_RATE = 0.02
RIDGE = 1e-6
"""Of least squares, as a share of the mean of what is inverted."""


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """keys, values: c' mixtures of K's and V's channels a head. error: share of the output's energy that they miss."""

    keys: Float[Tensor, "heads kept c"]
    values: Float[Tensor, "heads kept c"]
    temperature: Float[Tensor, "heads 1 1"]
    error: float


def attention_matrix(
    products: Products, keys: Float[Tensor, "heads kept c"], temperature: Float[Tensor, "heads 1 1"]
) -> Float[Tensor, "n heads c kept"]:
    """softmax(t cos(q, Mk k)) of each image."""
    norms = (keys @ products.kk @ keys.mT).diagonal(dim1=-2, dim2=-1).clamp_min(1e-24).sqrt()
    cosine = (products.qk @ keys.mT) / products.qq.clamp_min(1e-24).sqrt()[..., None] / norms[..., None, :]
    return torch.softmax(cosine * temperature, dim=-1)


def fitted(
    products: Products,
    *,
    out: Float[Tensor, "heads channels c"],
    temperature: Float[Tensor, "heads 1 1"],
    kept: int,
    iterations: int = ITERATIONS,
) -> Mixture:
    """The best mixtures found from channels as they are. out: the output projection, by head."""
    c = out.shape[-1]
    start = temperature.double()
    metric = out.double().mT @ out.double()
    full = attention_matrix(products, torch.eye(c, dtype=torch.float64).expand(len(out), c, c), start)
    energy = energy_of(full, metric, products.vv)
    keys = torch.nn.functional.one_hot(chosen_channels(full, metric, products.vv, kept), c).double()
    values = best_values(full, attention_matrix(products, keys, start), metric, products.vv)
    parameters = [part.clone().requires_grad_() for part in (keys, values, start.log())]
    optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE)
    with torch.enable_grad():
        for _ in range(iterations):
            keys, values, logarithm = parameters
            made = attention_matrix(products, keys, logarithm.exp()) @ values
            optimizer.zero_grad()
            (energy_of(full - made, metric, products.vv) / energy).backward()
            optimizer.step()
    keys, temperature = parameters[0].detach(), parameters[2].detach().exp()
    matrix = attention_matrix(products, keys, temperature)
    values = best_values(full, matrix, metric, products.vv)
    missed = energy_of(full - matrix @ values, metric, products.vv) / energy
    return Mixture(keys=keys, values=values, temperature=temperature, error=float(missed))


def energy_of(
    matrix: Float[Tensor, "n heads c c"], metric: Float[Tensor, "heads c c"], vv: Float[Tensor, "n heads c c"]
) -> Float[Tensor, ""]:
    """Of Wo matrix V, over all pixels, heads and images."""
    return ((metric @ matrix @ vv) * matrix).sum().clamp_min(1e-30)


def chosen_channels(
    full: Float[Tensor, "n heads c c"], metric: Float[Tensor, "heads c c"], vv: Float[Tensor, "n heads c c"], kept: int
) -> Int64[Tensor, "heads kept"]:
    """The channels that add most to the output beside those chosen before (a pivoted Cholesky factorisation)."""
    size = vv.diagonal(dim1=-2, dim2=-1).sqrt()
    rest = ((full.mT @ metric @ full) * size[..., None] * size[..., None, :]).sum(0)
    heads = torch.arange(len(rest))
    chosen: list[Tensor] = []
    for _ in range(kept):
        left = rest.diagonal(dim1=-2, dim2=-1).clone()
        for taken in chosen:
            left[heads, taken] = -torch.inf
        chosen.append(left.argmax(-1))
        column = rest[heads, :, chosen[-1]]
        rest = rest - column[:, :, None] * column[:, None] / column[heads, chosen[-1]].clamp_min(1e-30)[:, None, None]
    return torch.stack(chosen, dim=1).sort(dim=1).values


def best_values(
    full: Float[Tensor, "n heads c c"],
    matrix: Float[Tensor, "n heads c kept"],
    metric: Float[Tensor, "heads c c"],
    vv: Float[Tensor, "n heads c c"],
) -> Float[Tensor, "heads kept c"]:
    """Mv of least squares: sum over images of matrix^T metric matrix Mv vv = matrix^T metric full vv."""
    kept, c = matrix.shape[-1], matrix.shape[-2]
    left = matrix.mT @ metric @ matrix
    system = rearrange(torch.einsum("nhij,nhkl->hikjl", left, vv), "h i k j l -> h (i k) (j l)")
    system = system + RIDGE * system.diagonal(dim1=-2, dim2=-1).mean(-1)[:, None, None] * torch.eye(kept * c).double()
    right = rearrange((matrix.mT @ metric @ full @ vv).sum(0), "h i k -> h (i k) 1")
    return rearrange(torch.linalg.solve(system, right), "h (i k) 1 -> h i k", i=kept)
