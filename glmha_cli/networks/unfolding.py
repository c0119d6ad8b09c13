"""Low-rank unfolding for snapshot compressive imaging, with a replaceable attention.

A scene X = A E is a product of a few maps (abundances) and as many spectra. Each stage takes a gradient step on the
measurement's error, in the spectra and in the maps; then a U on the maps, the prior, adds what is not measured. After
the formulas of low-rank deep unfolding (arXiv 2511.18513); the U and its blocks are MST's, GLMHA mixes the channels.
The mask and the shift act through `networks.low_rank` alone, so any mask, size and step will do.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from glmha_cli.errors import UsageError
from glmha_cli.networks.blocks import Modules, zero
from glmha_cli.networks.config import Channels, Count, Shape
from glmha_cli.networks.dispersion import maps_of, rows_of
from glmha_cli.networks.low_rank import (
    Snapshot,
    Spectra,
    SpectraStep,
    cosines,
    descent_in_abundances,
    local_misfit,
    orthonormal,
    product,
)
from glmha_cli.networks.u_shape import Block, UShape, UShapeConfig, conv3x3
from glmha_cli.typed import Range

Features = Float[Tensor, "b m h w"]


@dataclass(frozen=True, kw_only=True)
class UnfoldingConfig(UShapeConfig):
    """Shape of the network.

    bands: of the cube. rank: maps and spectra that a scene is a product of, at most `bands` and `channels`.
    channels: maps on the U's first level; those beyond `rank` take no part in the measurement, and carry what the
        stages tell each other. num_stages: how often the measurement is used. shared: all stages have the same weights.
    step: pixels between the shifts of neighbouring bands that it was trained with; at work the inputs say.
    UsageError for a rank that does not fit.
    """

    takes_any_step: ClassVar[bool] = True

    bands: Channels = 28
    rank: Channels = 11
    channels: Channels = 16
    num_blocks: tuple[Count, ...] = (1, 1, 1)
    num_stages: Annotated[int, Range(1, 32)] = 3
    shared: bool = False
    step: Annotated[int, Range(0, 64)] = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rank > min(self.bands, self.channels):
            raise UsageError(
                f"a rank of {self.rank} for {self.bands} bands and {self.channels} channels: it is at most the smaller",
                f"rank = {min(self.bands, self.channels)}",
            )

    @property
    def in_channels(self) -> int:
        return self.bands

    @property
    def out_channels(self) -> int:
        return self.bands

    @property
    def width(self) -> float:
        """Of the maps of the U, and of those with all bands beside them."""
        return self.channels + self.bands / 2

    def input_shapes(self, h: int, w: int) -> list[Shape]:
        """Of the measurement shifted back, and of its mask, which is wider."""
        return [(1, self.bands, h, w), (1, self.bands, h, w + self.step * (self.bands - 1))]

    def build(self) -> "Unfolding":
        return Unfolding(self)


class Stage(nn.Module):
    """A gradient step in the spectra and one in the maps; then the U on all maps, which at first adds nothing.

    What the measurement holds beyond the maps so far is noise in the end, so no one has to say how much there is: it
    decides how far a gradient step trusts a detector pixel through which little light came. The U sees it as well, and
    the gradient by itself, which it could not tell from the maps any more.
    """

    def __init__(self, config: UnfoldingConfig) -> None:
        super().__init__()
        self.rank = config.rank
        self.spectra = SpectraStep(config.rank)
        self.rate = nn.Parameter(torch.ones(config.rank, 1))
        self.damping = nn.Parameter(torch.tensor(-2.0))
        self.damping_by_misfit = nn.Parameter(torch.tensor(0.0))
        self.misfit = nn.Conv2d(1 + config.rank, config.channels, 1)
        zero(self.misfit)
        self.u = UShape(config, partial(Block, config))
        self.output = conv3x3(config.channels, config.channels)
        zero(self.output)

    def forward(self, maps: Features, spectra: Spectra, snapshot: Snapshot) -> tuple[Features, Spectra]:
        maps, spectra = self.descend(maps, spectra, snapshot)
        return maps + self.output(self.u(maps)), spectra

    def descend(self, maps: Features, spectra: Spectra, snapshot: Snapshot) -> tuple[Features, Spectra]:
        """The two gradient steps, in float32 at least: the residual is a small difference of large sums."""
        with exactly(maps.device):
            maps = maps.to(spectra.dtype)
            abundances = rows_of(maps[:, : self.rank])
            residual = snapshot.residual(abundances, spectra)
            damping = F.softplus(self.damping + self.damping_by_misfit * snapshot.misfit(residual))
            spectra = self.spectra(spectra, snapshot.returned(residual, damping), abundances)
            unexplained = snapshot.unexplained(abundances, spectra, damping)
            down = descent_in_abundances(unexplained, spectra)
            maps = torch.cat([maps_of(abundances + self.rate * down), maps[:, self.rank :]], dim=1)
            return maps + self.misfit(torch.cat([local_misfit(unexplained), maps_of(down)], dim=1)), spectra


def exactly(device: torch.device) -> AbstractContextManager:
    """No autocast, where there is any."""
    kind = device.type
    return torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()


class Unfolding(nn.Module):
    """(b, bands, h, w) and Phi -> (b, bands, h, w), h and w multiples of `config.size_multiple`."""

    def __init__(self, config: UnfoldingConfig) -> None:
        super().__init__()
        self.config = config
        self.basis = nn.Parameter(cosines(config.rank, config.bands))
        self.embed = nn.Conv2d(2 * config.bands, config.channels, 1)
        with torch.no_grad():
            self.embed.weight[: config.rank] = 0
            self.embed.weight[: config.rank, : config.bands, 0, 0] = self.basis
        self.stages = Modules(Stage(config) for _ in range(1 if config.shared else config.num_stages))

    def steps(self) -> list[Stage]:
        """The stages, in the order they run."""
        return list(self.stages) * (self.config.num_stages if self.config.shared else 1)

    def start(
        self, x: Float[Tensor, "b c h w"], mask: Float[Tensor, "#b c h w_ext"]
    ) -> tuple[Features, Spectra, Snapshot]:
        snapshot = Snapshot.of(x, mask)
        seen = maps_of(snapshot.mask).expand(x.shape[0], -1, -1, -1)
        spectra = orthonormal(self.basis[None]).expand(x.shape[0], -1, -1)
        return self.embed(torch.cat([x, seen], dim=1)), spectra, snapshot

    def unrolled(
        self, x: Float[Tensor, "b c h w"], mask: Float[Tensor, "#b c h w_ext"]
    ) -> Iterator[tuple[Features, Spectra]]:
        """Maps and spectra after each stage."""
        maps, spectra, snapshot = self.start(x, mask)
        for stage in self.steps():
            maps, spectra = stage(maps, spectra, snapshot)
            yield maps, spectra

    def estimates(
        self, x: Float[Tensor, "b c h w"], mask: Float[Tensor, "#b c h w_ext"]
    ) -> list[Float[Tensor, "b c h w"]]:
        """The cube after each stage; the last one is the result."""
        return [self.cube(maps, spectra) for maps, spectra in self.unrolled(x, mask)]

    def cube(self, maps: Features, spectra: Spectra) -> Float[Tensor, "b c h w"]:
        """A E of the maps that take part."""
        with exactly(maps.device):
            return maps_of(product(rows_of(maps[:, : self.config.rank].to(spectra.dtype)), spectra))

    def forward(self, x: Float[Tensor, "b c h w"], mask: Float[Tensor, "#b c h w_ext"]) -> Float[Tensor, "b c h w"]:
        """x: the measurement shifted back, times 2 / bands; mask: Phi, `step * (bands - 1)` columns wider."""
        ((maps, spectra),) = deque(self.unrolled(x, mask), maxlen=1)
        return self.cube(maps, spectra)
