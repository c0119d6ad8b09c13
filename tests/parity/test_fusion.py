"""Each exact rewrite against what it replaces, and the networks that they make against those that they are made of."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from glmha_cli.attention.csa import CSAConfig
from glmha_cli.attention.depthwise import DepthwiseConfig
from glmha_cli.attention.glmha import GLMHAConfig
from glmha_cli.attention.linformer import LinformerConfig
from glmha_cli.attention.none import NoAttentionConfig
from glmha_cli.fusion import fuse, fuse_for_cpu, mst, restormer, rows, steps, u_shape
from glmha_cli.fusion.scores import Scores, full_sums, gram_mixing, guide, half_sums
from glmha_cli.networks.mst import MSTConfig
from glmha_cli.networks.mst_plus_plus import MSTPlusPlusConfig
from glmha_cli.networks.restormer import HOST as RESTORMER_HOST
from glmha_cli.networks.restormer import RestormerConfig
from glmha_cli.networks.u_shape import HOST as U_HOST
from glmha_cli.networks.u_shape import Block as UBlock
from glmha_cli.networks.u_shape import UShapeConfig
from glmha_cli.networks.unfolding import UnfoldingConfig

ATTENTIONS = [CSAConfig(), GLMHAConfig(), GLMHAConfig(reduction=0.25, calibration="full"), LinformerConfig(rank=2)]
ATTENTIONS += [DepthwiseConfig(kernel=5), NoAttentionConfig()]
NETWORKS = {
    "restormer": RestormerConfig(channels=8, num_blocks=(1, 2, 1, 1), num_refinement_blocks=1),
    "restormer lite, bias-free": RestormerConfig(
        channels=8, num_blocks=(1, 1, 1, 1), num_refinement_blocks=1, centred_norm=False, stem_downscale=2
    ),
    "mst": MSTConfig(channels=6, num_blocks=(1, 2, 1), step=3),
    "mst_plus_plus": MSTPlusPlusConfig(channels=7, num_stages=2),
    "mst_plus_plus, pointwise": MSTPlusPlusConfig(channels=7, num_stages=1, pointwise=5),
    "unfolding": UnfoldingConfig(bands=6, rank=4, channels=8, num_blocks=(1, 2, 1), num_stages=2, step=3),
    "unfolding, shared": UnfoldingConfig(bands=6, rank=6, channels=6, num_stages=3, shared=True),
}


def randomised(module, dtype=torch.float64):
    generator = torch.Generator().manual_seed(5)
    module = module.to(dtype).eval().requires_grad_(False)
    for parameter in module.parameters():
        fan_in = parameter[0].numel() if parameter.ndim > 1 else 4
        parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=dtype) / fan_in**0.5)
    return module


def built(name, attention, dtype=torch.float64):
    config = NETWORKS[name]
    return randomised(type(config)(**{**vars(config), "attention": attention}).build(), dtype)


def inputs(network, batch=1, h=32, w=48, dtype=torch.float64):
    (_, *image), *masks = network.config.input_shapes(h, w)
    generator = torch.Generator().manual_seed(6)
    return [torch.rand(shape, generator=generator, dtype=dtype) for shape in [(batch, *image), *masks]]


def relative_error(given, expected):
    return ((given - expected).abs().max() / expected.abs().max()).item()


@pytest.fixture(autouse=True, params=[2**9, 2**13], ids=["narrow bands", "wide bands"])
def band_numbers(request, monkeypatch):
    monkeypatch.setattr(rows, "BAND_NUMBERS", request.param)


@pytest.mark.parametrize("attention", ATTENTIONS, ids=lambda attention: type(attention).__name__)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_in_bands_equals_the_network(name, attention):
    network = built(name, attention)
    given = inputs(network, batch=2)
    assert relative_error(fuse_for_cpu(network, torch.float64)(*given), network(*given)) < 1e-9


@pytest.mark.parametrize("name", NETWORKS)
def test_the_smallest_image(name):
    network = built(name, GLMHAConfig())
    size = network.config.size_multiple
    given = inputs(network, h=size, w=2 * size)
    assert relative_error(fuse_for_cpu(network, torch.float64)(*given), network(*given)) < 1e-9


@pytest.mark.parametrize("name", NETWORKS)
def test_neither_the_network_nor_its_input_changes(name):
    network = built(name, GLMHAConfig(), torch.float32)
    given = inputs(network, dtype=torch.float32)
    state, before = {key: value.clone() for key, value in network.state_dict().items()}, [x.clone() for x in given]
    fused = fuse_for_cpu(network, torch.float32)
    first = fused(*given)
    assert torch.equal(fused(*given), first)
    assert all(torch.equal(*pair) for pair in zip(given, before, strict=True))
    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-5), (torch.float16, 0.02), (torch.bfloat16, 0.1)])
@pytest.mark.parametrize("name", NETWORKS)
def test_lower_precision_is_near_and_comes_out_as_float32(name, dtype, bound):
    network = built(name, GLMHAConfig(), torch.float32)
    given = inputs(network, dtype=torch.float32)
    output = fuse_for_cpu(network, dtype)(*given)
    assert output.dtype == torch.float32
    assert relative_error(output, network(*given)) < bound


def test_an_unknown_network_is_left_as_it_is():
    network = randomised(nn.Conv2d(3, 3, 3), torch.float32)
    image = torch.rand(1, 3, 8, 8)
    for fused in (fuse(network), fuse_for_cpu(network, torch.float32)):
        assert torch.equal(fused(image), network(image))


@settings(max_examples=20)
@given(parts=st.lists(st.integers(2, 6), min_size=1, max_size=5), w=st.integers(1, 5))
def test_depthwise_rows_equal_the_convolution(parts, w):
    """Fed any way, and handed out in order without gaps."""
    weight, image = torch.randn(3, 1, 3, 3, dtype=torch.float64), torch.randn(sum(parts), w, 3, dtype=torch.float64)
    stage, taps = rows.NeighbouredRows(image, len(image), w, 3, max(parts)), steps.Taps(weight, torch.float64)
    out, taken = torch.empty_like(image), 0
    for part in parts:
        stage.room(part)[:] = image[taken : taken + part]
        taken += part
        where, ready = stage.ready()
        assert where.stop == (taken if taken == len(image) else taken - 1)
        steps.depthwise(ready, taps, out=out[where])
    assert stage.left == len(image)
    expected = F.conv2d(rows.as_image(image), weight, padding=1, groups=3)
    torch.testing.assert_close(rows.as_image(out), expected, rtol=1e-12, atol=1e-12)


def reference_mixing(attention, q, k):
    """Scores and softmax by the attention itself, then Wo, as one matrix (kept, c)."""
    heads = [x.T.unflatten(0, (attention.heads, -1))[None] for x in (q, k)]
    attn = torch.block_diag(*attention.attend(*heads)[0])
    return (attention.out.weight[:, :, 0, 0] @ attn).T


@pytest.mark.parametrize("config", [CSAConfig(), GLMHAConfig(reduction=0.25)])
def test_scores_by_bands_and_folded_output_projection(config):
    """Rewrites (a) and (e)."""
    attention = randomised(config.build(12, 3, RESTORMER_HOST))
    q, k, _ = (x[0].permute(1, 2, 0) for x in attention.project(torch.randn(1, 12, 9, 8, dtype=torch.float64)))
    scores = Scores(attention)
    for band in (slice(0, 4), slice(4, 9)):
        scores.add(q[band], k[band])
    expected = reference_mixing(attention, q.flatten(0, 1), k.flatten(0, 1))
    assert relative_error(scores.mixing(), expected) < 1e-9


@pytest.mark.parametrize("size", [3e-4, 0.01, 1, 50, 1000])
@pytest.mark.parametrize(("heads", "pixels"), [(1, 5000), (3, 500), (3, 1)])
def test_sums_in_float16(heads, pixels, size):
    """As exact for large and small values, and for few pixels."""
    q, k = size * torch.randn(pixels, 12), torch.randn(pixels, 6)
    q, k = q.half(), k.half()
    product, squares_q, squares_k = half_sums(q, k, heads)
    expected = full_sums(q, k, heads)
    scores = [
        p / (a.view(heads, -1).sqrt()[:, :, None] * b.view(heads, -1).sqrt()[:, None])
        for p, a, b in ((product, squares_q, squares_k), expected)
    ]
    assert (scores[0] - scores[1]).abs().max() < 2e-3
    assert relative_error(squares_q, expected[1]) < 1e-3 and relative_error(squares_k, expected[2]) < 1e-3


@pytest.mark.parametrize("config", [CSAConfig(), GLMHAConfig(reduction=0.25)])
def test_gram_matrix_instead_of_queries_and_keys(config):
    """Rewrite (b)."""
    attention = randomised(config.build(12, 3, U_HOST))
    x = torch.randn(50, 12, dtype=torch.float64)
    kept = len(attention.narrow)
    to_q, to_k = torch.randn(12, 12, dtype=torch.float64), torch.randn(12, kept, dtype=torch.float64)
    expected = reference_mixing(attention, x @ to_q, x @ to_k)
    assert relative_error(gram_mixing(attention, x.T @ x, to_q, to_k), expected) < 1e-9


@pytest.mark.parametrize("calibration", ["pooled", "full"])
@pytest.mark.parametrize("host", [RESTORMER_HOST, U_HOST])
def test_the_guide_in_the_columns_of_keys_and_values(host, calibration):
    """Rewrite (c): the same K and V with no pass over the re-weighted input."""
    attention = randomised(GLMHAConfig(calibration=calibration).build(8, 2, host))
    x = torch.randn(1, 8, 12, 9, dtype=torch.float64)
    q, k, v = attention.project(x)
    columns = guide(attention, q[0].permute(1, 2, 0))[:, None, None]
    point = attention.kv[0] if host.depthwise else attention.kv
    kv = F.conv2d(x, point.weight * columns)
    kv = attention.kv[1](kv) if host.depthwise else kv
    assert relative_error(kv, torch.cat([k, v], dim=1)) < 1e-9


def test_up_sampling_and_fusion_of_restormer():
    """Rewrite (f)."""
    up, fuse_both = nn.Conv2d(8, 16, 3, padding=1, bias=False).double(), nn.Conv2d(8, 5, 1, bias=False).double()
    x, skip = torch.randn(1, 8, 6, 7, dtype=torch.float64), torch.randn(1, 4, 12, 14, dtype=torch.float64)
    expected = fuse_both(torch.cat([F.pixel_shuffle(up(x), 2), skip], dim=1))
    of_up, of_skip = fuse_both.weight.chunk(2, dim=1)
    folded = F.pixel_shuffle(F.conv2d(x, restormer.up_and_fuse(up.weight, of_up), padding=1), 2)
    assert relative_error(folded + F.conv2d(skip, of_skip), expected) < 1e-9


def test_up_sampling_and_fusion_of_mst():
    """Rewrite (f)."""
    up, fuse_both = nn.ConvTranspose2d(8, 4, 2, stride=2).double(), nn.Conv2d(8, 5, 1, bias=False).double()
    x, skip = torch.randn(1, 8, 6, 7, dtype=torch.float64), torch.randn(1, 4, 12, 14, dtype=torch.float64)
    weight, bias, of_skip = u_shape.up_and_fuse(up, fuse_both)
    grown = F.conv_transpose2d(x, weight.permute(0, 3, 1, 2), bias, stride=2)
    expected = fuse_both(torch.cat([up(x), skip], dim=1))
    assert relative_error(grown + F.conv2d(skip, of_skip), expected) < 1e-9


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("attention", ATTENTIONS, ids=lambda attention: type(attention).__name__)
def test_a_block_of_the_u_in_one_pass(attention, gated):
    """The positional branch joins the mixing by a 0/1 matrix: one product for both."""
    block = randomised(UBlock(UShapeConfig(channels=6, num_blocks=(1, 1), attention=attention), 1))
    x, gate = torch.randn(1, 12, 11, 9, dtype=torch.float64), torch.rand(1, 12, 11, 9, dtype=torch.float64)
    expected = block(x, gate if gated else None)
    banded = u_shape.BandedUBlock(block, torch.float64)
    given = F.pad(rows.as_rows(x), (0, 4))
    banded(given, banded.gate_of(gate) if gated else None)
    assert relative_error(rows.as_image(given[..., :12]), expected) < 1e-9
    assert not given[..., 12:].any()


def test_gates_are_computed_once_for_each_mask(monkeypatch):
    """Rewrite (g)."""
    network = built("mst", GLMHAConfig())
    fused, calls = fuse_for_cpu(network, torch.float64), []
    x, mask = inputs(network, batch=3)
    compute = network.gates
    monkeypatch.setattr(fused.network, "gates", lambda mask: calls.append(mask) or compute(mask))
    first = fused(x, mask)
    assert torch.equal(fused(x, mask.clone()), first) and len(calls) == 1
    assert relative_error(fused(x, 1 - mask), network(x, 1 - mask)) < 1e-9 and len(calls) == 2
    fused(x, mask)
    assert len(calls) == 2
    monkeypatch.setattr(mst.BandedMST, "KEPT_BYTES", 0)
    fused(x, mask / 2)
    fused(x, mask)
    assert len(calls) == 4 and len(fused.kept) == 1


def test_every_measurement_may_have_its_own_mask():
    network = built("mst", GLMHAConfig())
    x, mask = inputs(network, batch=2)
    masks = torch.cat([mask, 1 - mask])
    assert relative_error(fuse_for_cpu(network, torch.float64)(x, masks), network(x, masks)) < 1e-9
