"""Data that comes in is typed: whatever stands in a recipe, a manifest or a checkpoint, no traceback."""

import copy
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Annotated, Any, Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from glmha_cli.cli.app import build_app  # noqa: F401 - imported once, not within a timed example
from glmha_cli.errors import BadDataError, GlmhaError
from glmha_cli.networks import network_from_plain
from glmha_cli.training.checks import degradation_of, require_fitting
from glmha_cli.training.recipe import recipe_from_plain, recipe_names
from glmha_cli.typed import Range, from_mapping
from glmha_cli.weights.manifest import manifest_from_plain, manifest_path
from tests.cli.in_process import run_here

NO_NUMBERS = [None, True, "", "x", "48", "1e-3", math.nan, math.inf, [], [1], ["a"], [[]], [{}]]
NUMBERS = [-1, 0, 10**9, 10**30, 1e308, -0.5, 32.5]
TABLES = [{}, {"name": 3}, {"name": "csa"}, {"name": ["csa"]}, {"level1": "csa"}, {"level1": {}}]
WRONG = st.sampled_from([*NO_NUMBERS, *NUMBERS, *TABLES])


@dataclass(frozen=True, kw_only=True)
class Inner:
    share: Annotated[float, Range(0, 1)] = 0.5


@dataclass(frozen=True, kw_only=True)
class Outer:
    count: Annotated[int, Range(1, 9)]
    rate: float = 1.0
    name: str = "a"
    on: bool = False
    mode: Literal["x", "y"] = "x"
    three: tuple[int, int, int] = (1, 2, 3)
    many: tuple[Inner, ...] = ()
    table: Mapping[str, Inner] = field(default_factory=dict)
    maybe: int | None = None
    free: Any = None


GOOD = {
    "count": 9,
    "rate": 2,
    "name": "",
    "on": True,
    "mode": "y",
    "three": [4, 5, 6],
    "many": [{"share": 0}, {}],
    "table": {"k": {"share": 1}},
    "maybe": 3,
    "free": [1, [2]],
}


def test_right_values_become_the_dataclass():
    outer = from_mapping(Outer, GOOD, "here")
    assert outer == Outer(
        count=9,
        rate=2.0,
        name="",
        on=True,
        mode="y",
        three=(4, 5, 6),
        many=(Inner(share=0.0), Inner()),
        table={"k": Inner(share=1.0)},
        maybe=3,
        free=(1, (2,)),
    )
    assert type(outer.rate) is float and from_mapping(Outer, {"count": 1, "maybe": None}, "here").maybe is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": "3"}, "count is '3', not a whole number"),
        ({"count": 3.0}, "count is 3.0, not a whole number"),
        ({"count": True}, "count is True, not a whole number"),
        ({"count": 10}, "count is 10, not a whole number from 1 to 9"),
        ({"rate": "1e-3"}, "rate is '1e-3', not a finite number"),
        ({"rate": math.nan}, "rate is nan, not a finite number"),
        ({"name": 3}, "name is 3, not a text"),
        ({"on": 1}, "on is 1, not true or false"),
        ({"mode": "z"}, "mode is 'z', not 'x' or 'y'"),
        ({"three": [1, 2]}, "three is \\[1, 2\\], not a list of 3 times a whole number"),
        ({"three": 3}, "three is 3, not a list"),
        ({"many": [{"share": 2}]}, "many: share is 2.0, not a finite number from 0 to 1"),
        ({"many": {}}, "many is {}, not a list"),
        ({"table": {"k": 1}}, "table, k is 1, not a table"),
        ({"table": []}, "table is \\[\\], not a table"),
        ({"maybe": "3"}, "maybe is '3', not a whole number"),
        ({"cuont": 3}, "unknown key 'cuont'"),
    ],
)
def test_wrong_values_are_named(change, message):
    with pytest.raises(BadDataError, match=f"here: {message}") as error:
        from_mapping(Outer, {**GOOD, **change}, "here")
    assert error.value.hint


@pytest.mark.parametrize("data", [None, 3, "x", [], [("count", 3)]])
def test_what_is_no_table_is_refused(data):
    with pytest.raises(BadDataError, match="not a table"):
        from_mapping(Outer, data, "here")


def places(data: Any, path: tuple = ()) -> list[tuple]:
    """The way to every value in nested tables and lists."""
    inside = data.items() if isinstance(data, Mapping) else enumerate(data) if isinstance(data, list) else ()
    return (
        [path, *(place for key, value in inside for place in places(value, (*path, key)))]
        if path
        else [place for key, value in inside for place in places(value, (key,))]
    )


def changed(data: Any, path: tuple, value: Any) -> Any:
    data = copy.deepcopy(data)
    *way, last = path
    inside = data
    for key in way:
        inside = inside[key]
    inside[last] = value
    return data


