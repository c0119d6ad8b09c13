"""The released networks: names that tell each, its sizes read from shapes, and its parameters' names in ours.

Only names and shapes are known here (facts about the files); the networks are written from the papers.
MST's released code multiplies K Q^T, so what it calls to_k makes our queries and to_q our keys.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from torch import Tensor

from glmha_cli.errors import BadDataError

Upstream = Mapping[str, Tensor]
Rules = list[tuple[str, str | Callable[[re.Match], str]]]

# Of the released weights, by network. Restormer's as of April 2024.
LICENCES = {
    "restormer": "Academic Public License, non-commercial",
    "mst": "MIT",
    "mst_plus_plus": "MIT",
}

# Networks whose released weights were trained on photos stretched to [0, 1] by their lowest and highest value.
STRETCHED = {"mst_plus_plus"}

# Applied in order; each pattern replaces every match in the name.
RESTORMER_RULES: Rules = [
    (r"^patch_embed\.proj\.", "embed."),
    (r"^(encoder|decoder)_level(\d)\.", lambda m: f"{m[1]}.{int(m[2]) - 1}."),
    (r"^latent\.", "bottleneck."),
    (r"^down(\d)_\d\.body\.0\.", lambda m: f"down.{int(m[1]) - 1}.0."),
    (r"^up\d_(\d)\.body\.0\.", lambda m: f"up.{int(m[1]) - 1}.0."),
    (r"^reduce_chan_level(\d)\.", lambda m: f"fuse.{int(m[1]) - 2}."),
    (r"\.body\.", "."),
    (r"\.attn\.", ".attention."),
    (r"\.qkv\.", ".qkv.0."),
    (r"\.qkv_dwconv\.", ".qkv.1."),
    (r"\.attention\.project_out\.", ".attention.out."),
    (r"\.ffn\.dwconv\.", ".ffn.depthwise."),
]

MST_RULES: Rules = [
    (r"^conv_in\.", "embed."),
    (r"^conv_out\.", "output."),
    (r"^body\.", "stages."),
    (r"\bembedding\.", "embed."),
    (r"\bmapping\.", "output."),
    (r"\bencoder_layers\.(\d+)\.0\.blocks\.", r"u.encoder.\1."),
    (r"\bencoder_layers\.(\d+)\.1\.", r"u.down.\1."),
    (r"\bencoder_layers\.(\d+)\.2\.", r"mask_down.\1."),
    (r"\bbottleneck\.blocks\.", "u.bottleneck."),
    (r"\bdecoder_layers\.(\d+)\.0\.", r"u.up.\1."),
    (r"\bdecoder_layers\.(\d+)\.1\.", r"u.fuse.\1."),
    (r"\bdecoder_layers\.(\d+)\.2\.blocks\.", r"u.decoder.\1."),
    (r"\.0\.mm\.conv1\.", ".mask.mix."),
    (r"\.0\.mm\.conv2\.", ".mask.weigh.0."),
    (r"\.0\.mm\.depth_conv\.", ".mask.weigh.1."),
    (r"\.0\.rescale$", ".attention.temperature"),
    (r"\.0\.to_[kqv]\.", ".attention.qkv."),
    (r"\.0\.proj\.", ".attention.out."),
    (r"\.0\.pos_emb\.", ".attention.positional."),
    (r"\.1\.norm\.", ".norm."),
    (r"\.1\.fn\.net\.", ".ffn."),
]


def listing(names: Iterable[str]) -> str:
    names = sorted(names)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def refuse(problem: str, names: Iterable[str]) -> None:
    if names:
        raise BadDataError(
            f"the checkpoint's network is a variant: {problem} {listing(names)}",
            "only Restormer, MST and MST++ as released are supported",
        )


def how_many(state: Upstream, pattern: str) -> int:
    """How many different numbers the pattern's group takes in the names."""
    return len({match[1] for name in state if (match := re.match(pattern, name))})


def size_of(state: Upstream, name: str, dim: int = 0) -> int:
    if name not in state:
        refuse("missing", [name])
    if state[name].ndim <= dim or not state[name].shape[dim]:
        refuse("misshapen", [name])
    return state[name].shape[dim]


def restormer_sizes(state: Upstream) -> dict[str, Any]:
    levels = ["encoder_level1", "encoder_level2", "encoder_level3", "latent"]
    channels = size_of(state, "patch_embed.proj.weight")
    width = [channels * 2**i for i in range(len(levels))]
    hidden = [size_of(state, f"{level}.0.ffn.project_in.weight") // 2 for level in levels]
    heads = [size_of(state, f"{level}.0.attn.temperature") for level in levels]
    refuse(
        "misshapen", [f"{level}.0.attn.temperature" for level, c, h in zip(levels, width, heads, strict=True) if c % h]
    )
    return {
        "name": "restormer",
        "in_channels": size_of(state, "patch_embed.proj.weight", 1),
        "out_channels": size_of(state, "output.weight"),
        "channels": channels,
        "num_blocks": [how_many(state, rf"{level}\.(\d+)\.") for level in levels],
        "num_refinement_blocks": how_many(state, r"refinement\.(\d+)\."),
        "heads": heads,
        "ffn_expansion": shortest_factor(dict(zip(width, hidden, strict=True))),
        "centred_norm": "encoder_level1.0.norm1.body.bias" in state,
    }


def shortest_factor(hidden: Mapping[int, int]) -> float:
    """The factor with fewest decimals such that int(channels * factor) is `hidden[channels]` for all."""
    low = max(h / c for c, h in hidden.items())
    candidates = (ceil(low * 10**digits) / 10**digits for digits in range(7))
    fitting = (f for f in candidates if all(int(c * f) == h for c, h in hidden.items()))
    factor = next(fitting, None)
    if factor is None:
        raise BadDataError(
            "the widths of the checkpoint's feed-forward layers fit no expansion factor",
            "only Restormer as released is supported",
        )
    return factor


def u_sizes(state: Upstream, prefix: str) -> dict[str, Any]:
    num_levels = how_many(state, rf"{prefix}encoder_layers\.(\d+)\.")
    levels = [*(f"encoder_layers.{i}.0" for i in range(num_levels)), "bottleneck"]
    return {
        "channels": size_of(state, f"{prefix}embedding.weight"),
        "num_blocks": [how_many(state, rf"{prefix}{level}\.blocks\.(\d+)\.") for level in levels],
    }


def mst_sizes(state: Upstream) -> dict[str, Any]:
    return {"name": "mst", **u_sizes(state, "")}


def mst_plus_plus_sizes(state: Upstream) -> dict[str, Any]:
    return {
        "name": "mst_plus_plus",
        "in_channels": size_of(state, "conv_in.weight", 1),
        "num_stages": how_many(state, r"body\.(\d+)\."),
        **u_sizes(state, "body.0."),
    }


@dataclass(frozen=True, kw_only=True)
class Release:
    """A released network: names that tell it, its plain config from its state, its names' way to ours."""

    signature: frozenset[str]
    sizes: Callable[[Upstream], dict[str, Any]]
    rules: Rules


RELEASES = [
    Release(signature=frozenset({"patch_embed.proj.weight"}), sizes=restormer_sizes, rules=RESTORMER_RULES),
    Release(signature=frozenset({"conv_in.weight"}), sizes=mst_plus_plus_sizes, rules=MST_RULES),
    Release(signature=frozenset({"embedding.weight"}), sizes=mst_sizes, rules=MST_RULES),
]
