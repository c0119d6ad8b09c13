"""MST, MST++ and the unfolding network for CPUs, around their U in bands of rows."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from glmha_cli.fusion.rows import as_image, as_rows, padded
from glmha_cli.fusion.steps import Dense
from glmha_cli.fusion.u_shape import BandedU, Gate
from glmha_cli.networks.mst import MST
from glmha_cli.networks.mst_plus_plus import MSTPlusPlus
from glmha_cli.networks.unfolding import Unfolding

PIXELS = 2**12
"""At once through a perceptron: a map of them is a megabyte."""


class BandedMSTPlusPlus(nn.Module):
    """An MST++'s forward, image by image."""

    def __init__(self, network: MSTPlusPlus, dtype: torch.dtype) -> None:
        super().__init__()
        self.config = network.config
        embed = network.embed
        both = (0, 1)
        self.embed = Perceptron(embed) if isinstance(embed, nn.Sequential) else Dense(embed, whole=(0,))
        self.output = Dense(network.output, whole=both)
        self.stages = [
            (Dense(stage.embed, dtype, both), BandedU(stage.u, dtype), Dense(stage.output, dtype, both))
            for stage in network.stages
        ]

    def forward(self, image: Float[Tensor, "b cin h w"]) -> Float[Tensor, "b c h w"]:
        return torch.cat([self.one(each[None]) for each in image])

    def one(self, image: Float[Tensor, "1 cin h w"]) -> Float[Tensor, "1 c h w"]:
        features = x = self.embed(image)
        for embed, u, output in self.stages:
            gates = [None for _ in u.blocks()]
            x = output(as_image(u(as_rows(embed(x)), gates))) + x
        return (self.output(x) + features)[:, : self.config.channels]


class Perceptron:
    """`networks.mst_plus_plus.perceptron`, some pixels at a time: its hidden maps stay in the cache."""

    def __init__(self, network: nn.Sequential) -> None:
        layers = [layer for layer in network if isinstance(layer, nn.Conv2d)]
        assert layers[-1].bias is not None
        self.layers = [(layer.weight[:, :, 0, 0], layer.bias) for layer in layers[:-1]]
        self.layers.append((padded(layers[-1].weight[:, :, 0, 0], 0), padded(layers[-1].bias, 0)))

    def __call__(self, image: Float[Tensor, "1 cin h w"]) -> Float[Tensor, "1 c h w"]:
        *hidden, last = self.layers
        pixels = as_rows(image).flatten(0, 1)
        out = pixels.new_empty(len(pixels), len(last[0]))
        for x, part in zip(pixels.split(PIXELS), out.split(PIXELS), strict=True):
            for layer in hidden:
                x = F.linear(x, *layer).relu_()
            part.copy_(F.linear(x, *last))
        return as_image(out.view(*image.shape[2:], -1))


class BandedMST(nn.Module):
    """An MST's forward, image by image. A mask's gates are computed once, while they fit into `KEPT_BYTES`."""

    KEPT_BYTES = 2**29

    def __init__(self, network: MST, dtype: torch.dtype) -> None:
        super().__init__()
        self.config, self.network = network.config, network
        self.embed, self.output = Dense(network.embed, whole=(0,)), Dense(network.output, whole=(1,))
        self.u = BandedU(network.u, dtype)
        self.kept: list[tuple[Tensor, list[Gate]]] = []

    def forward(self, x: Float[Tensor, "b c h w"], mask: Float[Tensor, "#b c h w_ext"]) -> Float[Tensor, "b c h w"]:
        masks = mask.expand(len(x), -1, -1, -1)
        return torch.cat([self.one(each[None], self.gates(its[None])) for each, its in zip(x, masks, strict=True)])

    def one(self, x: Float[Tensor, "1 c h w"], gates: list[Gate]) -> Float[Tensor, "1 c h w"]:
        features = F.leaky_relu(self.embed(x), 0.1)
        return self.output(as_image(self.u(as_rows(features), gates))) + x

    def gates(self, mask: Float[Tensor, "1 c h w_ext"]) -> list[Gate]:
        """Those of an equal mask seen before, or new ones; the oldest go first."""
        for known, gates in self.kept:
            if known.shape == mask.shape and torch.equal(known, mask):
                return gates
        gates = [block.gate_of(gate) for block, gate in zip(self.u.blocks(), self.network.gates(mask), strict=True)]
        self.kept.append((mask.clone(), gates))
        while len(self.kept) > 1 and sum(map(num_bytes, self.kept)) > self.KEPT_BYTES:
            self.kept.pop(0)
        return gates


def num_bytes(entry: tuple[Tensor, list[Gate]]) -> int:
    return sum(tensor.nbytes for tensor in (entry[0], *entry[1]))


class BandedUnfolding(nn.Module):
    """An unfolding network's forward, image by image; the gradient steps are the network's own."""

    def __init__(self, network: Unfolding, dtype: torch.dtype) -> None:
        super().__init__()
        self.config, self.network = network.config, network
        self.priors = {stage: (BandedU(stage.u, dtype), Dense(stage.output, dtype, (1,))) for stage in network.stages}

    def forward(self, x: Float[Tensor, "b c h w"], mask: Float[Tensor, "#b c h w_ext"]) -> Float[Tensor, "b c h w"]:
        masks = mask.expand(len(x), -1, -1, -1)
        return torch.cat([self.one(each[None], its[None]) for each, its in zip(x, masks, strict=True)])

    def one(self, x: Float[Tensor, "1 c h w"], mask: Float[Tensor, "1 c h w_ext"]) -> Float[Tensor, "1 c h w"]:
        maps, spectra, snapshot = self.network.start(x, mask)
        for stage in self.network.steps():
            maps, spectra = stage.descend(maps, spectra, snapshot)
            u, output = self.priors[stage]
            maps = maps + output(as_image(u(padded(as_rows(maps), 2), [None for _ in u.blocks()])))
        return self.network.cube(maps, spectra)
