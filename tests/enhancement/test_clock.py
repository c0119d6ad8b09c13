"""Steps are planned by the clock of real ones."""

import time
from dataclasses import replace

from glmha_cli.enhancement.clock import seconds_a_step
from glmha_cli.networks import network_to_plain
from glmha_cli.training.data.found import DataPaths
from glmha_cli.training.data.run_data import prepare_data
from glmha_cli.training.recipe import load_recipe
from glmha_cli.training.settings import Machine
from tests.enhancement.conftest import CONFIG

SLOW_S = 0.2


def test_a_step_takes_as_long_as_its_crops_and_its_precision_let_it(teacher, photos, recipe, monkeypatch):
    small = replace(load_recipe(str(recipe)), network=network_to_plain(CONFIG))
    data = prepare_data(small, DataPaths(images=[photos]), num_workers=0)
    made = type(data.dataset).__getitem__

    def slow(dataset, key):
        time.sleep(SLOW_S)
        return made(dataset, key)

    monkeypatch.setattr(type(data.dataset), "__getitem__", slow)
    machine = Machine(device="cpu", precision="32-true", num_workers=0)
    seconds = seconds_a_step(small, data, teacher, machine)
    assert seconds > small.schedule.stages[-1].batch * SLOW_S
