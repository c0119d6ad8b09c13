"""CSA and GLMHA against a direct slow formula, and against each other (paper eq. 1-7)."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from glmha_cli.attention.base import Host
from glmha_cli.attention.csa import CSAConfig
from glmha_cli.attention.glmha import GLMHAConfig, pooled_maxima
from glmha_cli.networks.mst import MSTConfig
from glmha_cli.networks.mst_plus_plus import MSTPlusPlusConfig
from glmha_cli.networks.restormer import RestormerConfig

RESTORMER_HOST = Host(depthwise=True, output_bias=False, positional=False)
MST_HOST = Host(depthwise=False, output_bias=True, positional=True)
HOSTS = st.builds(Host, depthwise=st.booleans(), output_bias=st.booleans(), positional=st.booleans())
GUIDED = st.builds(
    GLMHAConfig,
    reduction=st.sampled_from([0.0, 0.25, 0.5, 0.75, 0.9, 0.99]),
    alpha=st.floats(0, 1),
    calibration=st.sampled_from(["pooled", "full"]),
)


def slow(attention, x, gate):
    """Head by head: normalise Q and K, softmax, V, then Wo; channels matched by nearest index."""
    q, k, v = attention.project(x)
    heads = attention.heads
    c, kept = q.shape[1] // heads, k.shape[1] // heads
    gated = v.clone()
    if gate is not None:
        for i in range(heads * kept):
            gated[:, i] *= gate[:, i // kept * c + i % kept * c // kept]
    rows = []
    for head in range(heads):
        qh, kh, vh = q.split(c, 1)[head], k.split(kept, 1)[head], gated.split(kept, 1)[head]
        qh, kh = (F.normalize(each.flatten(2), dim=-1) for each in (qh, kh))
        attn = torch.softmax(qh @ kh.transpose(1, 2) * attention.temperature[head], dim=-1)
        rows.append(attn @ vh.flatten(2))
    out = attention.out(torch.cat(rows, dim=1).view_as(x))
    if attention.positional is not None:
        branch = attention.positional(v)
        for i in range(heads * c):
            out[:, i] += branch[:, i // c * kept + i % c * kept // c]
    return out


def randomised(module, seed):
    """In float64, all parameters random: temperatures and biases too."""
    generator = torch.Generator().manual_seed(seed)
    module = module.double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.5)
    return module


@settings(max_examples=40)
@given(
    config=st.one_of(st.builds(CSAConfig), GUIDED),
    host=HOSTS,
    heads=st.integers(1, 4),
    per_head=st.integers(1, 9),
    b=st.integers(1, 2),
    h=st.integers(1, 12),
    w=st.integers(1, 12),
    gated=st.booleans(),
    seed=st.integers(0, 999),
)
def test_output_equals_the_slow_formula(config, host, heads, per_head, b, h, w, gated, seed):
    channels = heads * per_head
    attention = randomised(config.build(channels, heads, host), seed)
    x = torch.randn(b, channels, h, w, dtype=torch.float64)
    gate = torch.rand(1, channels, h, w, dtype=torch.float64) if gated else None
    with torch.no_grad():
        torch.testing.assert_close(attention(x, gate), slow(attention, x, gate), rtol=1e-9, atol=1e-9)


@settings(max_examples=20)
@given(
    heads=st.integers(1, 3),
    per_head=st.integers(1, 5),
    h=st.integers(7, 20),
    w=st.integers(7, 20),
    seed=st.integers(0, 999),
)
def test_pooled_calibration_equals_its_definition(heads, per_head, h, w, seed):
    channels = heads * per_head
    attention = randomised(GLMHAConfig().build(channels, heads, RESTORMER_HOST), seed)
    q = torch.randn(2, channels, h, w, dtype=torch.float64)
    weight, linear = attention.calibrate.depthwise.weight[:, 0], attention.calibrate.linear
    total = attention.calibrate.depthwise.bias.repeat(2, 1)
    for i in range(7):
        for j in range(7):
            window = q[:, :, i * h // 7 : ((i + 1) * h + 6) // 7, j * w // 7 : ((j + 1) * w + 6) // 7]
            total = total + weight[:, i, j] * window.amax(dim=(2, 3))
    expected = torch.cat([torch.tanh(linear(F.gelu(part))) for part in total.split(per_head, dim=1)], dim=1)
    torch.testing.assert_close(attention.calibrate(q)[:, :, 0, 0], expected)


@settings(max_examples=40)
@given(count=st.integers(1, 9), h=st.integers(1, 30), w=st.integers(1, 30))
def test_pooling_for_apples_gpus_is_adaptive_pooling(count, h, w):
    x = torch.randn(2, 3, h, w)
    assert torch.equal(pooled_maxima(x, count), F.adaptive_max_pool2d(x, count))


def test_full_calibration_equals_its_definition():
    attention = randomised(GLMHAConfig(calibration="full").build(6, 2, RESTORMER_HOST), 0)
    q = torch.randn(2, 6, 9, 11, dtype=torch.float64)
    peaks = F.pad(F.max_pool2d(q, 3, stride=1, padding=1), (3, 3, 3, 3))
    patches = peaks.unfold(2, 7, 1).unfold(3, 7, 1)  # (b, c, h, w, 7, 7)
    calibrate = attention.calibrate
    convolved = torch.einsum("bchwij,cij->bchw", patches, calibrate.depthwise.weight[:, 0])
    a = F.gelu(convolved.mean(dim=(2, 3)) + calibrate.depthwise.bias)
    expected = torch.cat([torch.tanh(calibrate.linear(part)) for part in a.split(3, dim=1)], dim=1)
    torch.testing.assert_close(calibrate(q)[:, :, 0, 0], expected)


def test_the_guide_scales_the_input_of_keys_and_values():
    attention = randomised(GLMHAConfig(alpha=0.6).build(8, 2, MST_HOST), 0)
    x = torch.randn(2, 8, 9, 10, dtype=torch.float64)
    q, k, v = attention.project(x)
    expected = attention.kv(x + x * (0.6 * attention.calibrate(q)))
    torch.testing.assert_close(torch.cat([k, v], dim=1), expected)


NETWORKS = {
    "restormer": RestormerConfig(channels=8, num_blocks=(1, 1, 1, 1), num_refinement_blocks=1),
    "mst": MSTConfig(channels=6, num_blocks=(1, 1, 1)),
    "mst_plus_plus": MSTPlusPlusConfig(channels=7, num_stages=1),
}


def built(name, attention):
    config = type(NETWORKS[name])(**{**vars(NETWORKS[name]), "attention": attention})
    return config.build().double().eval()


def inputs(name, make):
    (_, *image), *masks = NETWORKS[name].input_shapes(16, 24)
    return [make(shape, dtype=torch.float64) for shape in [(2, *image), *masks]]


def split_qkv(state):
    """CSA's parameters as GLMHA at reduction 0 calls them: queries apart from keys and values."""
    parts = {}
    for name, value in state.items():
        if ".qkv." in name:
            queries = len(value) // 3
            parts[name.replace(".qkv.", ".q.")] = value[:queries]
            parts[name.replace(".qkv.", ".kv.")] = value[queries:]
        else:
            parts[name] = value
    return parts


