"""`glmha enhance`: real checkpoints in and out, resumed, refused where it cannot work, and used by the other verbs."""

import json
import shutil

import pytest
import torch
from PIL import Image

from glmha_cli.training.data import run_data
from glmha_cli.training.data.sources import load_targets
from glmha_cli.weights.about import read_about
from glmha_cli.weights.checkpoint import load_network
from tests.cli.in_process import run_here
from tests.conftest import run_glmha

FAST = ["--tiles", "4", "--layer-steps", "4", "--whole-steps", "2", "--precision", "32-true"]


def enhance(source, output, photos, recipe, *more, fast=FAST):
    return run_here(
        "enhance", source, output, "--images", photos, "--recipe", recipe, *fast,
        "--run-dir", output.parent / "run", "--json", *more,
    )  # fmt: skip


@pytest.mark.parametrize("steps", ["init", "all"])
def test_the_result_is_a_checkpoint_that_tells_where_it_comes_from(source, photos, recipe, tmp_path, steps):
    output = tmp_path / "out.safetensors"
    done = enhance(source, output, photos, recipe, "--steps", steps)
    assert done.returncode == 0, done.stderr
    about = read_about(output)
    assert json.loads(done.stdout)["enhanced"] == about["enhanced"]
    assert about["network"]["attention"]["name"] == "glmha" and about["licence"] == "CC-BY-4.0" and "run" not in about
    parts = about["enhanced"]["parts"]
    assert [row["part"] for row in parts] == ["source", "init", "layers", "whole"][: 2 if steps == "init" else 4]
    assert all(row["gmacs"] < parts[0]["gmacs"] for row in parts[1:])
    assert all(row["psnr_to_source_db"] > 30 for row in parts[1:])
    assert load_network(output).config.attention.reduction == 0.5
    Image.open(photos / "0.png").save(tmp_path / "in.png")
    restored = run_glmha("derain", tmp_path / "in.png", tmp_path / "clean.png", "--model", output)
    assert restored.returncode == 0, restored.stderr


def test_photos_are_read_once(source, photos, recipe, tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(run_data, "load_targets", lambda *of, **more: read.append(1) or load_targets(*of, **more))
    assert enhance(source, tmp_path / "out.safetensors", photos, recipe).returncode == 0
    assert len(read) == 1


def test_it_goes_on_where_it_was_ended_and_gives_the_same(source, photos, recipe, tmp_path):
    straight, parted = tmp_path / "a" / "out.safetensors", tmp_path / "b" / "out.safetensors"
    straight.parent.mkdir()
    assert enhance(source, straight, photos, recipe).returncode == 0
    # As a run leaves its folder that was ended when its layers were taught.
    (parted.parent / "run").mkdir(parents=True)
    shutil.copy(straight.parent / "run" / "layers.safetensors", parted.parent / "run")
    refused = enhance(source, parted, photos, recipe)
    assert refused.returncode == 2 and "--resume" in refused.stderr
    other = enhance(source, parted, photos, recipe, "--resume", "--seed", "5")
    assert other.returncode == 2 and "holds another enhancement" in other.stderr
    assert enhance(source, parted, photos, recipe, "--resume").returncode == 0
    first, second = (load_network(path).state_dict() for path in (straight, parted))
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, rtol=2e-3, atol=1e-3)  # float16 in the run's folder


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--budget", "0.001"], "no reduction keeps 0.001 G"),
        (["--levels", "level9"], "level9"),
        (["--attention", "linformer", "--reduction", "0.5"], "has no reduction"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(source, photos, recipe, tmp_path, more, said):
    done = enhance(source, tmp_path / "out.safetensors", photos, recipe, *more)
    assert done.returncode == 2 and said in done.stderr, done.stderr
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_without_channel_attention_is_refused(tiny_model, photos, recipe, tmp_path):
    done = enhance(tiny_model, tmp_path / "out.safetensors", photos, recipe)
    assert done.returncode == 2 and "has the attention 'glmha'" in done.stderr
    missing = run_here("enhance", tmp_path / "x.pth", tmp_path / "o.safetensors", "--images", photos)
    assert missing.returncode == 2 and "--task derain" in missing.stderr


def test_photos_that_are_too_few_or_too_small_are_named(source, recipe, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    Image.new("RGB", (20, 20)).save(folder / "small.png")
    done = enhance(source, tmp_path / "out.safetensors", folder, recipe)
    assert done.returncode != 0 and "Traceback" not in done.stderr and done.stderr.startswith("error")
