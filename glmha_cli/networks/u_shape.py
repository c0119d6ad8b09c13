"""The U that MST is, and that MST++ stacks (Cai et al., CVPR and CVPRW 2022): config, block and passes.

Written from the papers' description. Every head has the width of the first level, so level i has
channels * 2**i channels and 2**i heads.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Generic, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from glmha_cli.attention.base import AttentionConfig, Host
from glmha_cli.attention.glmha import GLMHAConfig
from glmha_cli.errors import UsageError
from glmha_cli.lookup import unknown
from glmha_cli.networks.blocks import FeedForward, LayerNorm, Modules
from glmha_cli.networks.config import Channels, Count, Shape

HOST = Host(depthwise=False, output_bias=True, positional=True)


@dataclass(frozen=True, kw_only=True)
class UShapeConfig:
    """What the two networks have in common.

    channels: width of level 1, and of the output, as the first maps are added to it.
    num_blocks: per level, the last is the bottleneck; the decoder mirrors the encoder.
    attention_by_level: overrides `attention` at "level1", "level2", … or "bottleneck".
    Raises UsageError for a level that the network does not have, and for more than six levels, or none.
    """

    channels: Channels
    num_blocks: tuple[Count, ...]
    attention: AttentionConfig = field(default_factory=GLMHAConfig)
    attention_by_level: Mapping[str, AttentionConfig] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= len(self.num_blocks) <= 6:
            raise UsageError(f"num_blocks for {len(self.num_blocks)} levels", "one number for each of up to 6 levels")
        for name in self.attention_by_level:
            if name not in self.levels:
                raise unknown("level", name, self.levels)

    @property
    def in_channels(self) -> int:
        return self.channels

    @property
    def out_channels(self) -> int:
        return self.channels

    @property
    def width(self) -> float:
        """Channels of the first level for each pixel of the input: what memory grows with."""
        return self.channels

    @property
    def least_parameters(self) -> int:
        """Fewer than any network of these sizes has: of every block the output projection of its attention alone."""
        return sum(count * (self.channels * 2**level) ** 2 for level, count in enumerate(self.num_blocks))

    def input_shapes(self, h: int, w: int) -> list[Shape]:
        """(b, c, h, w) of each input for one image of h x w px."""
        return [(1, self.in_channels, h, w)]

    @property
    def num_levels(self) -> int:
        """Levels above the bottleneck; each halves height and width."""
        return len(self.num_blocks) - 1

    @property
    def levels(self) -> tuple[str, ...]:
        return *(f"level{i + 1}" for i in range(self.num_levels)), "bottleneck"

    @property
    def size_multiple(self) -> int:
        """Input height and width must be multiples of this."""
        return 2**self.num_levels

    def build_attention(self, level: int) -> nn.Module:
        attention = self.attention_by_level.get(self.levels[level], self.attention)
        return attention.build(self.channels * 2**level, 2**level, HOST)


class Block(nn.Module):
    """x + attention(x), then x + FFN(LN(x)): unlike Restormer's, the attention sees x itself."""

    def __init__(self, config: UShapeConfig, level: int) -> None:
        super().__init__()
        channels = config.channels * 2**level
        self.attention = config.build_attention(level)
        self.norm = LayerNorm(channels)
        self.ffn = FeedForward(channels)

    def forward(self, x: Tensor, gate: Tensor | None = None) -> Tensor:
        x = x + self.attention(x, gate)
        return x + self.ffn(self.norm(x))


B = TypeVar("B", bound=Block)


def conv3x3(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)


def down(channels: int) -> nn.Conv2d:
    """(b, c, h, w) -> (b, 2c, h/2, w/2)."""
    return nn.Conv2d(channels, 2 * channels, 4, stride=2, padding=1, bias=False)


class UShape(nn.Module, Generic[B]):
    """Encoder, bottleneck and decoder, (b, channels, h, w) -> the same shape.

    `block(level)` makes each block. `up`, `fuse` and `decoder` are in running order: deepest first.
    """

    def __init__(self, config: UShapeConfig, block: Callable[[int], B]) -> None:
        super().__init__()
        width = [config.channels * 2**level for level in range(config.num_levels)]

        def blocks(level: int) -> Modules[B]:
            return Modules(block(level) for _ in range(config.num_blocks[level]))

        self.encoder: Modules[Modules[B]] = Modules(blocks(level) for level in range(config.num_levels))
        self.down = Modules(down(channels) for channels in width)
        self.bottleneck = blocks(config.num_levels)
        self.up = Modules(nn.ConvTranspose2d(2 * c, c, 2, stride=2) for c in reversed(width))
        self.fuse = Modules(nn.Conv2d(2 * c, c, 1, bias=False) for c in reversed(width))
        self.decoder: Modules[Modules[B]] = Modules(blocks(level) for level in reversed(range(config.num_levels)))

    def blocks(self) -> Iterator[B]:
        """All blocks, in the order they run."""
        return chain(*self.encoder, self.bottleneck, *self.decoder)

    def forward(self, x: Float[Tensor, "b c h w"], gates: Iterable[Tensor] | None = None) -> Float[Tensor, "b c h w"]:
        """gates: one per block of `blocks()`, as its attention takes it."""
        gate = repeat(None) if gates is None else iter(gates)

        def run(blocks: Modules[B], x: Tensor) -> Tensor:
            for block in blocks:
                x = block(x, next(gate))
            return x

        skips = []
        for blocks, shrink in zip(self.encoder, self.down, strict=True):
            skips.append(run(blocks, x))
            x = shrink(skips[-1])
        x = run(self.bottleneck, x)
        for grow, fuse, blocks, skip in zip(self.up, self.fuse, self.decoder, reversed(skips), strict=True):
            x = run(blocks, fuse(torch.cat([grow(x), skip], dim=1)))
        return x
