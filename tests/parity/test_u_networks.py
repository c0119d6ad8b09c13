"""MST and MST++ as configs and modules: any size and step, levels, plain form."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from glmha_cli.attention.csa import ChannelSelfAttention, CSAConfig
from glmha_cli.attention.glmha import GLMHAConfig
from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.networks import network_from_plain, network_to_plain
from glmha_cli.networks.mst import MSTConfig
from glmha_cli.networks.mst_plus_plus import MSTPlusPlusConfig
from glmha_cli.networks.restormer import RestormerConfig

CONFIGS = [
    MSTConfig(step=3, attention=GLMHAConfig(reduction=0.25), attention_by_level={"level2": CSAConfig()}),
    MSTPlusPlusConfig(num_stages=2, attention=CSAConfig(), attention_by_level={"bottleneck": GLMHAConfig(alpha=0.1)}),
    RestormerConfig(channels=16, attention_by_level={"level1": CSAConfig(), "level3": GLMHAConfig(alpha=0.3)}),
]


def tiny_mst(**changes):
    return MSTConfig(**{"channels": 5, "num_blocks": (1, 2, 1), **changes})


@settings(max_examples=15)
@given(h=st.integers(1, 6), w=st.integers(1, 6), step=st.integers(0, 7))
def test_gates_of_any_size_and_step(h, w, step):
    """A gate is the level's mask map, channel i from column step * i // 4**level on, last column repeated."""
    network = tiny_mst(step=step).build()
    mask = torch.rand(1, 5, 4 * h, network.config.w_ext(4 * w))
    with torch.no_grad():
        gates = network.gates(mask)
        maps = [mask]
        for shrink in network.mask_down:
            maps.append(shrink(maps[-1]))
        levels = [0, 1, 1, 2, 1, 1, 0]
        for gate, level, block in zip(gates, levels, network.u.blocks(), strict=True):
            branch = block.mask
            m = branch.mix(maps[level])
            m = m * torch.sigmoid(branch.weigh(m)) + m
            assert gate.shape == (1, 5 * 2**level, 4 * h // 2**level, 4 * w // 2**level)
            for i in range(gate.shape[1]):
                columns = [min(int(step / 4**level * i) + j, m.shape[-1] - 1) for j in range(gate.shape[-1])]
                torch.testing.assert_close(gate[:, i], m[:, i][..., columns])


def test_gates_are_computed_once_for_many_measurements():
    network = tiny_mst().build()
    x, mask = torch.rand(3, 5, 16, 20), torch.rand(1, 5, 16, network.config.w_ext(20))
    with torch.no_grad():
        gates = network.gates(mask)
        one_by_one = torch.cat([network.reconstruct(each[None], gates) for each in x])
        torch.testing.assert_close(network(x, mask), one_by_one)


def test_every_measurement_may_have_its_own_mask():
    network = tiny_mst().build()
    x, masks = torch.rand(2, 5, 16, 20), torch.rand(2, 5, 16, network.config.w_ext(20))
    with torch.no_grad():
        together = network(x, masks)
        apart = torch.cat([network(x[[i]], masks[[i]]) for i in range(2)])
    torch.testing.assert_close(together, apart)
    assert not torch.allclose(network(x, masks[:1]), together)


@pytest.mark.parametrize("config", [tiny_mst(), MSTPlusPlusConfig(channels=5, num_stages=1)])
def test_attention_by_level(config):
    for chosen in ("level1", "level2", "bottleneck"):
        network = type(config)(**{**vars(config), "attention_by_level": {chosen: CSAConfig()}}).build()
        u = network.u if isinstance(config, MSTConfig) else network.stages[0].u
        by_level = {
            "level1": [*u.encoder[0], *u.decoder[1]],
            "level2": [*u.encoder[1], *u.decoder[0]],
            "bottleneck": [*u.bottleneck],
        }
        for level, blocks in by_level.items():
            is_csa = {isinstance(block.attention, ChannelSelfAttention) for block in blocks}
            assert is_csa == {level == chosen}


@pytest.mark.parametrize("config", [MSTConfig, MSTPlusPlusConfig])
def test_an_unknown_level_is_refused(config):
    with pytest.raises(UsageError, match="unknown level 'level3'"):
        config(attention_by_level={"level3": CSAConfig()})


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: type(config).__name__)
def test_configs_survive_as_plain_data(config):
    plain = network_to_plain(config)
    assert network_from_plain(plain) == config
    assert network_to_plain(network_from_plain(plain)) == plain


@pytest.mark.parametrize(
    ("plain", "error", "message"),
    [
        ({"name": "mst", "stepp": 2}, BadDataError, "unknown key 'stepp'"),
        ({"name": "mst_plus_plus", "stages": 3}, BadDataError, "unknown key 'stages'"),
        ({"name": "mst", "attention": {"name": "glmha", "alhpa": 0.5}}, BadDataError, "unknown key 'alhpa'"),
        ({"name": "mst", "attention": {"reduction": 0.5}}, BadDataError, "has no name"),
        ({"name": "mst+", "step": 2}, UsageError, "unknown network 'mst\\+'"),
        ({"name": "mst", "attention_by_level": {"level1": {"name": "cas"}}}, UsageError, "attention 'cas'"),
    ],
)
def test_unknown_keys_and_names_are_errors(plain, error, message):
    with pytest.raises(error, match=message) as caught:
        network_from_plain(plain)
    assert caught.value.hint


def test_sizes():
    assert MSTConfig().size_multiple == 4
    assert MSTPlusPlusConfig().size_multiple == 8
    assert MSTConfig().w_ext(256) == 310
    assert MSTConfig(step=1).w_ext(660) == 687


def test_with_a_perceptron_the_network_begins_as_that_and_sees_each_pixel_by_itself():
    network = MSTPlusPlusConfig(channels=7, num_stages=1, pointwise=5).build()
    alone = MSTPlusPlusConfig(channels=7, num_stages=0, pointwise=5).build()
    image = torch.rand(2, 3, 16, 24)
    assert torch.equal(network(image), network.embed(image))
    torch.testing.assert_close(network(image.flip(2, 3)), network(image).flip(2, 3))
    assert network.output.weight.requires_grad and not alone.output.weight.requires_grad
    network.load_state_dict(network.state_dict() | alone.state_dict())
    assert torch.equal(network(image), alone(image))
