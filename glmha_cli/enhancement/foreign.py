"""Channel attention in networks that are not ours becomes GLMHA: you say where Q, K and V are."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

import torch
from torch import Tensor, nn

from glmha_cli.attention.base import AttentionConfig, Host, convolutions
from glmha_cli.attention.csa import ChannelSelfAttention, CSAConfig
from glmha_cli.attention.glmha import GLMHAConfig
from glmha_cli.enhancement.initial import changed_in, initialise_all
from glmha_cli.enhancement.layers import Layers
from glmha_cli.enhancement.statistics import Inputs, attentions_of, collect
from glmha_cli.errors import UsageError
from glmha_cli.networks.replace import replace_attention

LEARNING_RATE = 1e-4
"""Of the whole network: a fraction of what networks of these kinds are trained with."""
AGREES = 1e-3
"""Largest difference of the network once its layers are read, as a share of its largest result."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Projections:
    """Where one layer of softmax(t cos(Q, K)) V between channels has its weights.

    point: (3 C, C) or (3 C, C, 1, 1), of Q, K and V one after the other. depthwise: (3 C, 1, 3, 3) behind it, if there.
    out: (C, C) or (C, C, 1, 1), with a bias or None. temperature: one number a head, of any shape.
    positional: weights (C, 1, 3, 3) of two depth-wise convolutions of V with a GELU between, added to the result (MST).
    channels_last: the layer takes and gives (b, h, w, c) in place of (b, c, h, w).
    """

    point: Tensor
    out: Tensor
    temperature: Tensor
    depthwise: Tensor | None = None
    out_bias: Tensor | None = None
    positional: tuple[Tensor, Tensor] | None = None
    channels_last: bool = False

    @torch.no_grad()
    def as_ours(self) -> nn.Module:
        channels = self.out.shape[0]
        host = Host(
            depthwise=self.depthwise is not None,
            output_bias=self.out_bias is not None,
            positional=self.positional is not None,
        )
        attention = CSAConfig().build(channels, self.temperature.numel(), host)
        weights = [self.point, *([] if self.depthwise is None else [self.depthwise])]
        parts = [*convolutions(attention.qkv), attention.out]
        if attention.positional is not None and self.positional is not None:
            parts += convolutions(attention.positional)
        for conv, weight in zip(parts, [*weights, self.out, *(self.positional or ())], strict=True):
            conv.weight.copy_(weight.reshape(conv.weight.shape))
        if attention.out.bias is not None and self.out_bias is not None:
            attention.out.bias.copy_(self.out_bias)
        attention.temperature.copy_(self.temperature.reshape(-1, 1, 1))
        return ChannelsLast(attention) if self.channels_last else attention


class ChannelsLast(nn.Module):
    """An attention for (b, h, w, c)."""

    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        self.attention = attention

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def enhance_network(
    network: nn.Module,
    images: Sequence[Inputs],
    *,
    old: type[nn.Module] | None = None,
    read: Callable[[Any], Projections] | None = None,
    attention: AttentionConfig | None = None,
    layer_steps: int = 200,
    whole_steps: int = 0,
) -> nn.Module:
    """A copy of any network with GLMHA in place of its channel attention, taught by the network itself.

    Args:
        network: takes the tensors of one of `images`, gives one tensor. It stays as it is.
        images: inputs as it was trained on, such as damaged crops of 128 px, several tens of them; a quarter is held
            out. Each is the list of what the network takes, as batches.
        old: the class of the layers to replace; each takes the features alone. None for a network of ours.
        read: of such a layer, where its weights are.
        attention: what comes in; None for GLMHA with a reduction of 0.5.
        layer_steps: teach each new attention alone, at most so many steps; 0 for the fitted weights as they are.
        whole_steps: then teach the whole network, by its former result.

    Raises:
        UsageError: fewer than four images, no such layers, or a network that gives something else once its layers are
            read.
    """
    if len(images) < 4:
        raise UsageError(f"{len(images)} images are too few to learn from", "four or more, better fifty")
    teacher = as_read(network, old, read)
    require_same(network, teacher, images[0])
    student = with_new(teacher, attention or GLMHAConfig())
    held_out, told = images[::4], [each for index, each in enumerate(images) if index % 4]
    initialise_all(student, teacher, collect(teacher, told, attentions_of(teacher)))
    if layer_steps:
        Layers(teacher, changed_in(student, teacher)).teach(cycle(told), held_out, steps=layer_steps)
    teach_whole(student, teacher, cycle(told), whole_steps)
    return student.train(network.training)


def as_read(network: nn.Module, old: type[nn.Module] | None, read: Callable[[Any], Projections] | None) -> nn.Module:
    """A copy whose channel attentions are ours, in evaluation mode. UsageError without any."""
    copied = copy.deepcopy(network).eval()
    if old is not None and read is not None:
        for name, layer in [each for each in copied.named_modules() if isinstance(each[1], old)]:
            like = next(layer.parameters())
            copied.set_submodule(name, read(layer).as_ours().to(like.device, like.dtype).eval())
    if not attentions_of(copied):
        what = "channel attention (csa)" if old is None else f"layers of class {old.__name__}"
        raise UsageError(f"{type(network).__name__} has no {what}", "old = the layers' class, read = their weights")
    return copied


def with_new(network: nn.Module, attention: AttentionConfig) -> nn.Module:
    """A copy with another attention in place of each of our channel attentions."""
    if hasattr(network, "config"):
        return replace_attention(network, attention)
    copied = copy.deepcopy(network)
    for name, layer in attentions_of(copied).items():
        like = layer.temperature
        new = attention.build(layer.out.in_channels, layer.heads, host_of(layer))
        copied.set_submodule(name, new.to(like.device, like.dtype).eval())
    return copied


@torch.no_grad()
def require_same(network: nn.Module, read: nn.Module, inputs: Inputs) -> None:
    was_training = network.training
    wanted, found = network.eval()(*inputs), read(*inputs)
    network.train(was_training)
    differs = float((found - wanted).abs().max() / wanted.abs().max().clamp_min(1e-30))
    if not differs <= AGREES:
        raise UsageError(
            f"with its layers as `read` tells them the network gives something else: it differs by {differs:.2g}",
            "check which part of the weights is Q, K and V, and the layout",
        )


def host_of(layer: ChannelSelfAttention) -> Host:
    return Host(
        depthwise=len(convolutions(layer.qkv)) > 1,
        output_bias=layer.out.bias is not None,
        positional=layer.positional is not None,
    )


def teach_whole(student: nn.Module, teacher: nn.Module, batches: Iterator[Inputs], steps: int) -> None:
    """By the mean absolute difference to the teacher's result, with a falling rate."""
    optimizer = torch.optim.AdamW(student.parameters(), lr=LEARNING_RATE, weight_decay=0)
    for step, inputs in enumerate(islice(batches, steps)):
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * (1 - step / steps)
        with torch.no_grad():
            wanted = teacher(*inputs)
        optimizer.zero_grad()
        (student(*inputs) - wanted).abs().mean().backward()
        optimizer.step()
