"""`glmha profile`: the numbers of evaluation.complexity, for models, files and networks, with another attention."""

import json

import pytest

from glmha_cli.attention.csa import CSAConfig
from glmha_cli.attention.glmha import GLMHAConfig
from glmha_cli.evaluation.complexity import count
from glmha_cli.networks.mst_plus_plus import MSTPlusPlusConfig
from tests.cli.in_process import run_here
from tests.cli.test_restore import error_of


def profile(*arguments):
    result = run_here("profile", *arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("flags", "config"),
    [
        ([], MSTPlusPlusConfig()),
        (["--attention", "csa"], MSTPlusPlusConfig(attention=CSAConfig())),
        (["--reduction", "0.75"], MSTPlusPlusConfig(attention=GLMHAConfig(reduction=0.75))),
        (
            ["--attention", "glmha", "--levels", "level1,bottleneck"],
            MSTPlusPlusConfig(
                attention=CSAConfig(), attention_by_level={"level1": GLMHAConfig(), "bottleneck": GLMHAConfig()}
            ),
        ),
    ],
)
def test_a_network_with_another_attention(flags, config):
    found, wanted = profile("mst_plus_plus", *flags, "--size", "64x40"), count(config, height=64, width=40)
    assert found["parameters"] == wanted.parameters and found["multiply_adds"] == wanted.macs
    assert found["size"] == [64, 40] and list(found["levels"]) == ["level1", "level2", "bottleneck"]


def test_a_model_and_a_file(tiny_model):
    assert profile("derain-lite")["network"]["channels"] == 32
    found = profile(tiny_model, "--size", "30x17")
    assert found["network"]["channels"] == 8 and found["size"] == [32, 32], "padded as the network pads"


def test_people_get_a_table():
    result = run_here("profile", "mst", "--size", "32x32")
    assert result.returncode == 0 and "bottleneck" in result.stdout and "convolutions, G" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["no-such"], "no-such"),
        (["mst", "--size", "256"], "--size 256x256"),
        (["mst", "--attention", "linfomer"], "linformer"),
        (["mst", "--attention", "csa", "--reduction", "0.5"], "no reduction"),
        (["mst", "--reduction", "1"], "reduction"),
        (["mst", "--levels", "level9"], "level"),
    ],
)
def test_what_cannot_be_is_refused(arguments, word):
    result = run_here("profile", *arguments)
    assert result.returncode == 2 and word in error_of(result)
