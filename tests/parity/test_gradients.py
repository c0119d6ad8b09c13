"""While gradients are taken some parts are written otherwise, to be fast: the same values, and their derivatives."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from glmha_cli.attention.cosine import Cosine, pixel_norm
from glmha_cli.attention.csa import CSAConfig
from glmha_cli.networks.blocks import GatedFeedForward
from glmha_cli.networks.depthwise import LargeDepthwise
from glmha_cli.networks.restormer import RestormerConfig
from tests.parity.test_attention import GUIDED, HOSTS, randomised

SEEDS = st.integers(0, 999)


def assert_differentiates_itself(module: nn.Module, x: torch.Tensor, seed: int) -> None:
    """The output is that without gradients, whose slope along a random direction the gradients give."""
    variables = [x.requires_grad_(), *module.parameters()]
    out = module(x)
    generator = torch.Generator().manual_seed(seed)
    weights, *directions = (torch.randn(v.shape, generator=generator, dtype=v.dtype) for v in (out, *variables))
    (out * weights).sum().backward()
    slope = sum((v.grad * direction).sum() for v, direction in zip(variables, directions, strict=True))
    epsilon, ends = 1e-6, []
    with torch.no_grad():
        torch.testing.assert_close(module(x), out, rtol=1e-9, atol=1e-9)
        for move in (epsilon, -2 * epsilon):
            for variable, direction in zip(variables, directions, strict=True):
                variable += move * direction
            ends.append((module(x) * weights).sum())
    assert slope.item() == pytest.approx(((ends[0] - ends[1]) / (2 * epsilon)).item(), rel=1e-3, abs=1e-3)


@settings(max_examples=30)
@given(
    config=st.one_of(st.builds(CSAConfig), GUIDED),
    host=HOSTS,
    heads=st.integers(1, 3),
    per_head=st.integers(2, 6),
    b=st.integers(1, 2),
    h=st.integers(1, 9),
    w=st.integers(2, 9),
    seed=SEEDS,
)
def test_attention(config, host, heads, per_head, b, h, w, seed):
    attention = randomised(config.build(heads * per_head, heads, host), seed)
    assert_differentiates_itself(attention, torch.randn(b, heads * per_head, h, w, dtype=torch.float64), seed)


@settings(max_examples=10)
@given(channels=st.integers(1, 6), h=st.integers(1, 9), w=st.integers(1, 9), seed=SEEDS)
def test_feed_forward(channels, h, w, seed):
    ffn = randomised(GatedFeedForward(channels, expansion=2.66), seed)
    assert_differentiates_itself(ffn, torch.randn(2, channels, h, w, dtype=torch.float64), seed)


@settings(max_examples=20)
@given(
    channels=st.integers(1, 5), side=st.sampled_from([1, 3, 5, 7]), h=st.integers(1, 9), w=st.integers(1, 9), seed=SEEDS
)
def test_large_depthwise_kernels(channels, side, h, w, seed):
    convolution = randomised(LargeDepthwise(channels, side), seed)
    assert_differentiates_itself(convolution, torch.randn(2, channels, h, w, dtype=torch.float64), seed)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_whole_network_in_both_layouts(layout):
    config = RestormerConfig(channels=8, num_blocks=(1, 1, 1, 1), num_refinement_blocks=1, stem_downscale=2)
    network = randomised(config.build(), 1).to(memory_format=layout)
    x = torch.rand(2, 3, 16, 32, dtype=torch.float64).to(memory_format=layout)
    assert_differentiates_itself(network, x, 2)


def test_cosines_of_black_and_of_half_precision():
    black = torch.zeros(1, 1, 3, 20, requires_grad=True)
    Cosine.apply(black, torch.randn(1, 1, 2, 20)).sum().backward()
    assert torch.isfinite(black.grad).all()
    q, k = (torch.randn(2, 2, each, 4096, generator=torch.Generator().manual_seed(each)) for each in (6, 3))
    k = k + q[:, :, :3]  # so that they are alike
    exact = (q @ k.mT) / (pixel_norm(q) * pixel_norm(k).mT)
    rough = Cosine.apply(q.bfloat16(), k.bfloat16())
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, rtol=0.02, atol=2e-3)
