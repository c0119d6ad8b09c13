"""A checkpoint goes through the wire in parts, each below the limit, and comes out the same."""

import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

from glmha_cli.weights.about import read_about
from glmha_cli.weights.checkpoint import save_checkpoint

ROOT = Path(__file__).parents[2]


def parts(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, ROOT / "tools" / "parts.py", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )


def test_split_and_join(tmp_path):
    state = {f"layer{i}.weight": torch.randn(300, 100, generator=torch.Generator().manual_seed(i)) for i in range(9)}
    about = {"task": "derain", "network": {"name": "restormer"}}
    whole, folder, joined = tmp_path / "best.safetensors", tmp_path / "parts", tmp_path / "joined.safetensors"
    save_checkpoint(whole, state, about, dtype=torch.float16)
    limit = 0.2 * 2**20
    assert parts("split", whole, folder, "--max-mib", 0.2).returncode == 0
    shards = sorted(folder.glob("*.safetensors"))
    assert len(shards) == 3 and all(shard.stat().st_size < limit for shard in shards)
    assert parts("join", folder, joined).returncode == 0
    assert read_about(joined) == about
    before, after = load_file(whole), load_file(joined)
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    shards[1].unlink()
    failed = parts("join", folder, tmp_path / "again.safetensors")
    assert failed.returncode != 0 and shards[1].name in failed.stderr and not (tmp_path / "again.safetensors").exists()
