"""`glmha recipes`, and the options of `glmha train` that change one."""

import json
import subprocess
import sys
import tomllib
from dataclasses import replace

import pytest

from glmha_cli.cli.options import CopyRecipeOptions, RecipeOptions, ReportOptions, TrainOptions
from glmha_cli.cli.recipes import copy, list_recipes, show
from glmha_cli.cli.train import recipe_of
from glmha_cli.errors import CannotCreateError, NoInputError, UsageError
from glmha_cli.networks import network_from_plain
from glmha_cli.training.recipe import header_of, load_recipe, recipe_names


def test_every_recipe_is_listed_with_what_it_says_of_itself(capsys):
    list_recipes(ReportOptions(json=True))
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["recipe"] for row in rows] == recipe_names()
    assert all(row[key] for row in rows for key in ("task", "command", "hardware", "time", "score"))
    list_recipes(ReportOptions())
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(rows)


def test_a_copy_is_what_show_prints_and_trains_as_the_recipe_does(tmp_path, capsys):
    copy(CopyRecipeOptions(recipe="derain-lite", output=tmp_path))
    copied = tmp_path / "derain-lite.toml"
    show(RecipeOptions(recipe="derain-lite"))
    assert capsys.readouterr().out == copied.read_text(encoding="utf-8")
    assert load_recipe(str(copied)) == load_recipe("derain-lite")
    with pytest.raises(CannotCreateError):
        copy(CopyRecipeOptions(recipe="derain-lite", output=copied))
    copy(CopyRecipeOptions(recipe=str(copied), output=tmp_path / "mine.toml"))
    assert (tmp_path / "mine.toml").read_bytes() == copied.read_bytes()


def test_recipes_without_a_verb_lists_them():
    command = [sys.executable, "-m", "glmha_cli", "recipes"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert all(name in done.stdout for name in recipe_names())


def test_unknown_recipes_are_refused(tmp_path):
    with pytest.raises(UsageError, match="unknown recipe 'derain-lit'"):
        show(RecipeOptions(recipe="derain-lit"))
    with pytest.raises(NoInputError, match="no recipe"):
        show(RecipeOptions(recipe=str(tmp_path / "absent.toml")))


def test_a_header_ends_with_the_comments():
    text = "# Command: glmha train x: y\n# of two lines\n#Time: 3 s\ntask = 1\n# Score: none\n"
    assert header_of(text) == {"Command": "glmha train x: y", "Time": "3 s"}
    assert tomllib.loads(text) == {"task": 1}


def test_options_of_train_replace_what_the_recipe_says():
    plain = load_recipe("derain-lite")
    assert recipe_of(TrainOptions(recipe="derain-lite")) == plain
    options = TrainOptions(recipe="derain-lite", attention="csa", seed=7, learning_rate=1e-4, steps=50)
    changed = recipe_of(options)
    assert (changed.seed, changed.schedule.learning_rate, changed.schedule.steps) == (7, 1e-4, 50)
    assert network_from_plain(changed.network) != network_from_plain(plain.network)
    assert changed.network == {**plain.network, "attention": {"name": "csa"}}
    assert replace(changed, network=plain.network, seed=plain.seed, schedule=plain.schedule) == plain
    with pytest.raises(UsageError, match="unknown attention 'cssa'"):
        network_from_plain(recipe_of(replace(options, attention="cssa")).network)
