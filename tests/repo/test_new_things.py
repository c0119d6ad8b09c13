"""What a new attention, network, task or verb touches: its own module and one table line (CONTRIBUTING.md).

Each test registers a fake by that one line and uses it through the real tool; no other code may have to know.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
import torch
import typer
from PIL import Image

from glmha_cli.attention import ATTENTIONS
from glmha_cli.attention.csa import ChannelSelfAttention
from glmha_cli.cli.app import build_app
from glmha_cli.cli.options import ReportOptions
from glmha_cli.cli.verbs import VERBS, Verb
from glmha_cli.networks import NETWORKS, network_from_plain, network_to_plain
from glmha_cli.networks.restormer import RestormerConfig
from glmha_cli.tasks import TASKS
from glmha_cli.tasks.derain import DERAIN
from glmha_cli.weights.checkpoint import load_network, save_checkpoint


@dataclass(frozen=True, kw_only=True)
class FakeAttention:
    gain: float = 1.0

    def build(self, channels, heads, host):
        return ChannelSelfAttention(channels, heads, host)


@dataclass(frozen=True, kw_only=True)
class FakeNetwork:
    """Adds a learned constant."""

    attention: Any = field(default_factory=FakeAttention)
    attention_by_level: dict = field(default_factory=dict)
    size_multiple: int = 4
    width: float = 3
    least_parameters: int = 1

    def input_shapes(self, h, w):
        return [(1, 3, h, w)]

    def build(self):
        network = torch.nn.Module()
        network.config = self
        network.brightness = torch.nn.Parameter(torch.tensor(0.25))
        network.forward = lambda image: image + network.brightness
        return network


FAKE_TASK = replace(DERAIN, name="brighten", summary="Make photos brighter.", network="fake")
calls = []


def fake_verb(options):
    calls.append(options)
    return 3


def glmha(*arguments):
    """The exit code of the real command line, built from the tables as they are now."""
    with pytest.raises(SystemExit) as stop:
        build_app()([str(argument) for argument in arguments])
    return stop.value.code


def test_attention(monkeypatch):
    monkeypatch.setitem(ATTENTIONS, "fake", f"{__name__}:FakeAttention")
    config = network_from_plain(
        {"name": "restormer", "channels": 8, "num_blocks": [1, 1, 1, 1], "attention": {"name": "fake", "gain": 2.0}}
    )
    assert config.attention == FakeAttention(gain=2.0)
    assert network_from_plain(network_to_plain(config)) == config
    assert config.build()(torch.rand(1, 3, 16, 16)).shape == (1, 3, 16, 16)


def test_network_and_task(monkeypatch, tmp_path):
    monkeypatch.setitem(ATTENTIONS, "fake", f"{__name__}:FakeAttention")
    monkeypatch.setitem(NETWORKS, "fake", f"{__name__}:FakeNetwork")
    monkeypatch.setitem(TASKS, "brighten", f"{__name__}:FAKE_TASK")
    weights, source, target = tmp_path / "w.safetensors", tmp_path / "in.png", tmp_path / "out.png"
    config = FakeNetwork()
    save_checkpoint(
        weights,
        config.build().state_dict(),
        {"task": "brighten", "network": network_to_plain(config)},
        dtype=torch.float32,
    )
    assert load_network(weights).config == config
    Image.new("RGB", (9, 5), (64, 64, 64)).save(source)
    assert glmha("brighten", source, target, "--model", weights, "--quiet") == 0
    with Image.open(target) as image:
        assert np.asarray(image).tolist() == np.full((5, 9, 3), 128).tolist()


def test_verb(monkeypatch):
    monkeypatch.setitem(
        VERBS,
        "fake",
        Verb(run=f"{__name__}:fake_verb", options=ReportOptions, summary="Fake.", examples=("glmha fake",)),
    )
    calls.clear()
    assert glmha("fake", "--json") == 3
    assert calls == [ReportOptions(json=True)]


def test_the_tables_are_what_the_command_line_shows():
    app = build_app()
    assert isinstance(app, typer.Typer)
    assert {each.name for each in (*app.registered_commands, *app.registered_groups)} == {*TASKS, *VERBS}
    assert RestormerConfig().attention == network_from_plain({"name": "restormer"}).attention
