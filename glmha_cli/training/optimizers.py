"""Optimisers by name: (network, learning rate, weight decay) to a torch optimiser."""

from collections.abc import Callable, Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn

MOMENTUM = 0.95
QUINTIC = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5


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

    def __init__(self, params: Iterable[nn.Parameter], *, lr: float, weight_decay: float) -> None:
        params = list(params)
        matrices = [p for p in params if is_matrix(p)]
        others = [p for p in params if not is_matrix(p)]
        super().__init__([{"params": others}, {"params": matrices, "matrices": True}], lr=lr, weight_decay=weight_decay)

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        with torch.enable_grad():
            loss = closure() if closure is not None else None
        for group in self.param_groups:
            if group.get("matrices"):
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        self._turn(parameter, group["lr"], group["weight_decay"])
                        parameter.grad = None  # done: AdamW steps over what has no gradient
        super().step()
        return loss

    def _turn(self, parameter: nn.Parameter, rate: float, weight_decay: float) -> None:
        state = self.state[parameter]
        if not state:  # AdamW's own names, as it restores states by them
            state["step"], state["exp_avg"] = torch.tensor(0.0), torch.zeros_like(parameter)
        state["step"] += 1
        momentum = state["exp_avg"].lerp_(parameter.grad, 1 - MOMENTUM)
        update = orthogonal(parameter.grad.lerp(momentum, MOMENTUM).flatten(1))
        scale = 0.2 * max(update.shape) ** 0.5
        parameter.mul_(1 - rate * weight_decay).add_(update.view_as(parameter), alpha=-rate * scale)


def is_matrix(parameter: nn.Parameter) -> bool:
    """Weights that mix channels; not those of depth-wise convolutions, biases and scales."""
    return parameter.ndim in (2, 4) and min(parameter.shape[:2]) > 1


def orthogonal(matrix: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    """U V^T of matrix = U S V^T, its singular values within about 0.7 to 1.2: Newton-Schulz iterations in bfloat16."""
    a, b, c = QUINTIC
    x = (matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T).bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x if matrix.shape[0] <= matrix.shape[1] else x.T).to(matrix.dtype)


OPTIMIZERS = {
    "adamw": "glmha_cli.training.optimizers:adamw",
    "muon": "glmha_cli.training.optimizers:muon",
}
