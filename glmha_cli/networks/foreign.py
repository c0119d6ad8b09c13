"""Attentions in networks that are not ours: layers from (b, c, h, w) to the same shape, told by their convolutions."""

import copy
import inspect
from collections.abc import Iterator

from torch import nn

from glmha_cli.attention.base import AttentionConfig, Host
from glmha_cli.errors import UsageError

HINT = "name their class by old=…, or put glmha_cli.GLMHA(channels) in where the attention was"


def replace_layers(network: nn.Module, attention: AttentionConfig, old: type[nn.Module] | None) -> nn.Module:
    """A copy of `network` with a new attention for each layer of class `old`, by default those whose class is called
    an attention and whose width is known. Raises UsageError where there is none.
    """
    changed = copy.deepcopy(network)
    layers = list(_layers(changed, old))
    if not layers:
        what = "attention between channels" if old is None else old.__name__
        raise UsageError(f"no {what} found in {type(network).__name__} that takes (b, c, h, w) alone", HINT)
    for name, layer in layers:
        changed.set_submodule(name, _in_place_of(layer, attention))
    return changed


def _layers(network: nn.Module, old: type[nn.Module] | None, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """What is to be replaced, by name; what lies inside of it goes with it."""
    for name, layer in network.named_children():
        is_meant = isinstance(layer, old) if old else "attention" in type(layer).__name__.lower()
        if is_meant and _takes_an_image(layer) and _width(layer):
            yield prefix + name, layer
        else:
            yield from _layers(layer, old, f"{prefix}{name}.")


def _takes_an_image(layer: nn.Module) -> bool:
    """Whether it is called with one argument."""
    parameters = list(inspect.signature(layer.forward).parameters.values())
    return len([each for each in parameters if each.default is inspect.Parameter.empty]) == 1


def _convolutions(layer: nn.Module) -> list[nn.Conv2d]:
    return [part for part in layer.modules() if isinstance(part, nn.Conv2d)]


def _width(layer: nn.Module) -> int | None:
    """The channels of its first convolution, if the last one gives as many."""
    convolutions = _convolutions(layer)
    same = convolutions and convolutions[0].in_channels == convolutions[-1].out_channels
    return convolutions[0].in_channels if same else None


def _in_place_of(layer: nn.Module, attention: AttentionConfig) -> nn.Module:
    """As wide, with as many heads, and with depth-wise convolutions and a bias where the layer has them."""
    convolutions, channels = _convolutions(layer), _width(layer)
    assert channels is not None
    heads = next((n for n in (getattr(layer, name, None) for name in ("num_heads", "heads")) if isinstance(n, int)), 1)
    host = Host(
        depthwise=any(each.groups == each.in_channels > 1 for each in convolutions),
        output_bias=convolutions[-1].bias is not None,
        positional=False,
    )
    like = convolutions[0].weight
    new = attention.build(channels, heads if channels % heads == 0 else 1, host)
    return new.to(like.device, like.dtype).train(layer.training)
