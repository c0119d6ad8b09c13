"""First weights: exact where the attention has no more rank than is kept, far better than random ones elsewhere."""

import pytest
import torch
from torch import nn

from glmha_cli.attention.base import Host, convolutions
from glmha_cli.attention.csa import CSAConfig
from glmha_cli.attention.glmha import GLMHAConfig
from glmha_cli.enhancement.initial import initialise
from glmha_cli.enhancement.layers import Layers, missed
from glmha_cli.enhancement.statistics import Seen, attentions_of, collect
from glmha_cli.networks.replace import replace_attention
from tests.enhancement.conftest import CONFIG

HOSTS = {
    "restormer": Host(depthwise=True, output_bias=False, positional=False),
    "mst": Host(depthwise=False, output_bias=True, positional=False),
}
CHANNELS, HEADS = 12, 2


class Alone(nn.Module):
    """A network that is one attention."""

    def __init__(self, host: Host, attention: object) -> None:
        super().__init__()
        self.attention = attention.build(CHANNELS, HEADS, host)

    def forward(self, x):
        return self.attention(x)


def images(count: int) -> list[list[torch.Tensor]]:
    torch.manual_seed(3)
    small = torch.randn(count, CHANNELS, 5, 5)
    return [[each[None]] for each in nn.functional.interpolate(small, size=16, mode="bicubic")]


def twice(network: Alone) -> Alone:
    """With K and V of which half the channels of each head are copies of the other half: their rank is a half."""
    with torch.no_grad():
        for conv in convolutions(network.attention.qkv):
            _, k, v = conv.weight.chunk(3)
            for part in (k, v):
                by_head = part.view(HEADS, CHANNELS // HEADS, *part.shape[1:])
                by_head[:, 1::2] = by_head[:, ::2]
        network.attention.temperature.fill_(3)
    return network.eval()


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_channels_that_come_twice_are_dropped_without_loss(host):
    torch.manual_seed(0)
    network, student = twice(Alone(host, CSAConfig())), Alone(host, GLMHAConfig(reduction=0.5)).eval()
    products = collect(network, images(6), ["attention"])["attention"]
    assert initialise(student.attention, network.attention, products) < 1e-4
    for (x,) in images(2):
        seen = Seen(x=x, gate=None, output=network(x).detach())
        with torch.no_grad():
            assert float(missed(student.attention, seen)) < 1e-3


def test_without_reduction_nothing_is_lost():
    torch.manual_seed(0)
    host = HOSTS["mst"]
    network, student = Alone(host, CSAConfig()).eval(), Alone(host, GLMHAConfig(reduction=0)).eval()
    products = collect(network, images(4), ["attention"])["attention"]
    assert initialise(student.attention, network.attention, products, iterations=0) < 1e-6
    (x,) = images(1)[0]
    torch.testing.assert_close(student(x), network(x), rtol=1e-3, atol=1e-4)


def test_products_are_those_of_the_pixels(teacher):
    inputs = [[torch.rand(2, 3, 32, 32)] for _ in range(2)]
    name, attention = next(iter(attentions_of(teacher).items()))
    products = collect(teacher, inputs, [name])[name]
    assert products.qk.shape[:2] == (4, attention.heads)
    attn = torch.softmax(
        products.qk
        / products.qq.sqrt()[..., None]
        / products.kk.diagonal(dim1=-2, dim2=-1).sqrt()[..., None, :]
        * attention.temperature,
        dim=-1,
    )
    found = []
    attend, attention.attend = attention.attend, lambda q, k: found.append(attend(q, k)) or found[-1]
    with torch.no_grad():
        teacher(*inputs[0])
    del attention.attend
    torch.testing.assert_close(attn[:2].float(), found[0], rtol=1e-3, atol=1e-5)


def test_each_step_is_better_than_the_one_before(teacher):
    def batches():
        torch.manual_seed(5)
        while True:
            small = torch.rand(2, 3, 8, 8)
            yield [nn.functional.interpolate(small, size=32, mode="bicubic").clamp(0, 1)]

    source, held_out = batches(), [next(batches()) for _ in range(2)]
    student = replace_attention(teacher, GLMHAConfig(reduction=0.5))
    parts, old = dict(student.named_modules()), attentions_of(teacher)
    new = {name: parts[name] for name in old}
    errors = []
    layers = Layers(teacher, new)
    layers.look(held_out)
    errors.append(sum(layers.best.values()))
    products = collect(teacher, (next(source) for _ in range(6)), old)
    for name in old:
        initialise(new[name], old[name], products[name], iterations=50)
    layers = Layers(teacher, new)
    layers.look(held_out)
    errors.append(sum(layers.best.values()))
    taught = layers.teach(source, held_out, steps=30)
    errors.append(sum(taught.values()))
    assert errors[1] < errors[0] / 3 and errors[2] < errors[1], errors
    assert replace_attention(teacher, GLMHAConfig()).config.attention != CONFIG.attention