def spoilt(draw, data):
    return changed(data, draw(st.sampled_from(places(data))), draw(WRONG))


RECIPES = {
    name: tomllib.loads((files("glmha_cli.training") / "recipes" / f"{name}.toml").read_text())
    for name in recipe_names()
}


@settings(max_examples=150)
@given(st.data())
def test_no_recipe_ends_in_a_traceback(data):
    plain = spoilt(data.draw, RECIPES[data.draw(st.sampled_from(sorted(RECIPES)))])
    try:
        recipe = recipe_from_plain(plain, "mine")
        network_from_plain(recipe.network)
        degradation_of(recipe)
        require_fitting(recipe)
    except GlmhaError as error:
        assert "\n" not in error.message


@settings(max_examples=150)
@given(st.data())
def test_no_manifest_ends_in_a_traceback(data):
    plain = spoilt(data.draw, json.loads(manifest_path().read_text()))
    try:
        manifest = manifest_from_plain(plain)
        assert all(entry.source and entry.status for entry in manifest.models.values())
    except GlmhaError as error:
        assert "\n" not in error.message


@pytest.fixture(scope="module")
def about(tiny_model):
    from glmha_cli.weights.about import read_about

    return json.loads(json.dumps(read_about(tiny_model)))


@settings(max_examples=40)
@given(st.data())
def test_no_checkpoint_ends_in_a_traceback(tiny_model, about, tmp_path_factory, data):
    """`info`, `profile`: run, or refused in one line with the code for bad data or usage."""
    path = tmp_path_factory.getbasetemp() / "spoilt.safetensors"
    text = json.dumps(spoilt(data.draw, about)) if data.draw(st.integers(0, 9)) else data.draw(st.text())
    save_file(load_file(tiny_model), path, {"glmha": text})
    verb = data.draw(st.sampled_from(["info", "profile"]))
    result = run_here(verb, path)
    assert result.returncode in (0, 2, 65) and len(result.stderr.splitlines()) <= 1, result.stderr


ABSURD = (
    {"channels": -5},
    {"channels": "48"},
    {"channels": 3072},
    {"channels": 1024},
    {"heads": [0, 0, 0, 0]},
    {"heads": [3, 3, 3, 3]},
    {"ffn_expansion": math.nan},
    {"attention": "csa"},
    {"num_refinement_blocks": 10**9},
    {"num_blocks": [64, 64, 64, 64]},
    {"name": "unknown"},
)


@pytest.mark.parametrize("change", ABSURD, ids=str)
def test_absurd_sizes_are_refused_before_anything_is_built(tiny_model, about, tmp_path, change):
    """With the code for bad data, at once and in little memory."""
    path = tmp_path / "absurd.safetensors"
    save_file(load_file(tiny_model), path, {"glmha": json.dumps({**about, "network": {**about["network"], **change}})})
    result = run_here("derain", tmp_path / "in.png", tmp_path / "out.png", "--model", path)
    assert result.returncode == 66, "there is no photo"
    from PIL import Image

    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(tmp_path / "in.png")
    result = run_here("derain", tmp_path / "in.png", tmp_path / "out.png", "--model", path)
    assert result.returncode == 65 and len(result.stderr.splitlines()) == 1, result.stderr


@pytest.mark.parametrize("text", ["[" * 100_000, "null", "3", '{"task": 3, "network": {}}', "{}", "\ud800"[:0] + "{"])
def test_metadata_that_is_no_table_is_refused(tiny_model, tmp_path, text):
    path = tmp_path / "no.safetensors"
    save_file(load_file(tiny_model), path, {"glmha": text})
    assert run_here("info", path).returncode == 65


@pytest.mark.parametrize(
    ("change", "message"),
    [({"seed": "x"}, "seed is 'x'"), ({"cpu_threads": 0}, "cpu_threads is 0"), ({"loss": 3}, "loss is 3")],
)
def test_a_recipe_says_what_is_wrong(change, message):
    with pytest.raises(BadDataError, match=f"recipe mine: {message}"):
        recipe_from_plain({**RECIPES["derain-lite"], **change}, "mine")


def test_a_pth_of_any_bytes_is_refused(tmp_path):
    for content in (b"hello", b"\x80\x02.", b"PK\x03\x04", b"", bytes(range(256))):
        (tmp_path / "text.pth").write_bytes(content)
        result = run_here("models", "import", tmp_path / "text.pth", "--task", "derain", "--output", tmp_path / "o")
        assert result.returncode == 65 and len(result.stderr.splitlines()) == 1
    torch.save({"params": {"patch_embed.proj.weight": torch.zeros(3)}}, tmp_path / "text.pth")
    assert run_here("models", "import", tmp_path / "text.pth", "--task", "derain").returncode == 65
