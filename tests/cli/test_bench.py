"""`glmha bench`: a real process and a real network, measured; the numbers have to agree with each other."""

import json
import sys

import pytest

from glmha_cli.cli.bench import inputs_in
from glmha_cli.errors import GlmhaError
from glmha_cli.evaluation.complexity import count
from glmha_cli.evaluation.speed import matrix_rate, run_process, seconds_of
from glmha_cli.io.measurements.read import read_mask, read_measurement
from glmha_cli.networks.restormer import RestormerConfig
from glmha_cli.tasks.sci import SCI, Scene
from tests.cli.in_process import run_here
from tests.cli.test_restore import error_of

SMALL = (
    "--size",
    "64",
    "--photo",
    "20",
    "--repeat",
    "2",
    "--engine",
    "torch",
    "--device",
    "cpu",
    "--precision",
    "fp32",
)


def test_a_model_in_json(tiny_model):
    result = run_here("bench", tiny_model, *SMALL, "--json")
    assert result.returncode == 0, result.stderr
    (row,) = map(json.loads, result.stdout.splitlines())
    assert (row["model"], row["engine"], row["device"], row["precision"], row["tile_px"]) == (
        "tiny",
        "torch",
        "cpu",
        "fp32",
        64,
    )
    config = RestormerConfig(channels=8, num_blocks=(1, 1, 1, 1), num_refinement_blocks=1, stem_downscale=2)
    assert row["multiply_adds"] == count(config, height=64, width=64).macs["everything"]
    assert row["gflop_per_s"] == pytest.approx(2e-9 * row["multiply_adds"] / row["tile_s"])
    assert row["share"] == pytest.approx(row["gflop_per_s"] / row["matrix_gflop_per_s"])
    assert row["megapixel_s"] == pytest.approx(row["tile_s"] * 1e6 / 32**2)
    assert row["cold_start_s"] > row["tile_s"] > 0, "a process loads PyTorch and does more than a tile"
    assert 50e6 < row["peak_bytes"] < 5e9


def test_people_get_a_table(tiny_model):
    result = run_here("bench", tiny_model, *SMALL)
    assert (
        result.returncode == 0 and "tiny" in result.stdout and "start s" in result.stdout and "…" not in result.stdout
    )
    assert "median of 2" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "word"), [(["no-such"], "no-such"), (["derain-lite", "--engine", "torhc"], "torch")]
)
def test_what_is_not_there_is_named(arguments, word):
    result = run_here("bench", *arguments)
    assert result.returncode == 2 and word in error_of(result)


def test_the_input_of_a_cold_start_of_sci_fits_its_mask(tmp_path):
    source, _, _, mask = inputs_in(tmp_path, SCI, 40)
    assert Scene(measurement=read_measurement(source), mask=read_mask(mask)).shape == (40, 40)


def test_a_process_that_fails_says_why():
    with pytest.raises(GlmhaError, match="no such thing"):
        run_process([sys.executable, "-c", "raise SystemExit('no such thing')"])


def test_a_process_reports_its_own_memory():
    small, large = (run_process([sys.executable, "-c", f"x = b'1' * {size}"]) for size in (1, 200_000_000))
    assert large.peak_bytes - small.peak_bytes == pytest.approx(200e6, rel=0.1)


def test_time_is_the_median_without_the_first_run(monkeypatch):
    ticks = iter([0, 1, 10, 13, 20, 22])
    monkeypatch.setattr("time.perf_counter", lambda: next(ticks))
    assert seconds_of(lambda: None, 3) == 2


def test_the_machine_multiplies():
    assert matrix_rate("cpu", "fp32") > 1e9