@pytest.mark.parametrize("calibration", ["pooled", "full"])
@pytest.mark.parametrize("name", NETWORKS)
def test_glmha_without_reduction_and_guide_is_csa(name, calibration):
    """Up to rounding: products of other shapes (Q apart from K and V) may add in another order, as each BLAS likes."""
    csa = randomised(built(name, CSAConfig()), 1)
    glmha = randomised(built(name, GLMHAConfig(reduction=0.0, alpha=0.0, calibration=calibration)), 2)
    missing, unexpected = glmha.load_state_dict(split_qkv(csa.state_dict()), strict=False)
    assert not unexpected and all(".calibrate." in key for key in missing)
    given = inputs(name, torch.rand)
    with torch.no_grad():
        expected = csa(*given)
        assert (glmha(*given) - expected).abs().max() < 1e-10 * expected.abs().max()


@pytest.mark.parametrize("name", NETWORKS)
def test_both_calibrations_share_all_parameters(name):
    pooled, full = (built(name, GLMHAConfig(calibration=mode)) for mode in ("pooled", "full"))
    full.load_state_dict(randomised(pooled, 0).state_dict())
    assert full.state_dict().keys() == pooled.state_dict().keys()


@pytest.mark.parametrize("attention", [CSAConfig(), GLMHAConfig(), GLMHAConfig(calibration="full")], ids=str)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_black_image_gives_no_nan(name, attention):
    network = built(name, attention).float()
    result = network(*(x.float() for x in inputs(name, torch.zeros)))
    result.sum().backward()
    assert result.isfinite().all()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize(("channels", "kept"), [(48, 24), (31, 16), (28, 14), (1, 1)])
def test_kept_channels_at_half(channels, kept):
    attention = GLMHAConfig().build(2 * channels, 2, MST_HOST)
    _, k, v = attention.project(torch.rand(1, 2 * channels, 8, 8))
    assert k.shape[1] == v.shape[1] == 2 * kept
