"""Parameters and multiply-adds of a network, by the conventions that published tables use.

Papers count different things, so a number means nothing without its convention: `CONVENTIONS`. Operations
are counted where torch runs them, on tensors without data; what our code does differently from the papers'
formula (it folds the output projection into the attention) is put right by that formula, per attention.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from glmha_cli.attention.base import ChannelAttention

aten = torch.ops.aten

_CONVOLUTIONS = {"convolution": 1, "transposed": 1, "unfolded projection": 1}
_EVERYTHING = _CONVOLUTIONS | {"product": 1, "unfolded product": 1}
_FVCORE = _EVERYTHING | {"norm": 5}

CONVENTIONS: dict[str, dict[str, int]] = {
    "convolutions": _CONVOLUTIONS,
    "everything": _EVERYTHING,
    "as run": {"convolution": 1, "transposed": 1, "product": 1},
    "fvcore": _FVCORE,
    "published": _FVCORE | {"transposed": 2},
}
"""Convention -> how often each kind of operation counts.

convolutions: these alone, linear projections of pixels included; the published tables of Restormer.
everything: the attention's matrix products too, each once; in the papers' form, softmax(Q K^T) V, then Wo.
as run: the same in our form, Wo folded into the softmaxed matrix.
fvcore: everything, and LayerNorm at 5 per element; what that counter says of MST and MST++.
published: fvcore with each transposed convolution twice, a bug of old versions; the tables of MST and MST++.
"""


@dataclass(frozen=True, kw_only=True)
class Complexity:
    """parameters; macs: convention -> multiply-adds of one image."""

    parameters: int
    macs: dict[str, int]


def count(config: Any, *, height: int = 256, width: int = 256) -> Complexity:
    """Cost of a network's config for one image, in pixels; nothing is computed, so it takes about a second.

    height and width are multiples of `config.size_multiple`: padding is not the network's.
    """
    with torch.device("meta"), torch.no_grad():
        network = config.build().eval()
        inputs = [torch.empty(shape) for shape in input_shapes(config, height, width)]
        with OperationCounter(network) as counter:
            network(*inputs)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    macs = {name: sum(counter.macs[kind] * times for kind, times in kinds.items())
            for name, kinds in CONVENTIONS.items()}
    return Complexity(parameters=parameters, macs=macs)


def input_shapes(config: Any, height: int, width: int) -> list[tuple[int, int, int, int]]:
    """Of one image, and of its mask where the network looks through a coded aperture (MST)."""
    shapes = [(1, config.in_channels, height, width)]
    if hasattr(config, "w_ext"):
        shapes.append((1, config.in_channels, height, config.w_ext(width)))
    return shapes


class OperationCounter(TorchDispatchMode):
    """While active, adds up into `macs` what `network` does, by kind of operation."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.macs: Counter[str] = Counter()
        for module in network.modules():
            if isinstance(module, ChannelAttention):
                module.register_forward_hook(self.add_unfolded)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        operation = func._overloadpacket
        if operation is aten.native_layer_norm:
            self.macs["norm"] += out[0].numel()
        elif operation is aten.convolution:
            transposed = args[6]
            self.macs["transposed" if transposed else "convolution"] += macs_of(operation, args, out)
        elif operation in flop_registry:
            self.macs["product"] += macs_of(operation, args, out)
        return out

    def add_unfolded(self, attention: ChannelAttention, _: tuple, out: torch.Tensor) -> None:
        """What the papers' form costs more than ours: attn V, then Wo, instead of (Wo attn) V."""
        channels, kept, pixels = attention.out.in_channels, len(attention.narrow), out[0, 0].numel()
        per_head = channels // attention.heads
        folded = channels * kept * (per_head + pixels)
        self.macs["unfolded projection"] += channels**2 * pixels
        self.macs["unfolded product"] += per_head * kept * pixels - folded


def macs_of(operation: Any, args: tuple, out: torch.Tensor) -> int:
    """torch's own formula, which counts a multiply-add as two."""
    return flop_registry[operation](*args, out_val=out) // 2
