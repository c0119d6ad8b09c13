"""Another attention in a network that is built already, at all levels or at some (GLMHA paper, Table 9)."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from torch import nn

from glmha_cli.attention.base import AttentionConfig
from glmha_cli.errors import UsageError


def with_attention(config: Any, attention: AttentionConfig, levels: Iterable[str] | None = None) -> Any:
    """A network's config with `attention` at `levels` ("level1", …, "bottleneck"), or everywhere for None.

    Raises UsageError for a level that the network does not have; the closest is offered.
    """
    if levels is None:
        return replace(config, attention=attention, attention_by_level={})
    return replace(config, attention_by_level={**config.attention_by_level, **dict.fromkeys(levels, attention)})


def replace_attention(
    network: nn.Module, attention: AttentionConfig, *, levels: Iterable[str] | None = None
) -> nn.Module:
    """A new network of ours (Restormer, MST, MST++) with `attention` at `levels`; `network` stays as it is.

    Weights keep their values where name and shape are the same: everything outside the replaced attentions, and of
    those what both have (from CSA to Linformer, Performer or Reformer all projections; to GLMHA temperature, output
    projection and, at reduction 0, the positional branch). The rest starts anew and needs training. For a network of
    your own, put `glmha_cli.GLMHA` in where its attention was.

    Args:
        network: with a `config` as `glmha_cli.networks` builds it.
        attention: a frozen config of `glmha_cli.attention`, such as `csa.CSA()` or `glmha.GLMHA(reduction=0.25)`.
        levels: "level1" (the finest), "level2", …, "bottleneck"; None for all.

    Raises:
        UsageError: a level that the network does not have, or a network that is not one of ours.
    """
    if not hasattr(network, "config"):
        raise UsageError(
            f"{type(network).__name__} is not a network of glmha: its attention is not known",
            "put glmha_cli.GLMHA(channels) in where its attention was",
        )
    like = next(network.parameters())
    changed = with_attention(network.config, attention, levels).build().to(like.device, like.dtype)
    old, new = network.state_dict(), changed.state_dict()
    kept = {name: old[name] for name, value in new.items() if name in old and old[name].shape == value.shape}
    changed.load_state_dict(new | kept)
    return changed.train(network.training)
