"""Parameters and multiply-adds of a network, by the conventions that published tables use.

Papers count different things, so a number means nothing without its convention: `CONVENTIONS`. Operations
are counted where torch runs them, on tensors without data; what our code does differently from the papers'
formula (it folds the output projection into the attention) is put right by that formula, per attention.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from glmha_cli.attention.base import ChannelAttention
from glmha_cli.networks.config import NetworkConfig

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
    """parameters; macs: convention -> multiply-adds of one image; levels: the same of "level1", … "bottleneck".

    A level is a resolution. What changes the resolution belongs to the level it starts from.
    """

    parameters: int
    macs: dict[str, int]
    levels: dict[str, "Complexity"] = field(default_factory=dict)


def count(config: NetworkConfig, *, height: int = 256, width: int = 256) -> Complexity:
    """Cost of a network's config for one image, in pixels; nothing is computed, so it takes about a second.

    height and width are multiples of `config.size_multiple`: padding is not the network's.
    """
    with torch.device("meta"), torch.no_grad():
        network = config.build().eval()
        inputs = [torch.empty(shape) for shape in config.input_shapes(height, width)]
        with OperationCounter(network) as counter:
            network(*inputs)
    rows = sorted(counter.parameters | counter.macs, reverse=True)
    names = [*(f"level{i + 1}" for i in range(len(rows) - 1)), "bottleneck"]
    levels = {
        name: Complexity(parameters=counter.parameters[row], macs=by_convention(counter.macs[row]))
        for name, row in zip(names, rows, strict=True)
    }
    return Complexity(
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        levels=levels,
        macs={name: sum(level.macs[name] for level in levels.values()) for name in CONVENTIONS},
    )


def by_convention(macs: Mapping[str, int]) -> dict[str, int]:
    """Multiply-adds by kind of operation -> by convention."""
    return {name: sum(macs[kind] * times for kind, times in kinds.items()) for name, kinds in CONVENTIONS.items()}


class OperationCounter(TorchDispatchMode):
    """While active, adds up what `network` does by level, told by the rows of a module's input, and kind of operation.

    macs: rows -> kind -> multiply-adds. parameters: rows -> parameters of the modules that ran there.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.macs: defaultdict[int, Counter[str]] = defaultdict(Counter)
        self.parameters: Counter[int] = Counter()
        self.rows: list[int] = []
        self._watch(network)

    def _watch(self, module: nn.Module) -> None:
        """Follow all modules but the parts of an attention, which also look at pooled maps."""
        module.register_forward_pre_hook(self.enter)
        module.register_forward_hook(self.leave)
        if not isinstance(module, ChannelAttention):
            for child in module.children():
                self._watch(child)

    def enter(self, module: nn.Module, inputs: tuple) -> None:
        is_image = isinstance(inputs[0], torch.Tensor) and inputs[0].ndim == 4
        own = inputs[0].shape[2] if is_image else self.rows[-1]
        self.rows.append(own)
        parameters = list(module.parameters(recurse=isinstance(module, ChannelAttention)))
        if parameters:
            self.parameters[own] += sum(parameter.numel() for parameter in parameters)

    def leave(self, module: nn.Module, _: tuple, out: Any) -> None:
        """For an attention also what the papers' form costs more than ours: attn V, then Wo, not (Wo attn) V."""
        rows = self.rows.pop()
        if isinstance(module, ChannelAttention):
            pixels = out[0, 0].numel()
            self.macs[rows]["unfolded projection"] += module.out.in_channels**2 * pixels
            self.macs[rows]["unfolded product"] += module.unfolding_macs(pixels)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        operation = func._overloadpacket
        if operation is aten.native_layer_norm:
            self.macs[self.rows[-1]]["norm"] += out[0].numel()
        elif operation is aten.convolution:
            transposed = args[6]
            self.macs[self.rows[-1]]["transposed" if transposed else "convolution"] += macs_of(operation, args, out)
        elif operation in flop_registry:
            self.macs[self.rows[-1]]["product"] += macs_of(operation, args, out)
        return out


def macs_of(operation: Any, args: tuple, out: torch.Tensor) -> int:
    """torch's own formula, which counts a multiply-add as two."""
    return flop_registry[operation](*args, out_val=out) // 2
