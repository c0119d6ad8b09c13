"""The scripts under benchmarks/ that need no data print what they say."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]


def paper_tables(*arguments):
    return subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "paper_tables.py", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )


def test_a_paper_table():
    result = paper_tables("1")
    assert result.returncode == 0, result.stderr
    rows = {line.split("  ")[0]: line.split() for line in result.stdout.splitlines()}
    assert rows["CSA"][-1] == "met" and "23.046" in rows["CSA"]
    assert "+0.206" in rows["GLMHA 50 %, full"] and "published" in rows["GLMHA 50 %, full"]


def test_an_unknown_table_is_refused():
    result = paper_tables("5")
    assert result.returncode == 1 and "1, 2, 3, 4, 7, 9" in result.stderr


TINY = """
task = "derain"
[network]
name = "restormer"
channels = 8
num_blocks = [1, 1, 1, 1]
num_refinement_blocks = 1
stem_downscale = 2
[degradation]
name = "rain"
bank_layers = 2
layer_px = 32
[schedule]
steps = 4
learning_rate = 1e-3
warmup_steps = 1
stages = [{ patch_px = 32, batch = 2, until = 1.0 }]
"""


def test_variants_of_a_recipe_are_each_trained_and_not_twice(tmp_path):
    (tmp_path / "photos").mkdir()
    for seed in range(12):
        coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), np.uint8)
        Image.fromarray(coarse).resize((40, 36), Image.BICUBIC).save(tmp_path / "photos" / f"{seed:02}.png")
    (tmp_path / "tiny.toml").write_text(TINY)
    command = [
        sys.executable,
        ROOT / "benchmarks" / "variants.py",
        "--images",
        tmp_path / "photos",
        "--recipe",
        tmp_path / "tiny.toml",
        "--steps",
        "2",
        "--run-dir",
        tmp_path / "runs",
        "--device",
        "cpu",
        "--precision",
        "32-true",
        "--workers",
        "0",
        "--variant",
        "",
        "--variant",
        'attention = { name = "reformer" }; channels = 16',
    ]
    tables = []
    for _ in range(2):
        result = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PATH": ""},
        )
        assert result.returncode == 0, result.stderr
        lines = [line for line in result.stdout.splitlines() if line.startswith(("recipe", "attention"))]
        tables.append([line.split() for line in lines])
    assert [row[0] for row in tables[0]] == ["recipe", "attention"] and all(row[-2] == "2" for row in tables[0])
    one, wider = (int(row[-6].replace(",", "")) for row in tables[0])
    assert wider > 2 * one and tables[0] == tables[1]


def test_memory_beyond_a_photo_hardly_grows_with_it():
    result = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "scaling.py", "pixels", "--identity", "--max-mpx", "1"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stderr
    rows = [[float(value) for value in line.strip("|").split("|")] for line in result.stdout.splitlines()[2:]]
    assert [row[0] for row in rows] == [0.25, 1] and all(row[-1] < 60 for row in rows), "MB"


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_what_a_gpu_must_show_runs_dry_on_a_cpu(tmp_path):
    env = {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [ROOT / "benchmarks" / "gpu.sh", tmp_path, "--dry-run"]
    result = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    shown = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))
    assert shown["machine"] == "dry run on a CPU" and not [row for row in shown["rows"] if "failed" in row["what"]]
    units = {row["unit"] for row in shown["rows"]}
    assert units == {"", "s", "times as fast", "images/s"}
    assert (tmp_path / "gpu.md").read_text(encoding="utf-8").count("\n|") == len(shown["rows"]) + 2


def test_plans_of_scale_out_keep_their_tree(tmp_path):
    command = [sys.executable, ROOT / "benchmarks" / "scale_out.py", "plan", "--counts", "10", "--tree", tmp_path]
    for _ in range(2):
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
        assert result.returncode == 0, result.stderr
        count, *figures = map(float, result.stdout.splitlines()[1].split())
        assert count == 10 and len(figures) == 4 and min(figures) > 0
    assert len(list(tmp_path.rglob("*.jpg"))) == 10
