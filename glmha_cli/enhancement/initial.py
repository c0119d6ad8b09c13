"""GLMHA's first weights, made of a trained channel attention's: no training yet, and no re-weighting.

Its projections become those of mixtures of channels. Where a projection ends in a depth-wise 3x3, a mixture of channels
behind it is no such projection: it becomes the nearest one, in the products that its input has.
"""

from collections.abc import Mapping

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from glmha_cli.attention.base import convolutions
from glmha_cli.attention.csa import ChannelSelfAttention
from glmha_cli.attention.glmha import GuidedLowRankAttention
from glmha_cli.enhancement.mixtures import ITERATIONS, fitted
from glmha_cli.enhancement.statistics import Products, attentions_of

RIDGE = 1e-5
"""Of the input's products, as a share of their mean: channels that are never there decide nothing."""


def changed_in(student: nn.Module, teacher: nn.Module) -> dict[str, nn.Module]:
    """The student's attentions that are others than the teacher's, by name."""
    there = {name: (old, student.get_submodule(name)) for name, old in attentions_of(teacher).items()}
    return {name: new for name, (old, new) in there.items() if type(new) is not type(old)}


def initialise_all(
    student: nn.Module, teacher: nn.Module, products: Mapping[str, Products], *, iterations: int = ITERATIONS
) -> dict[str, float]:
    """Each attention that is another than the teacher's; by name, the share that is missed (see `initialise`)."""
    old = attentions_of(teacher)
    return {
        name: initialise(new, old[name], products[name], iterations=iterations)
        for name, new in changed_in(student, teacher).items()
    }


@torch.no_grad()
def initialise(
    student: nn.Module, teacher: ChannelSelfAttention, products: Products, *, iterations: int = ITERATIONS
) -> float:
    """Give the student, which has nothing of the teacher yet, weights that do the most of what the teacher does.

    Returns the share of the teacher's output that a mixture of its channels misses, in energy. Of other attentions than
    GLMHA nothing is changed: they have the teacher's projections already, and 0 is returned.
    """
    if not isinstance(student, GuidedLowRankAttention):
        return 0.0
    heads, kept = student.heads, len(student.narrow) // student.heads
    out = rearrange(teacher.out.weight, "o (g c) 1 1 -> g o c", g=heads)
    mixture = fitted(products, out=out, temperature=teacher.temperature, kept=kept, iterations=iterations)
    q, k, v = (_kernels(part) for part in _thirds(teacher.qkv))
    mixed = [_mixed(kernels, m) for kernels, m in ((k, mixture.keys), (v, mixture.values))]
    _set(student.q, q, products.xx)
    _set(student.kv, torch.cat(mixed), products.xx)
    student.temperature.copy_(mixture.temperature)
    student.out.load_state_dict(teacher.out.state_dict())
    nn.init.zeros_(student.calibrate.linear.weight)  # 1 + alpha tanh(0): exactly no re-weighting
    nn.init.zeros_(student.calibrate.linear.bias)
    if student.positional is not None and teacher.positional is not None:
        for new, old in zip(convolutions(student.positional), convolutions(teacher.positional), strict=True):
            new.weight.copy_(old.weight[student.narrow])
    return mixture.error


def _thirds(projection: nn.Module) -> list[tuple[Tensor, Tensor | None]]:
    """Of Q, K and V: the 1x1's weights (channels, channels) and the 3x3's (channels, 9), if there are any."""
    point, *depthwise = (rearrange(conv.weight, "o i h w -> o i (h w)") for conv in convolutions(projection))
    points = point[..., 0].chunk(3)
    depths = [each[:, 0] for each in depthwise[0].chunk(3)] if depthwise else [None] * 3
    return list(zip(points, depths, strict=True))


def _kernels(part: tuple[Tensor, Tensor | None]) -> Float[Tensor, "out in taps"]:
    """The one convolution that a projection is."""
    point, depth = part
    return (point[..., None] if depth is None else point[..., None] * depth[:, None]).double()


def _mixed(kernels: Float[Tensor, "out in taps"], mixture: Float[Tensor, "heads kept c"]) -> Tensor:
    by_head = rearrange(kernels, "(g c) i t -> g c i t", g=len(mixture))
    return rearrange(torch.einsum("gkc,gcit->gkit", mixture, by_head), "g k i t -> (g k) i t")


def _set(projection: nn.Module, kernels: Float[Tensor, "out in taps"], xx: Float[Tensor, "in in"]) -> None:
    """Each kernel as the product of a 1x1 and a depth-wise 3x3 that differs least on an input with these products."""
    point, *depthwise = convolutions(projection)
    if not depthwise:
        point.weight.copy_(rearrange(kernels, "o i 1 -> o i 1 1"))
        return
    values, vectors = torch.linalg.eigh(xx)
    sizes = (values.clamp_min(0) + RIDGE * values.mean()).sqrt()
    root, inverse = (vectors * sizes) @ vectors.mT, (vectors / sizes) @ vectors.mT
    u, s, vh = torch.linalg.svd(root @ kernels, full_matrices=False)
    point.weight.copy_(rearrange((inverse @ u[..., :1])[..., 0] * s[:, :1].sqrt(), "o i -> o i 1 1"))
    depthwise[0].weight.copy_(rearrange(vh[:, 0] * s[:, :1].sqrt(), "o (h w) -> o 1 h w", h=3))
