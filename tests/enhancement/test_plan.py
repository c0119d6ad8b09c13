"""What an enhancement learns from at a time fits into memory, whatever the network's size."""

from dataclasses import replace

import torch

from glmha_cli.attention.csa import CSAConfig
from glmha_cli.enhancement.plan import HELD_BYTES, learnable
from glmha_cli.networks import network_to_plain
from glmha_cli.networks.restormer import RestormerConfig
from glmha_cli.training.memory import saved_bytes
from glmha_cli.training.recipe import load_recipe
from tests.enhancement.conftest import CONFIG


def held_by_autograd(config: RestormerConfig, side: int) -> int:
    """Of a real step."""
    sizes: dict[int, int] = {}
    held = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        held.append(tensor)
        sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    network = config.build()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network(torch.rand(1, 3, side, side))
    return sum(sizes.values()) - sum(sizes.get(each.untyped_storage().data_ptr(), 0) for each in network.parameters())


def test_what_a_step_holds_is_told_without_computing_it():
    told, real = saved_bytes(CONFIG, height=64, width=64), held_by_autograd(CONFIG, 64)
    assert abs(told - real) < 0.1 * real
    assert 1.75 < saved_bytes(CONFIG, height=64, width=128) / told < 2.25


def test_large_networks_learn_from_fewer_crops_at_once():
    recipe = load_recipe("derain-lite")
    crops = {}
    for name, config in {"paper": RestormerConfig(attention=CSAConfig()), "small": CONFIG}.items():
        (stage,) = learnable(replace(recipe, network=network_to_plain(config))).schedule.stages
        crops[name] = stage.batch
        each = saved_bytes(config, height=stage.height_px, width=stage.side_px)
        assert stage.batch == 1 or stage.batch * each <= HELD_BYTES
    assert crops == {"paper": 2, "small": recipe.schedule.stages[-1].batch}
