"""Two runs with one record and one output folder, at once: each file is done whole, by one of them."""

import hashlib
import json
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def run_two(folder: Path, model: Path, *, delay_s: float) -> None:
    """Two processes over `folder`/in; asserts what must hold of all that they leave."""
    out, record = folder / "out", folder / "run.jsonl"
    command = [sys.executable, "-m", "glmha_cli", "derain", folder / "in", out, "--record", record, "--resume"]
    runs = []
    for _ in range(2):
        runs.append(subprocess.Popen([*command, "--model", model], stderr=subprocess.PIPE, text=True))
        time.sleep(delay_s)
    said = [run.communicate(timeout=1200)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    assert not [line for line in lines if line["status"] == "failed"]
    done = {line["output"]: line["sha256"] for line in lines if line["status"] == "ok"}
    assert {Path(path).name for path in done} == {path.name for path in (folder / "in").iterdir()}
    assert all(hashlib.sha256(Path(path).read_bytes()).hexdigest() == sha256 for path, sha256 in done.items())
    assert len(list(out.iterdir())) == len(done), "something hidden was left"


def make_photos(folder: Path, count: int) -> None:
    (folder / "in").mkdir(parents=True)
    for i in range(count):
        samples = np.random.default_rng(i).integers(0, 256, (40, 48, 3), np.uint8)
        Image.fromarray(samples).save(folder / "in" / f"{i}.png")


def test_two_runs_share_a_few_photos(tmp_path, tiny_model):
    make_photos(tmp_path, 20)
    run_two(tmp_path, tiny_model, delay_s=0)


@pytest.mark.long
def test_two_runs_share_300_photos_20_times(tmp_path, tiny_model):
    chance = random.Random(0)
    for i in range(20):
        make_photos(tmp_path / str(i), 300)
        run_two(tmp_path / str(i), tiny_model, delay_s=chance.uniform(0, 3))
