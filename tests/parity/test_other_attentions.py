"""Linformer, Performer and Reformer against direct slow formulas, against CSA where they become it, and in every
host."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from glmha_cli.attention.csa import CSAConfig
from glmha_cli.attention.directions import random_directions
from glmha_cli.attention.linformer import LinformerConfig
from glmha_cli.attention.performer import PerformerConfig
from glmha_cli.attention.reformer import ReformerConfig
from glmha_cli.errors import UsageError
from tests.parity.test_attention import HOSTS, MST_HOST, NETWORKS, RESTORMER_HOST, built, inputs, randomised

OTHERS = [LinformerConfig(rank=3), PerformerConfig(features=5), ReformerConfig(chunk=2, rounds=2)]
CPU = torch.device("cpu")


def unit(x):
    return F.normalize(x.flatten(2), dim=-1)


def linformer_head(attention, head, q, k, v):
    scores = unit(q) @ F.normalize(attention.to_keys @ k.flatten(2), dim=-1).mT * attention.temperature[head]
    return torch.softmax(scores, dim=-1) @ (attention.to_values @ v.flatten(2))


def performer_head(attention, head, q, k, v):
    """Token by token: phi(x) = exp(w x - |x|^2 / 2), sums over keys, no matrix between tokens."""
    q, k, v = unit(q) * attention.temperature[head], unit(k), v.flatten(2)
    w = random_directions(q.shape[-1], attention.inner, CPU).double()
    of_q, of_k = (torch.exp(x @ w - (x * x).sum(-1, keepdim=True) / 2) for x in (q, k))
    numerator = torch.einsum("bif,bjf,bjn->bin", of_q, of_k, v)
    return numerator / torch.einsum("bif,bjf->bi", of_q, of_k)[..., None]


def reformer_head(attention, head, q, k, v):
    """Query by query, round by round: sort by bucket, gather the keys of two chunks, softmax over their union."""
    q, k, v = unit(q), unit(k), v.flatten(2)
    b, c, n = q.shape
    half = attention.num_buckets // 2
    w = random_directions(n, attention.rounds * half, CPU).double()
    out = torch.zeros_like(v)

    def in_order(tokens, w):
        buckets = [int(torch.cat([row, -row]).argmax()) for row in tokens @ w]
        return sorted(range(c), key=buckets.__getitem__)

    for image in range(b):
        seen = [set() for _ in range(c)]
        for directions in w.split(half, dim=1):
            queries, keys = in_order(q[image], directions), in_order(k[image], directions)
            for place, i in enumerate(queries):
                first = max(0, place // attention.chunk - 1) * attention.chunk
                seen[i] |= set(keys[first : (place // attention.chunk + 1) * attention.chunk])
        for i in range(c):
            near = sorted(seen[i])
            weights = torch.softmax(k[image, near] @ q[image, i] * attention.temperature[head].flatten(), dim=0)
            out[image, i] = weights @ v[image, near]
    return out


SLOW_HEAD = {LinformerConfig: linformer_head, PerformerConfig: performer_head, ReformerConfig: reformer_head}
CONFIGS = st.one_of(
    st.builds(LinformerConfig, rank=st.integers(1, 12)),
    st.builds(PerformerConfig, features=st.integers(1, 12)),
    st.builds(ReformerConfig, chunk=st.integers(1, 9), rounds=st.integers(1, 3)),
)


@settings(max_examples=60)
@given(
    config=CONFIGS,
    host=HOSTS,
    heads=st.integers(1, 3),
    per_head=st.integers(1, 9),
    b=st.integers(1, 2),
    h=st.integers(1, 8),
    w=st.integers(1, 8),
    seed=st.integers(0, 999),
)
def test_output_equals_the_slow_formula(config, host, heads, per_head, b, h, w, seed):
    attention = randomised(config.build(heads * per_head, heads, host), seed)
    x = torch.randn(b, heads * per_head, h, w, dtype=torch.float64)
    with torch.no_grad():
        parts = [part.split(per_head, dim=1) for part in attention.project(x)]
        rows = [SLOW_HEAD[type(config)](attention, head, *qkv) for head, qkv in enumerate(zip(*parts, strict=True))]
        expected = attention.out(torch.cat(rows, dim=1).view_as(x))
        if host.positional:
            expected = expected + attention.positional(attention.project(x)[2])
        torch.testing.assert_close(attention(x), expected, rtol=1e-7, atol=1e-9)


def csa_twin(config, host=RESTORMER_HOST, channels=24, heads=2):
    """The attention and a CSA with the same projections."""
    attention, csa = (
        randomised(config.build(channels, heads, host), 3),
        CSAConfig().build(channels, heads, host).double(),
    )
    csa.load_state_dict({name: value for name, value in attention.state_dict().items() if not name.startswith("to_")})
    return attention, csa


def test_linformer_of_full_rank_with_unit_matrices_is_csa():
    attention, csa = csa_twin(LinformerConfig(rank=12), MST_HOST)
    with torch.no_grad():
        attention.to_keys.copy_(torch.eye(12))
        attention.to_values.copy_(torch.eye(12))
        x = torch.randn(2, 24, 9, 7, dtype=torch.float64)
        torch.testing.assert_close(attention(x), csa(x))


def test_performer_approaches_softmax_with_more_features():
    x = torch.randn(2, 24, 20, 20, dtype=torch.float64)
    errors = []
    for features in (16, 256, 4096):
        attention, csa = csa_twin(PerformerConfig(features=features))
        with torch.no_grad():
            wanted = csa(x)
            errors.append(float((attention(x) - wanted).norm() / wanted.norm()))
    assert errors[0] > 2 * errors[1] > 4 * errors[2], errors  # about 4 each: the root of 16
    assert errors[2] < 0.05, errors


def test_performer_knows_a_black_channel():
    """Its cosine is 0 with everything, so softmax gives it less than a like channel and more than an opposite one."""
    attention = PerformerConfig(features=4096).build(6, 1, RESTORMER_HOST).double()
    q, k = torch.randn(2, 1, 1, 6, 50, dtype=torch.float64)
    k[..., 2, :] = 0
    with torch.no_grad():
        attention.temperature.fill_(1.5)
        torch.testing.assert_close(
            attention.attend(q, k), torch.softmax(attention.scores(q, k), dim=-1), rtol=0.15, atol=0.02
        )
        uniform = attention.attend(q, torch.zeros_like(k))
    torch.testing.assert_close(uniform, torch.full_like(uniform, 1 / 6))


@pytest.mark.parametrize("rounds", [1, 4])
def test_reformer_with_one_chunk_for_all_is_csa(rounds):
    attention, csa = csa_twin(ReformerConfig(chunk=12, rounds=rounds), MST_HOST)
    x = torch.randn(2, 24, 9, 7, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(attention(x), csa(x))


def test_reformer_sees_at_most_two_chunks_a_round_and_like_finds_like():
    attention = ReformerConfig(chunk=4, rounds=1).build(32, 1, RESTORMER_HOST)
    tokens = torch.randn(1, 1, 32, 4000)
    near = attention.near(tokens, tokens)[0, 0]
    assert near.sum(dim=1).max() <= 8 and near.sum(dim=1).min() >= 4
    assert near.diagonal().all()  # a query hashes like the equal key
    shuffled = torch.randperm(32)
    found = attention.near(tokens, tokens[:, :, shuffled] * 3)[0, 0]  # length does not matter
    assert found[torch.arange(32), shuffled.argsort()].float().mean() > 0.7


def test_directions_are_orthogonal_gaussian_and_the_same_again():
    directions = random_directions(300, 20, CPU)
    product = directions.T @ directions
    lengths = product.diagonal().sqrt()
    assert (product - torch.diag(product.diagonal())).abs().max() < 1e-3 * product.diagonal().max()
    assert abs(float(lengths.mean()) / 300**0.5 - 1) < 0.05 and lengths.std() > 0.1
    assert random_directions(3, 8, CPU).shape == (3, 8)  # more than dimensions: block by block
    assert torch.equal(directions, random_directions(300, 20, CPU))


@pytest.mark.parametrize("config", OTHERS, ids=lambda config: type(config).__name__)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_learns_in_every_host(name, config):
    network = built(name, config).float()
    if name == "restormer":
        torch.nn.init.normal_(network.output.weight)  # starts at zero, which would stop all gradients
    given = [x.float() for x in inputs(name, torch.rand)]
    result = network(*given)
    assert result.shape == (2, network.config.out_channels, 16, 24)
    (result * torch.randn_like(result)).sum().backward()
    for path, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.abs().max() > 0, path


@pytest.mark.parametrize("config", OTHERS, ids=lambda config: type(config).__name__)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_black_image_gives_no_nan(name, config):
    network = built(name, config).float()
    result = network(*(x.float() for x in inputs(name, torch.zeros)))
    result.sum().backward()
    assert result.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


@pytest.mark.parametrize("config", OTHERS, ids=lambda config: type(config).__name__)
def test_bfloat16_is_near_float32(config):
    attention = config.build(16, 2, RESTORMER_HOST)
    x = torch.randn(1, 16, 16, 16)
    with torch.no_grad():
        exact = attention(x)
        with torch.autocast("cpu", torch.bfloat16):
            coarse = attention(x)
    if isinstance(config, ReformerConfig):  # a hash may fall the other way
        assert coarse.isfinite().all()
    else:
        assert (coarse.float() - exact).norm() < 0.1 * exact.norm()


@pytest.mark.parametrize("config", OTHERS[1:], ids=lambda config: type(config).__name__)
def test_what_depends_on_the_resolution_refuses_an_export(config):
    attention = config.build(16, 2, RESTORMER_HOST).eval()
    with pytest.raises(UsageError, match="cannot be exported"):
        torch.export.export(attention, (torch.rand(1, 16, 8, 8),))


def test_linformer_exports():
    attention = LinformerConfig(rank=3).build(16, 2, MST_HOST).eval()
    x = torch.rand(1, 16, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(torch.export.export(attention, (x,)).module()(x), attention(x))


@pytest.mark.parametrize(
    "make", [lambda: LinformerConfig(rank=0), lambda: PerformerConfig(features=-1), lambda: ReformerConfig(rounds=0)]
)
def test_knobs_below_one_are_refused(make):
    with pytest.raises(UsageError, match="at least 1"):
        make()
