"""MST (Cai et al., CVPR 2022), snapshot compressive imaging, with a replaceable attention.

Written from the paper's description. A mask branch in every block turns Phi, the shifted coded aperture,
into a gate of V. It depends on the mask alone: `gates(mask)` may be computed once for many measurements.
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from glmha_cli.networks.blocks import Modules
from glmha_cli.networks.config import Channels, Count, Shape
from glmha_cli.networks.depthwise import LargeDepthwise
from glmha_cli.networks.u_shape import Block, UShape, UShapeConfig, conv3x3, down
from glmha_cli.typed import Range


@dataclass(frozen=True, kw_only=True)
class MSTConfig(UShapeConfig):
    """Shape of an MST; the defaults are MST-L. MST-S has 2, 2, 2 and MST-M 2, 4, 4 blocks.

    channels: bands of the measurement's input form and of the cube, and width of level 1.
    step: pixels between the shifts of neighbouring bands.
    """

    channels: Channels = 28
    num_blocks: tuple[Count, ...] = (4, 7, 5)
    step: Annotated[int, Range(0, 64)] = 2

    def w_ext(self, w: int) -> int:
        """Columns of a measurement, and of its mask, of a scene w pixels wide."""
        return w + self.step * (self.channels - 1)

    def input_shapes(self, h: int, w: int) -> list[Shape]:
        """Of the measurement shifted back, and of its mask, which is wider."""
        return [*super().input_shapes(h, w), (1, self.channels, h, self.w_ext(w))]

    def build(self) -> "MST":
        return MST(self)


class MaskBranch(nn.Module):
    """A level's mask map -> gate: m = 1x1(map), m + m sigmoid(5x5(1x1(m))), shifted back band by band."""

    shifts: Int64[Tensor, " c"]

    def __init__(self, config: MSTConfig, level: int) -> None:
        super().__init__()
        channels, self.level = config.channels * 2**level, level
        self.mix = nn.Conv2d(channels, channels, 1)
        self.weigh = nn.Sequential(nn.Conv2d(channels, channels, 1), LargeDepthwise(channels, 5))
        # Level by level the width halves and the bands double: a channel's shift is a quarter of that above.
        self.register_buffer("shifts", torch.arange(channels) * config.step // 4**level, persistent=False)

    def forward(self, pyramid: list[Float[Tensor, "b _ _ _"]], w: int) -> Float[Tensor, "b c h w_level"]:
        """pyramid: the mask maps of all levels; w: columns of the network's input."""
        m = self.mix(pyramid[self.level])
        m = m + m * torch.sigmoid(self.weigh(m))
        return shift_back(m, self.shifts, w // 2**self.level)


def shift_back(m: Float[Tensor, "b c h w_map"], shifts: Int64[Tensor, " c"], w: int) -> Float[Tensor, "b c h {w}"]:
    """Of channel i the w columns from shifts[i] on; past the end (large steps only) the last one repeats."""
    columns = (shifts[:, None] + torch.arange(w, device=m.device)).clamp(max=m.shape[-1] - 1)
    return m.gather(-1, columns[None, :, None].expand(*m.shape[:3], -1))


class MaskedBlock(Block):
    """A block whose attention takes the gate that `mask` makes."""

    def __init__(self, config: MSTConfig, level: int) -> None:
        super().__init__(config, level)
        self.mask = MaskBranch(config, level)


class MST(nn.Module):
    """(b, channels, h, w) and Phi -> (b, channels, h, w), h and w multiples of `config.size_multiple`."""

    def __init__(self, config: MSTConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = conv3x3(config.channels, config.channels)
        self.mask_down = Modules(down(config.channels * 2**level) for level in range(config.num_levels))
        self.u = UShape(config, partial(MaskedBlock, config))
        self.output = conv3x3(config.channels, config.channels)

    def gates(self, mask: Float[Tensor, "b c h w_ext"]) -> list[Float[Tensor, "b _ _ _"]]:
        """One gate per block, in the order they run; b is 1 where one mask serves the whole batch."""
        w = mask.shape[-1] - self.config.w_ext(0)
        pyramid = [mask]
        for shrink in self.mask_down:
            pyramid.append(shrink(pyramid[-1]))
        return [block.mask(pyramid, w) for block in self.u.blocks()]

    def reconstruct(
        self, x: Float[Tensor, "b c h w"], gates: list[Float[Tensor, "#b _ _ _"]]
    ) -> Float[Tensor, "b c h w"]:
        """x with the gates of its mask."""
        features = F.leaky_relu(self.embed(x), 0.1)
        return self.output(self.u(features, gates)) + x

    def forward(self, x: Float[Tensor, "b c h w"], mask: Float[Tensor, "#b c h w_ext"]) -> Float[Tensor, "b c h w"]:
        """x: the measurement shifted back, times 2 / channels; mask: Phi, `config.w_ext(w)` columns wide."""
        return self.reconstruct(x, self.gates(mask))
