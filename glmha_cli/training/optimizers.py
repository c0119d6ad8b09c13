"""Optimisers by name: (network, learning rate, weight decay) to a torch optimiser."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from glmha_cli.fusion import computes_bfloat16_well

MOMENTUM = 0.95
QUINTIC = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
WIDE = 4
"""So many times as wide as high, a matrix is turned by its Gram matrix: up to twice as wide that gained nothing."""


def adamw(network: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=weight_decay, fused=True)


def muon(network: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.Optimizer:
    return Muon(network.parameters(), lr=learning_rate, weight_decay=weight_decay)


class Muon(torch.optim.AdamW):
    """Momentum made orthogonal for dense convolutions and linear maps, AdamW for all else.

    An update moves all directions of a matrix alike, so what the few strong ones leave is learnt as soon; its root
    mean square is AdamW's, so one learning rate serves both. Jordan et al., "Muon: an optimizer for hidden layers in
    neural networks" (2024), scaled after Liu et al., "Muon is scalable for LLM training" (2025). torch.optim.Muon takes
    matrices alone, and Lightning one optimiser without writing its loop.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], *, lr: float, weight_decay: float) -> None:
        params = list(parameters)
        matrices = [p for p in params if is_matrix(p)]
        others = [p for p in params if not is_matrix(p)]
        groups: list[dict[str, Any]] = [{"params": others}, {"params": matrices, "matrices": True}]
        super().__init__(groups, lr=lr, weight_decay=weight_decay)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        with torch.enable_grad():
            loss = closure() if closure is not None else None
        for group in self.param_groups:
            if group.get("matrices"):
                for alike in by_shape(p for p in group["params"] if p.grad is not None):
                    self._turn(alike, group["lr"], group["weight_decay"])
        super().step()
        return loss

    def _turn(self, alike: Sequence[nn.Parameter], rate: float, weight_decay: float) -> None:
        """One step of parameters of one shape: what is small is faster together."""
        updates = orthogonal(torch.stack([self._direction(p).flatten(1) for p in alike]))
        scale = 0.2 * max(updates.shape[1:]) ** 0.5
        for parameter, update in zip(alike, updates, strict=True):
            parameter.mul_(1 - rate * weight_decay).add_(update.view_as(parameter), alpha=-rate * scale)
            parameter.grad = None  # done: AdamW steps over what has no gradient

    def _direction(self, parameter: nn.Parameter) -> Tensor:
        """The gradient's momentum, Nesterov's."""
        assert parameter.grad is not None  # `step` takes no others
        state = self.state[parameter]
        if not state:  # AdamW's own names, as it restores states by them
            state["step"], state["exp_avg"] = torch.tensor(0.0), torch.zeros_like(parameter)
        state["step"] += 1
        momentum = state["exp_avg"].lerp_(parameter.grad, 1 - MOMENTUM)
        return parameter.grad.lerp(momentum, MOMENTUM)


def by_shape(parameters: Iterable[nn.Parameter]) -> list[list[nn.Parameter]]:
    alike = defaultdict(list)
    for parameter in parameters:
        alike[parameter.shape].append(parameter)
    return list(alike.values())


def is_matrix(parameter: nn.Parameter) -> bool:
    """Weights that mix channels; not those of depth-wise convolutions, biases and scales."""
    return parameter.ndim in (2, 4) and min(parameter.shape[:2]) > 1


def orthogonal(matrices: Float[Tensor, "k n m"]) -> Float[Tensor, "k n m"]:
    """U V^T of each U S V^T, its singular values within about 0.7 to 1.2, by Newton-Schulz iterations.

    In bfloat16 on GPUs and on CPUs made for it; others multiply float32 fifteen times as fast.
    """
    wide = matrices.shape[1] <= matrices.shape[2]
    x = matrices if wide else matrices.mT
    x = x.bfloat16() if x.is_cuda or computes_bfloat16_well() else x.float()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    by_gram = x.dtype == torch.float32 and x.shape[2] >= WIDE * x.shape[1]
    x = turned_by_gram(x) if by_gram else turned(x)
    return (x if wide else x.mT).to(matrices.dtype)


def turned(x: Float[Tensor, "k n m"]) -> Float[Tensor, "k n m"]:
    a, b, c = QUINTIC
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


def turned_by_gram(x: Float[Tensor, "k n m"]) -> Float[Tensor, "k n m"]:
    """The same by products of n x n alone, half the time where m is large; it needs float32, as X X^T squares what the
    singular values differ by."""
    a, b, c = QUINTIC
    constant = a * torch.eye(x.shape[1], device=x.device)

    def factor_of(gram: Float[Tensor, "k n n"]) -> Float[Tensor, "k n n"]:
        return torch.baddbmm(gram, gram, gram, beta=b, alpha=c) + constant

    gram = x @ x.mT
    whole = factor = factor_of(gram)
    for _ in range(ITERATIONS - 1):
        gram = factor @ gram @ factor
        factor = factor_of(gram)
        whole = factor @ whole
    return whole @ x


OPTIMIZERS = {
    "adamw": "glmha_cli.training.optimizers:adamw",
    "muon": "glmha_cli.training.optimizers:muon",
}
