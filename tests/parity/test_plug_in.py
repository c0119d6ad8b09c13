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
from glmha_cli.attention.csa import CSAConfig
from glmha_cli.attention.linformer import LinformerConfig
from glmha_cli.attention.performer import PerformerConfig
from glmha_cli.errors import UsageError
from tests.libraries import make_torchvision_importable
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
        built("restormer", glmha.GLMHAConfig(reduction=0.25, alpha=0.3, calibration="full"))
        .encoder[1][0]
        .attention.float()
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
    network = built(name, CSAConfig())
    before = {key: value.clone() for key, value in network.state_dict().items()}
    changed = replace_attention(network, glmha.GLMHAConfig(), levels=["level1", "bottleneck"])
    assert network.config.attention == CSAConfig() and not network.config.attention_by_level, (
        "the given network stays as it is"
    )
    assert changed.config.attention_by_level == {"level1": glmha.GLMHAConfig(), "bottleneck": glmha.GLMHAConfig()}
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
    network = built(name, CSAConfig())
    changed = replace_attention(network, PerformerConfig(features=512))
    given = inputs(name, torch.rand)
    with torch.no_grad():
        expected, found = network(*given), changed(*given)
    assert (found - expected).norm() < 0.1 * expected.norm()
    assert {key for key in changed.state_dict()} == {key for key in network.state_dict()}


def test_linformer_for_some_then_for_all():
    network = replace_attention(built("mst_plus_plus", CSAConfig()).train(), LinformerConfig(), levels=["level2"])
    assert network.training
    assert not replace_attention(network, LinformerConfig()).config.attention_by_level


def test_an_unknown_level_is_refused():
    with pytest.raises(UsageError, match="unknown level 'levl1'"):
        replace_attention(built("mst", CSAConfig()), CSAConfig(), levels=["levl1"])


def test_a_name_is_a_config_with_its_defaults():
    network = replace_attention(built("mst", CSAConfig()), "glmha")
    assert network.config.attention == glmha.GLMHAConfig()


@pytest.mark.parametrize(
    ("attention", "said", "hint"),
    [
        (GLMHA, "GLMHA is not", "GLMHAConfig("),
        (GLMHA(8), "GLMHA is not", '"glmha"'),
        (glmha.GLMHAConfig, "GLMHAConfig is not", "GLMHAConfig("),
        (None, "NoneType is not", '"glmha"'),
        ("gmlha", "unknown attention", "glmha"),
    ],
    ids=str,
)
def test_what_is_no_config_is_refused_with_what_is(attention, said, hint):
    for network in (built("mst", CSAConfig()), Foreign()):
        with pytest.raises(UsageError, match=said) as caught:
            replace_attention(network, attention)
        assert hint in caught.value.hint


class ChannelAttention(nn.Module):
    """As Restormer-like networks elsewhere have it: a 1x1 and a depth-wise convolution, heads, a convolution out."""

    def __init__(self, channels: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.mixed = nn.Conv2d(3 * channels, 3 * channels, 3, padding=1, groups=3 * channels)
        self.project_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.project_out(self.mixed(self.qkv(x))[:, : x.shape[1]])


class WindowAttention(nn.Module):
    """Over tokens: not to be replaced."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(12, 36)

    def forward(self, tokens: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        return self.qkv(tokens)[..., :12]


class Foreign(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 12, 3, padding=1)
        self.blocks = nn.ModuleList(nn.ModuleDict({"attn": ChannelAttention(12, 2)}) for _ in range(2))
        self.window = WindowAttention()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        for block in self.blocks:
            x = x + block["attn"](x)
        return x


def test_attention_is_replaced_in_a_foreign_network():
    network = Foreign().double().eval()
    changed = replace_attention(network, glmha.GLMHAConfig(reduction=0.25))
    assert isinstance(network.blocks[0]["attn"], ChannelAttention), "the given network stays as it is"
    for block in changed.blocks:
        attention = block["attn"]
        assert type(attention).__name__ == "GuidedLowRankAttention"
        assert attention.heads == 2 and attention.out.bias is not None and not attention.training
        assert any(part.groups > 1 for part in attention.modules() if isinstance(part, nn.Conv2d))
    assert isinstance(changed.window, WindowAttention)
    assert torch.equal(changed.first.weight, network.first.weight)
    out = changed(torch.rand(1, 3, 9, 10, dtype=torch.float64))
    assert out.shape == (1, 12, 9, 10) and out.dtype == torch.float64
    out.sum().backward()
    assert all(each.grad is not None for each in changed.blocks.parameters())


def test_in_networks_of_spandrel():
    make_torchvision_importable()
    from spandrel.architectures.HAT import HAT
    from spandrel.architectures.RCAN import RCAN

    hat = HAT(img_size=16, embed_dim=24, depths=(1,), num_heads=(2,), window_size=8, squeeze_factor=4, num_feat=16)
    changed = replace_attention(hat, "glmha")
    kinds = [type(part).__name__ for part in changed.modules()]
    assert kinds.count("GuidedLowRankAttention") == 1 and "ChannelAttention" not in kinds and "WindowAttention" in kinds
    assert changed.eval()(torch.rand(1, 3, 16, 16)).isfinite().all()

    rcan = RCAN(scale=1, n_resgroups=1, n_resblocks=2, n_feats=16)
    layer = type(next(part for part in rcan.modules() if type(part).__name__ == "CALayer"))
    with pytest.raises(UsageError, match="no attention"):
        replace_attention(rcan, "glmha")
    changed = replace_attention(rcan, "glmha", old=layer)
    assert not any(isinstance(part, layer) for part in changed.modules())
    assert changed(torch.rand(1, 3, 16, 16)).shape == (1, 3, 16, 16)


def test_networks_without_such_an_attention_are_refused():
    for network, options in (
        (nn.Sequential(nn.Conv2d(3, 3, 1)), {}),
        (nn.Sequential(WindowAttention()), {}),
        (Foreign(), {"old": nn.BatchNorm2d}),
        (Foreign(), {"levels": ["level1"]}),
    ):
        with pytest.raises(UsageError) as caught:
            replace_attention(network, CSAConfig(), **options)
        assert "old=" in caught.value.hint
