"""Recipes parse, say what they cost and give, fit their task, and the large ones are the paper's networks."""

import re
import shlex
from dataclasses import replace
from importlib.resources import files

import pytest
import torch
import typer

from glmha_cli.cli.app import build_app
from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.lookup import resolve
from glmha_cli.networks import network_from_plain
from glmha_cli.tasks import TASKS
from glmha_cli.training.checks import degradation_of, require_fitting
from glmha_cli.training.losses import LOSSES
from glmha_cli.training.optimizers import OPTIMIZERS
from glmha_cli.training.recipe import Stage, load_recipe, recipe_names

PAPER = {"derain-paper": 24.78, "deblur-paper": 24.78, "rgb2hsi": 1.600, "sci": 1.991}
"""Million parameters with GLMHA at half the channels."""


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_is_headed_by_command_hardware_time_and_score(name):
    text = (files("glmha_cli.training") / "recipes" / f"{name}.toml").read_text(encoding="utf-8")
    header = text.split("\n\n")[0].split("task =")[0]
    said = dict(re.findall(r"^# (Command|Hardware|Time|Score): (.+)$", header, re.MULTILINE))
    assert set(said) == {"Command", "Hardware", "Time", "Score"}
    program, verb, *arguments = shlex.split(said["Command"])
    assert (program, verb, arguments[0]) == ("glmha", "train", name)
    with typer.main.get_command(build_app()).commands[verb].make_context(verb, arguments) as context:
        assert context.params["recipe"] == name


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_fits_its_task_and_its_network(name):
    recipe = load_recipe(name)
    task, network = resolve(TASKS, recipe.task, "task"), network_from_plain(recipe.network)
    resolve(LOSSES, recipe.loss, "loss")
    resolve(OPTIMIZERS, recipe.optimizer, "optimizer")
    assert network.out_channels == (3 if task.output_kind == "photo" else len(task.wavelength_nm))
    stages = recipe.schedule.stages
    require_fitting(recipe)
    assert [stage.until for stage in stages] == sorted({stage.until for stage in stages}) and stages[-1].until == 1


@pytest.mark.parametrize("name", PAPER)
def test_the_large_networks_are_the_papers(name):
    with torch.device("meta"):
        network = network_from_plain(load_recipe(name).network).build()
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(PAPER[name], abs=0.006)


def test_a_degradation_of_another_task_is_refused():
    recipe = replace(load_recipe("derain-lite"), degradation={"name": "blur"})
    with pytest.raises(UsageError, match="'blur' is undone by deblur, not by derain") as caught:
        degradation_of(recipe)
    assert '"rain"' in caught.value.hint


@pytest.mark.parametrize("wrong", ["patch_px", "batch", "mosaic"])
def test_stages_of_nothing_are_refused(wrong):
    with pytest.raises(BadDataError, match="mosaics"):
        Stage(**{"patch_px": 8, "batch": 2, "until": 1.0, "mosaic": 2} | {wrong: 0})


def test_a_crop_has_no_more_rows_than_it_is_high():
    with pytest.raises(BadDataError, match="9 rows of crops of 8 px"):
        Stage(patch_px=8, batch=2, until=1.0, rows=9)


def test_a_schedule_without_stages_is_refused(tmp_path):
    path, network = (
        tmp_path / "own.toml",
        'task = "derain"\nnetwork = { name = "restormer" }\ndegradation = { name = "rain" }\n',
    )
    for schedule, said in (("", "'stages' is missing"), ("stages = []", "0 stages")):
        path.write_text(f"{network}[schedule]\nsteps = 5\nlearning_rate = 1e-3\n{schedule}\n")
        with pytest.raises(BadDataError, match=said):
            load_recipe(str(path))


@pytest.mark.parametrize("given", [{"seed": 2**32}, {"steps": 10**10}, {"learning_rate": float("inf")}])
def test_what_is_given_instead_has_the_limits_of_a_recipe(given):
    with pytest.raises(BadDataError, match=next(iter(given))):
        load_recipe("derain-lite").adjusted(**given)
