"""Reductions chosen level by level: the trials are what they say, and the choice is the best of all."""

import itertools
import json

import pytest
import torch
from torch import nn

from glmha_cli.attention.glmha import GLMHAConfig
from glmha_cli.enhancement.ranks import (
    Trial,
    changed_at,
    least_error,
    levels_of,
    mean_square,
    most_saved,
    results,
    trials,
)
from glmha_cli.enhancement.statistics import attentions_of, collect
from glmha_cli.errors import UsageError
from tests.enhancement.test_enhance import enhance


def crops(count: int) -> list[list[torch.Tensor]]:
    torch.manual_seed(2)
    return [[nn.functional.interpolate(torch.rand(2, 3, 8, 8), size=32).clamp(0, 1)] for _ in range(count)]


def tried(**errors: tuple[float, float]) -> list[Trial]:
    """level=(error at 0.5, error at 0.9), which save 1 and 2 G."""
    return [
        Trial(level=level, reduction=reduction, saved_gmacs=saved, missed={}, error=error)
        for level, both in errors.items()
        for reduction, saved, error in zip((0.5, 0.9), (1.0, 2.0), both, strict=True)
    ]


def test_levels_share_the_attentions_among_them(teacher):
    assert levels_of(teacher) == ["level1", "bottleneck"]
    by_level = [changed_at(teacher, [level]) for level in levels_of(teacher)]
    assert sorted(itertools.chain(*by_level)) == sorted(attentions_of(teacher)) == sorted(changed_at(teacher, None))


def test_a_trial_tells_what_its_reduction_does(teacher):
    products, held_out = collect(teacher, crops(4), attentions_of(teacher)), crops(6)[4:]
    found = trials(teacher, products, held_out, levels_of(teacher), GLMHAConfig(), iterations=20)
    assert len(found) == 8
    for level in levels_of(teacher):
        of_level = [trial for trial in found if trial.level == level]
        assert [trial.reduction for trial in of_level] == sorted(trial.reduction for trial in of_level)
        assert all(a.saved_gmacs < b.saved_gmacs for a, b in itertools.pairwise(of_level))
        assert of_level[0].error < of_level[-1].error
        assert all(set(trial.missed) == set(changed_at(teacher, [level])) for trial in of_level)
        missed = [sum(trial.missed.values()) for trial in of_level]
        assert missed == sorted(missed)
    assert mean_square(results(teacher, held_out), results(teacher, held_out)) == 0


def test_a_budget_is_kept_where_it_costs_least():
    options = tried(level1=(4, 9), level2=(1, 2), bottleneck=(0.1, 3))
    assert least_error(options, saving_gmacs=1) == {"bottleneck": 0.5}
    assert least_error(options, saving_gmacs=3) == {"level2": 0.9, "bottleneck": 0.5}
    assert least_error(options, saving_gmacs=6) == {"level1": 0.9, "level2": 0.9, "bottleneck": 0.9}


def test_a_loss_is_kept_with_the_most_saved():
    options = tried(level1=(0.4, 0.9), level2=(0.1, 0.2), bottleneck=(0.01, 0.3))
    error = 1.0  # a loss of 1 dB is an error of 1.2589
    assert most_saved(options, error=error, loss_at_most_db=1) == {"level2": 0.9, "bottleneck": 0.5}
    with pytest.raises(UsageError, match="the least loses 0.04 dB") as refused:
        most_saved(options, error=error, loss_at_most_db=0.01)
    assert refused.value.hint == "--loss-at-most 0.05"


def test_a_budget_is_kept_by_levels_of_their_own(source, photos, recipe, tmp_path):
    half = json.loads(enhance(source, tmp_path / "half.safetensors", photos, recipe, "--steps", "init").stdout)
    budget = half["enhanced"]["parts"][-1]["gmacs"]
    output = tmp_path / "o" / "out.safetensors"
    output.parent.mkdir()
    done = enhance(source, output, photos, recipe, "--budget", str(budget))
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    rows = {row["part"]: row for row in made["enhanced"]["parts"]}
    assert set(rows) == {"source", "init", "layers", "whole"} and rows["whole"]["gmacs"] <= budget
    chosen = rows["init"]["reductions"]
    assert {level: each["reduction"] for level, each in made["network"]["attention_by_level"].items()} == chosen


def test_a_loss_chooses_too_and_not_with_a_budget(source, photos, recipe, tmp_path):
    output = tmp_path / "out.safetensors"
    both = enhance(source, output, photos, recipe, "--budget", "1", "--loss-at-most", "1")
    assert both.returncode == 2 and "not from both" in both.stderr
    done = enhance(source, output, photos, recipe, "--steps", "init", "--loss-at-most", "3")
    assert done.returncode == 0, done.stderr
    first, last = json.loads(done.stdout)["enhanced"]["parts"]
    assert last["reductions"] and last["gmacs"] < first["gmacs"]
