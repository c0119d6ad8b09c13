"""What a trained network's channel attentions do, told by small matrices that images stream into.

Channel attention sees Q, K and V through products over all pixels alone. Those of each image are enough to compute its
attention, and what any mixture of K's and V's channels would make of it, without the pixels.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from glmha_cli.attention.csa import ChannelSelfAttention

Inputs = Sequence[Float[Tensor, "b c h w"]]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """An attention's input, and its gate if it has one, on a batch of images; and what it gave."""

    x: Float[Tensor, "b c h w"]
    gate: Float[Tensor, "#b c h w"] | None
    output: Float[Tensor, "b c h w"]


@dataclass(frozen=True, kw_only=True)
class Products:
    """Of the n images: per head Q K^T, K K^T, V V^T (gated), squared norms of Q; of all of them x x^T."""

    qk: Float[Tensor, "n heads c c"]
    kk: Float[Tensor, "n heads c c"]
    vv: Float[Tensor, "n heads c c"]
    qq: Float[Tensor, "n heads c"]
    xx: Float[Tensor, "channels channels"]


@dataclass(eq=False)
class _Collected:
    parts: list[tuple[Tensor, ...]] = field(default_factory=list)

    def add(self, attention: ChannelSelfAttention, seen: Seen) -> None:
        q, k, v = attention.project(seen.x)
        v = v if seen.gate is None else v * seen.gate
        q, k, v = (rearrange(part, "b (g c) h w -> b g c (h w)", g=attention.heads).double() for part in (q, k, v))
        x = rearrange(seen.x, "b c h w -> c (b h w)").double()
        self.parts.append((q @ k.mT, k @ k.mT, v @ v.mT, q.square().sum(-1), (x @ x.mT)[None]))

    def products(self) -> Products:
        qk, kk, vv, qq, xx = (torch.cat(each) for each in zip(*self.parts, strict=True))
        return Products(qk=qk, kk=kk, vv=vv, qq=qq, xx=xx.sum(0))


def attentions_of(network: nn.Module) -> dict[str, ChannelSelfAttention]:
    """Those with full K and V, by their names in the network."""
    return {name: part for name, part in network.named_modules() if isinstance(part, ChannelSelfAttention)}


@contextmanager
def watched(attentions: Mapping[str, nn.Module]) -> Iterator[dict[str, Seen]]:
    """While active, holds what each of the attentions saw and gave in the last pass of their network."""
    seen: dict[str, Seen] = {}

    def hook(name: str) -> Any:
        def note(module: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
            gate = arguments[1] if len(arguments) > 1 else None
            seen[name] = Seen(x=arguments[0], gate=gate, output=output)

        return note

    handles = [attention.register_forward_hook(hook(name)) for name, attention in attentions.items()]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def collect(network: nn.Module, batches: Iterable[Inputs], names: Iterable[str]) -> dict[str, Products]:
    """The products of the attentions of these names on all batches; of the pixels no more than a batch is held."""
    attentions = attentions_of(network)
    chosen = {name: attentions[name] for name in names}
    collected = {name: _Collected() for name in chosen}
    with watched(chosen) as seen:
        for inputs in batches:
            network(*inputs)
            for name, attention in chosen.items():
                collected[name].add(attention, seen.pop(name))
    return {name: each.products() for name, each in collected.items()}
