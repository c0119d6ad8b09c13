"""Another attention in a network that is built already, at all levels or at some (GLMHA paper, Table 9)."""

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from torch import nn

from glmha_cli.attention.base import AttentionConfig
from glmha_cli.errors import UsageError
from glmha_cli.networks import attention_from_plain
from glmha_cli.networks.foreign import replace_layers


def with_attention(config: Any, attention: AttentionConfig, levels: Iterable[str] | None = None) -> Any:
    """A network's config with `attention` at `levels` ("level1", …, "bottleneck"), or everywhere for None.

    Raises UsageError for a level that the network does not have; the closest is offered.
    """
    if levels is None:
        return replace(config, attention=attention, attention_by_level={})
    return replace(config, attention_by_level={**config.attention_by_level, **dict.fromkeys(levels, attention)})


def with_reduction(attention: Any, reduction: float, name: str) -> Any:
    """The config of an attention, called `name`, with another reduction; UsageError for one that has none."""
    if "reduction" not in {knob.name for knob in fields(attention)}:
        raise UsageError(f"the attention '{name}' has no reduction", "--attention glmha")
    return replace(attention, reduction=reduction)


def replace_attention(
    network: nn.Module,
    attention: AttentionConfig | str,
    *,
    levels: Iterable[str] | None = None,
    old: type[nn.Module] | None = None,
) -> nn.Module:
    """A new network with another attention; `network` stays as it is.

    In a network of ours (Restormer, MST, MST++), weights keep their values where name and shape are the same:
    everything outside the replaced attentions, and of those what both have (from CSA to Linformer, Performer or
    Reformer all projections; to GLMHA temperature, output projection and, at reduction 0, the positional branch). The
    rest starts anew and needs training. In a network of your own all of the replaced layers starts anew.

    Args:
        network: as `glmha_cli.networks` builds it, or any other.
        attention: a name of `glmha_cli.attention` ("glmha", "csa", …), or its config, such as
            `GLMHAConfig(reduction=0.25)`.
        levels: of a network of ours, "level1" (the finest), "level2", …, "bottleneck"; None for all.
        old: of any other network, the class of the layers to replace; each takes (b, c, h, w), and gives the same
            shape. None for all whose class is called an attention.

    Raises:
        UsageError: a level that the network does not have, no such layers, or what is not an attention's config.
    """
    config = as_config(attention)
    if not hasattr(network, "config") or not hasattr(network.config, "attention_by_level"):
        if levels is not None:
            raise UsageError(f"{type(network).__name__} is not a network of glmha: it has no levels", "old=…")
        return replace_layers(network, config, old)
    like = next(network.parameters())
    changed = with_attention(network.config, config, levels).build().to(like.device, like.dtype)
    before, after = network.state_dict(), changed.state_dict()
    kept = {name: before[name] for name, value in after.items() if name in before and before[name].shape == value.shape}
    changed.load_state_dict(after | kept)
    return changed.train(network.training)


def as_config(attention: AttentionConfig | str) -> AttentionConfig:
    """Raises UsageError for an unknown name (the closest is offered), and for a layer in place of a config."""
    if isinstance(attention, str):
        return attention_from_plain({"name": attention})
    if isinstance(attention, type) or not hasattr(attention, "build"):
        what = attention.__name__ if isinstance(attention, type) else type(attention).__name__
        raise UsageError(f"{what} is not the config of an attention", '"glmha", or GLMHAConfig(reduction=0.25)')
    return attention
