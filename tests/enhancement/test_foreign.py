"""Networks that others wrote: their channel attention becomes GLMHA, told by where its weights are."""

import pytest
import torch
from einops import rearrange
from torch import nn
from torch.nn import functional as F

import glmha_cli as glmha
from glmha_cli.attention.glmha import GuidedLowRankAttention
from glmha_cli.enhancement.foreign import Projections, enhance_network
from glmha_cli.errors import UsageError

CHANNELS, HEADS = 12, 2


class Transposed(nn.Module):
    """As Restormer's, fused: 1x1 and depth-wise 3x3 to Q, K and V."""

    def __init__(self) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.full((HEADS, 1, 1), 4.0))
        self.to_qkv = nn.Conv2d(CHANNELS, 3 * CHANNELS, 1, bias=False)
        self.deep = nn.Conv2d(3 * CHANNELS, 3 * CHANNELS, 3, padding=1, groups=3 * CHANNELS, bias=False)
        self.last = nn.Conv2d(CHANNELS, CHANNELS, 1, bias=False)

    def forward(self, x):
        parts = self.deep(self.to_qkv(x)).chunk(3, 1)
        q, k, v = (rearrange(each, "b (g c) h w -> b g c (h w)", g=HEADS) for each in parts)
        attn = (F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).mT * self.temperature).softmax(-1)
        return self.last(rearrange(attn @ v, "b g c (h w) -> b (g c) h w", h=x.shape[2]))

    def told(self):
        return Projections(
            point=self.to_qkv.weight, depthwise=self.deep.weight, out=self.last.weight, temperature=self.temperature
        )


class Spectral(nn.Module):
    """As MST's: linear maps, (b, h, w, c), keys that ask queries, and a branch for places."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(CHANNELS, CHANNELS, bias=False) for _ in range(3))
        self.rescale = nn.Parameter(torch.full((HEADS, 1, 1), 4.0))
        self.last = nn.Linear(CHANNELS, CHANNELS)
        self.places = nn.Sequential(
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, groups=CHANNELS, bias=False),
            nn.GELU(),
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, groups=CHANNELS, bias=False),
        )

    def forward(self, x):
        q, k, v = (rearrange(map_(x), "b h w (g c) -> b g c (h w)", g=HEADS) for map_ in (self.q, self.k, self.v))
        attn = (F.normalize(k, dim=-1) @ F.normalize(q, dim=-1).mT * self.rescale).softmax(-1)
        out = self.last(rearrange(attn @ v, "b g c (h w) -> b h w (g c)", h=x.shape[1]))
        return out + self.places(self.v(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)

    def told(self):
        return Projections(
            point=torch.cat([self.k.weight, self.q.weight, self.v.weight]),
            out=self.last.weight,
            out_bias=self.last.bias,
            temperature=self.rescale,
            positional=(self.places[0].weight, self.places[2].weight),
            channels_last=True,
        )


class Theirs(nn.Module):
    def __init__(self, layer: type[nn.Module]) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, CHANNELS, 3, padding=1), nn.Conv2d(CHANNELS, 3, 3, padding=1)
        self.blocks = nn.ModuleList(layer() for _ in range(2))
        self.channels_last = layer is Spectral

    def forward(self, image):
        x = self.first(image)
        for block in self.blocks:
            x = x + (block(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2) if self.channels_last else block(x))
        return image + self.last(x)


def crops_of(side: int, count: int) -> list[list[torch.Tensor]]:
    torch.manual_seed(4)
    return [[F.interpolate(torch.rand(1, 3, 6, 6), size=side, mode="bicubic").clamp(0, 1)] for _ in range(count)]


def crops(count: int) -> list[list[torch.Tensor]]:
    return crops_of(24, count)


def psnr_db(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(-10 * torch.log10((a - b).square().mean()))


@pytest.mark.parametrize("layer", [Transposed, Spectral])
def test_a_foreign_network_keeps_what_it_does(layer):
    torch.manual_seed(0)
    network = Theirs(layer)
    images = crops(8)
    fitted = enhance_network(network, images, old=layer, read=layer.told, layer_steps=0)
    taught = enhance_network(network, images, old=layer, read=layer.told, layer_steps=25, whole_steps=10)
    fresh = enhance_network(network, images, old=layer, read=layer.told, layer_steps=0)
    for part in fresh.modules():
        if isinstance(part, GuidedLowRankAttention):
            for conv in (part.q, part.kv):
                for each in conv.modules():
                    if isinstance(each, nn.Conv2d):
                        each.reset_parameters()
    assert sum(isinstance(part, GuidedLowRankAttention) for part in taught.modules()) == 2
    assert isinstance(network.blocks[0], layer) and fitted.training
    (image,) = crops(9)[-1]
    with torch.no_grad():
        wanted = network(image)
        at_random, first, second = (psnr_db(each.eval()(image), wanted) for each in (fresh, fitted, taught))
    assert first > at_random + 5 and second > first, (at_random, first, second)


def test_what_is_read_wrong_is_found_out():
    torch.manual_seed(0)
    network = Theirs(Transposed)

    def swapped(layer: Transposed) -> Projections:
        q, k, v = layer.to_qkv.weight.chunk(3)
        return Projections(
            point=torch.cat([v, k, q]),
            depthwise=layer.deep.weight,
            out=layer.last.weight,
            temperature=layer.temperature,
        )

    with pytest.raises(UsageError, match="gives something else"):
        enhance_network(network, crops(4), old=Transposed, read=swapped)
    with pytest.raises(UsageError, match="too few"):
        enhance_network(network, crops(3), old=Transposed, read=Transposed.told)
    with pytest.raises(UsageError, match="no layers of class Spectral"):
        enhance_network(network, crops(4), old=Spectral, read=Spectral.told)


def test_a_network_of_ours_needs_no_reading(teacher):
    made = glmha.enhance(teacher, crops_of(32, 6), layer_steps=0)
    assert made.config.attention.reduction == 0.5
    (image,) = crops_of(32, 7)[-1]
    with torch.no_grad():
        assert psnr_db(made(image), teacher(image)) > 40
    with pytest.raises(UsageError, match="has no channel attention"):
        glmha.enhance(made, crops_of(32, 6))
