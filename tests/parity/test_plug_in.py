"""The public names: GLMHA as a layer of any network, and another attention in one of ours."""

import doctest
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import glmha_cli
from glmha_cli import GLMHA, replace_attention
from glmha_cli.attention import glmha, module
from glmha_cli.attention.csa import CSA
from glmha_cli.attention.linformer import Linformer
from glmha_cli.attention.performer import Performer
from glmha_cli.errors import UsageError
from tests.parity.test_attention import NETWORKS, built, inputs

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("channels", "heads"), [(1, 1), (24, 3), (31, 1)])
@pytest.mark.parametrize(("h", "w"), [(1, 1), (5, 33), (16, 16)])
def test_any_size_goes_through_and_everything_learns(channels, heads, h, w):
    layer = GLMHA(channels, heads=heads)
    x = torch.randn(2, channels, h, w, requires_grad=True)
    out = layer(x)
    assert out.shape == x.shape
    (out * torch.randn_like(out)).sum().backward()
    assert x.grad.isfinite().all()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in layer.parameters())


def test_the_residual_is_the_input():
    with_input, without = GLMHA(8), GLMHA(8, residual=False)
    without.load_state_dict(with_input.state_dict())
    x = torch.randn(1, 8, 9, 10)
    torch.testing.assert_close(with_input(x), x + without(x))


def test_it_is_the_attention_of_the_hosts():
    layer = GLMHA(16, heads=2, reduction=0.25, alpha=0.3, calibration="full", residual=False)
    attention = (
        built("restormer", glmha.GLMHA(reduction=0.25, alpha=0.3, calibration="full")).encoder[1][0].attention.float()
    )
    layer.attention.load_state_dict(attention.state_dict())
    x = torch.randn(1, 16, 8, 8)
    torch.testing.assert_close(layer(x), attention(x))


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ({"channels": 10, "heads": 4}, "heads = 2"),
        ({"channels": 8, "reduction": 1.0}, "reduction"),
        ({"channels": 8, "reduction": -0.1}, "reduction"),
        ({"channels": 0}, "channels"),
        ({"channels": 8, "heads": 0}, "heads"),
        ({"channels": 8, "calibration": "fulll"}, "full"),
    ],
)
def test_wrong_numbers_are_refused(arguments, hint):
    with pytest.raises(UsageError) as caught:
        GLMHA(**arguments)
    assert hint in caught.value.hint


def test_the_docstrings_example_runs():
    assert doctest.testmod(module).attempted > 0 and not doctest.testmod(module).failed


def test_public_names_need_torch_only_when_asked_for():
    code = "import sys, glmha_cli; assert 'torch' not in sys.modules; glmha_cli.GLMHA; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)
    assert all(getattr(glmha_cli, name) for name in glmha_cli.__all__)
    with pytest.raises(AttributeError, match="no_such"):
        getattr(glmha_cli, "no_such")  # noqa: B009


def test_the_example_is_short_and_runs():
    path = ROOT / "examples" / "plug_in.py"
    assert len(path.read_text().splitlines()) < 40
    code = (
        f"import sys; sys.path.insert(0, {str(path.parent)!r}); import "
        f"plug_in\nprint(plug_in.error_after_training(plug_in.GLMHA(24), steps=30))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=ROOT, check=False
    )
    assert result.returncode == 0, result.stderr
    assert 0 < float(result.stdout) < 0.5


@pytest.mark.parametrize("name", NETWORKS)
def test_attention_is_replaced_at_chosen_levels_and_the_rest_stays(name):
    network = built(name, CSA())
    before = {key: value.clone() for key, value in network.state_dict().items()}
    changed = replace_attention(network, glmha.GLMHA(), levels=["level1", "bottleneck"])
    assert network.config.attention == CSA() and not network.config.attention_by_level, (
        "the given network stays as it is"
    )
    assert changed.config.attention_by_level == {"level1": glmha.GLMHA(), "bottleneck": glmha.GLMHA()}
    kinds = {type(part).__name__ for part in changed.modules() if "Attention" in type(part).__name__}
    assert kinds == {"ChannelSelfAttention", "GuidedLowRankAttention"}
    after = changed.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items() if ".attention." not in key)
    assert any(".qkv." in key and torch.equal(after[key], before[key]) for key in after), (
        "levels not named keep their weights"
    )
    assert after[next(iter(after))].dtype == torch.float64


@pytest.mark.parametrize("name", NETWORKS)
def test_csa_weights_serve_performer(name):
    """The same projections: replaced at all levels, a Performer of many features does nearly what CSA did."""
    network = built(name, CSA())
    changed = replace_attention(network, Performer(features=512))
    given = inputs(name, torch.rand)
    with torch.no_grad():
        expected, found = network(*given), changed(*given)
    assert (found - expected).norm() < 0.1 * expected.norm()
    assert {key for key in changed.state_dict()} == {key for key in network.state_dict()}


def test_linformer_for_some_then_for_all():
    network = replace_attention(built("mst_plus_plus", CSA()).train(), Linformer(), levels=["level2"])
    assert network.training
    assert not replace_attention(network, Linformer()).config.attention_by_level


def test_an_unknown_level_is_refused():
    with pytest.raises(UsageError, match="unknown level 'levl1'"):
        replace_attention(built("mst", CSA()), CSA(), levels=["levl1"])


def test_what_is_not_a_network_of_ours_is_refused():
    with pytest.raises(UsageError, match="Conv2d is not a network") as caught:
        replace_attention(nn.Conv2d(3, 3, 1), CSA())
    assert "GLMHA" in caught.value.hint
