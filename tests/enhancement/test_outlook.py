"""`glmha analyze --plan`: what enhancing would cost, told before it is done."""

import json

import numpy as np
import pytest
from PIL import Image

from glmha_cli.enhancement.ranks import levels_of
from tests.cli.in_process import run_here


@pytest.fixture
def many(photos) -> list:
    return sorted(photos.iterdir())[:4]


def test_every_reduction_of_every_level_is_told_and_drawn(source, teacher, many, tmp_path):
    picture = tmp_path / "plan.png"
    done = run_here("analyze", source, *many, "--plan", picture, "--json")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["level"] for row in rows} == set(levels_of(teacher)) and len(rows) == 8
    for row in rows:
        assert row["images"] == 4 and row["saved_gmacs"] > 0
        assert 0 <= min(row["blocks"].values()) <= row["missed"] <= max(row["blocks"].values()) <= 1
        assert 20 < row["psnr_to_source_db"] < 120
    with Image.open(picture) as image:
        assert image.width > 800 and len(np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0)) > 50
    assert run_here("analyze", source, *many, "--plan", picture).returncode == 73


def test_what_cannot_be_planned_is_refused(source, tiny_model, many, tmp_path):
    one = run_here("analyze", source, many[0], "--plan", tmp_path / "plan.png")
    assert one.returncode == 2 and "two images or more" in one.stderr
    other = run_here("analyze", tiny_model, *many, "--plan", tmp_path / "plan.png")
    assert other.returncode == 2 and "no channel attention" in other.stderr
    assert not list(tmp_path.iterdir())
