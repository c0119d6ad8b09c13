"""MST++ (Cai et al., CVPRW 2022), RGB to spectra, with a replaceable attention.

Written from the paper's description.
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from jaxtyping import Float
from torch import Tensor, nn

from glmha_cli.networks.blocks import Modules
from glmha_cli.networks.config import Channels, Count
from glmha_cli.networks.u_shape import Block, UShape, UShapeConfig, conv3x3
from glmha_cli.typed import Range


@dataclass(frozen=True, kw_only=True)
class MSTPlusPlusConfig(UShapeConfig):
    """Shape of an MST++; the defaults are the paper's (with CSA: 1.62 M parameters).

    channels: bands of the cube, and width of every stage's level 1.
    num_blocks: per level of each of the `num_stages` equal stages.
    pointwise: width of the two hidden layers of a perceptron that takes the place of the first convolution, and sees
        each pixel by itself; 0 for the convolution, as published. The rest of the network adds to what it gives, at
        first nothing: so the network holds a regression from pixel to spectrum. With `num_stages` 0 it is that alone.
    """

    in_channels: Channels = 3  # a field here; in the base it follows from another
    channels: Channels = 31
    num_stages: Annotated[int, Range(0, 16)] = 3
    num_blocks: tuple[Count, ...] = (1, 1, 1)
    pointwise: Annotated[int, Range(0, 4096)] = 0

    @property
    def least_parameters(self) -> int:
        return self.num_stages * super().least_parameters

    @property
    def size_multiple(self) -> int:
        """Input height and width must be multiples of this: twice what the U needs, as the released network
        pads so, and its attention sees the padding.
        """
        return 2 * super().size_multiple

    def build(self) -> "MSTPlusPlus":
        return MSTPlusPlus(self)


class Stage(nn.Module):
    """x + conv(U(conv(x)))."""

    def __init__(self, config: MSTPlusPlusConfig) -> None:
        super().__init__()
        self.embed = conv3x3(config.channels, config.channels)
        self.u = UShape(config, partial(Block, config))
        self.output = conv3x3(config.channels, config.channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.u(self.embed(x))) + x


def perceptron(in_channels: int, width: int, out_channels: int) -> nn.Sequential:
    """From pixel to pixel, with two hidden layers of ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, width, 1),
        nn.ReLU(),
        nn.Conv2d(width, width, 1),
        nn.ReLU(),
        nn.Conv2d(width, out_channels, 1),
    )


class MSTPlusPlus(nn.Module):
    """(b, in_channels, h, w) -> (b, channels, h, w), h and w multiples of `config.size_multiple`."""

    def __init__(self, config: MSTPlusPlusConfig) -> None:
        super().__init__()
        self.config = config
        self.embed: nn.Sequential | nn.Conv2d = conv3x3(config.in_channels, config.channels)
        if config.pointwise:
            self.embed = perceptron(config.in_channels, config.pointwise, config.channels)
        self.stages = Modules(Stage(config) for _ in range(config.num_stages))
        self.output = conv3x3(config.channels, config.channels)
        if config.pointwise:
            nn.init.zeros_(self.output.weight).requires_grad_(config.num_stages > 0)

    def forward(self, image: Float[Tensor, "b cin h w"]) -> Float[Tensor, "b c h w"]:
        x = features = self.embed(image)
        for stage in self.stages:
            x = stage(x)
        return self.output(x) + features
