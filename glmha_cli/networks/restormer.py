"""Restormer (Zamir et al., CVPR 2022) with a replaceable attention, written from the paper's description."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from glmha_cli.attention.base import AttentionConfig, Host
from glmha_cli.attention.glmha import GLMHAConfig
from glmha_cli.errors import UsageError
from glmha_cli.lookup import unknown
from glmha_cli.networks.blocks import GatedFeedForward, LayerNorm, Modules
from glmha_cli.networks.config import Channels, Count, Shape
from glmha_cli.typed import Range

HOST = Host(depthwise=True, output_bias=False, positional=False)
LEVELS = ("level1", "level2", "level3", "bottleneck")


@dataclass(frozen=True, kw_only=True)
class RestormerConfig:
    """Shape of a Restormer; the defaults are the paper's (with CSA: 26.1 M parameters).

    num_blocks: per level, the last is the bottleneck; level i has channels * 2**i channels.
    stem_downscale: 2 runs everything at half resolution behind a pixel-unshuffle (our lite networks).
    attention_by_level: overrides `attention` at "level1" (encoder, decoder and refinement), "level2",
    "level3" or "bottleneck" (the GLMHA paper's Table 9).
    UsageError for a level that there is not, and for heads that do not divide their level's channels.
    """

    in_channels: Channels = 3
    out_channels: Channels = 3
    channels: Channels = 48
    num_blocks: tuple[Count, Count, Count, Count] = (4, 6, 6, 8)
    num_refinement_blocks: Count = 4
    heads: tuple[Channels, Channels, Channels, Channels] = (1, 2, 4, 8)
    ffn_expansion: Annotated[float, Range(0.01, 16)] = 2.66
    centred_norm: bool = True
    stem_downscale: Annotated[int, Range(1, 8)] = 1
    attention: AttentionConfig = field(default_factory=GLMHAConfig)
    attention_by_level: Mapping[str, AttentionConfig] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.attention_by_level:
            if name not in LEVELS:
                raise unknown("level", name, LEVELS)
        for level, heads in enumerate(self.heads):
            if self.channels * 2**level % heads:
                raise UsageError(
                    f"{self.channels * 2**level} channels of {LEVELS[level]} do not split into {heads} heads",
                    "heads = one number for each level that divides its channels",
                )
        if int(self.channels * self.ffn_expansion) < 1:
            raise UsageError(f"an ffn_expansion of {self.ffn_expansion} leaves no channel", "ffn_expansion = 2.66")

    @property
    def width(self) -> float:
        """Channels of the first level for each pixel of the input: what memory grows with."""
        return self.channels / self.stem_downscale**2

    @property
    def least_parameters(self) -> int:
        """Fewer than any network of these sizes has: of every block the output projection of its attention alone."""
        return sum(count * (self.channels * 2**level) ** 2 for level, count in enumerate(self.num_blocks))

    def input_shapes(self, h: int, w: int) -> list[Shape]:
        """(b, c, h, w) of each input for one image of h x w px."""
        return [(1, self.in_channels, h, w)]

    @property
    def size_multiple(self) -> int:
        """Input height and width must be multiples of this."""
        return 8 * self.stem_downscale

    def build(self) -> "Restormer":
        return Restormer(self)


class Block(nn.Module):
    """x + attention(LN(x)), then x + FFN(LN(x))."""

    def __init__(self, channels: int, heads: int, config: RestormerConfig, level: str) -> None:
        super().__init__()
        attention = config.attention_by_level.get(level, config.attention)
        self.norm1 = LayerNorm(channels, centred=config.centred_norm)
        self.attention = attention.build(channels, heads, HOST)
        self.norm2 = LayerNorm(channels, centred=config.centred_norm)
        self.ffn = GatedFeedForward(channels, expansion=config.ffn_expansion)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.ffn(self.norm2(x))


class Level(nn.Sequential):
    """The blocks of a level, one after the other."""

    if TYPE_CHECKING:

        def __iter__(self) -> Iterator[Block]: ...


def conv3x3(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)


def down(channels: int) -> nn.Sequential:
    """(b, c, h, w) -> (b, 2c, h/2, w/2)."""
    return nn.Sequential(conv3x3(channels, channels // 2), nn.PixelUnshuffle(2))


def up(channels: int) -> nn.Sequential:
    """(b, c, h, w) -> (b, c/2, 2h, 2w)."""
    return nn.Sequential(conv3x3(channels, channels * 2), nn.PixelShuffle(2))


class Restormer(nn.Module):
    """(b, in_channels, h, w) -> (b, out_channels, h, w), h and w multiples of `config.size_multiple`."""

    def __init__(self, config: RestormerConfig) -> None:
        super().__init__()
        self.config = config
        width = [config.channels * 2**i for i in range(4)]
        shuffled = config.stem_downscale**2

        def blocks(count: int, level: int, channels: int) -> Level:
            heads = config.heads[level]
            return Level(*(Block(channels, heads, config, LEVELS[level]) for _ in range(count)))

        self.embed = conv3x3(config.in_channels * shuffled, width[0])
        self.encoder = Modules(blocks(config.num_blocks[i], i, width[i]) for i in range(3))
        self.down = Modules(down(width[i]) for i in range(3))
        self.bottleneck = blocks(config.num_blocks[3], 3, width[3])
        # Decoders by level. Level 1 is not fused back to its width: it and the refinement run at twice of it.
        self.up = Modules(up(width[i + 1]) for i in range(3))
        self.fuse = Modules(nn.Conv2d(2 * width[i], width[i], 1, bias=False) for i in (1, 2))
        self.decoder = Modules(blocks(config.num_blocks[i], i, max(width[i], width[1])) for i in range(3))
        self.refinement = blocks(config.num_refinement_blocks, 0, width[1])
        self.output = conv3x3(width[1], config.out_channels * shuffled)
        nn.init.zeros_(self.output.weight)  # training starts from the identity

    def forward(self, image: Float[Tensor, "b cin h w"]) -> Float[Tensor, "b cout h w"]:
        scale = self.config.stem_downscale
        x = self.embed(F.pixel_unshuffle(image, scale) if scale > 1 else image)
        skips = []
        for blocks, shrink in zip(self.encoder, self.down, strict=True):
            skips.append(blocks(x))
            x = shrink(skips[-1])
        x = self.bottleneck(x)
        for level in (2, 1, 0):
            x = torch.cat([self.up[level](x), skips[level]], dim=1)
            x = self.decoder[level](self.fuse[level - 1](x) if level else x)
        x = self.output(self.refinement(x))
        return (F.pixel_shuffle(x, scale) if scale > 1 else x) + image
