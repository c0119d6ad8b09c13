"""What docs/scale.md tells people to type, as far as it needs no service; and the script for Slurm."""

import importlib.util
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.in_process import run_here
from tests.conftest import ROOT

COMMANDS = [
    shlex.split(line, comments=True)
    for line in (ROOT / "docs/scale.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("    glmha ") and "://" not in line
]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for index in range(6):
        path = Path(f"photos/{index % 2}/{index}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(index).integers(0, 256, (20, 30, 3), np.uint8)).save(path)
    return tmp_path


def test_the_commands_of_the_page(here, tiny_model):
    assert len(COMMANDS) == 6
    for command in COMMANDS:
        if "--cluster" in command and importlib.util.find_spec("ray") is None:
            continue
        model = ["--model", tiny_model] if command[1] == "derain" else []
        result = run_here(*command[1:], *model)
        assert result.returncode == 0, result.stderr
        assert "--dry-run" not in command or "0 to do, 6 skipped, 0 refused" in result.stderr
    names = [sorted(path.relative_to(folder) for path in Path(folder).rglob("*.png")) for folder in ("photos", "parts")]
    assert names[0] == names[1]


@pytest.mark.skipif(os.name == "nt", reason="a script for bash")
def test_the_slurm_script_does_its_part(here, tiny_model):
    program = Path("bin/glmha")
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m glmha_cli "$@" --model {tiny_model}\n')
    program.chmod(0o755)
    for task in ("1", "2"):
        environment = {
            **os.environ,
            "PATH": f"{here / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "SLURM_ARRAY_TASK_ID": task,
            "SLURM_ARRAY_TASK_COUNT": "2",
        }
        command = ["bash", ROOT / "examples/cluster/slurm.sh", "photos/", "out/", "records/"]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
        assert result.returncode == 0, result.stderr
    done = [
        json.loads(line)["output"]
        for task in ("1", "2")
        for line in Path(f"records/{task}.jsonl").read_text().splitlines()
        if json.loads(line)["status"] == "ok"
    ]
    assert sorted(done) == sorted(map(str, (here / "out").rglob("*.png"))) and len(done) == 6
