"""kill -9 at random moments of a batch, again and again: no half file under a final name, and resuming gives the same
bytes."""

import hashlib
import json
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.reliability.conftest import NAMES, Starter, shown

WRITING = b'"status": "writing"'


def check(out: Path, record: Path, expected: dict[str, bytes], old: dict[str, bytes]) -> None:
    """Every file is the new one or the old one, and the record claims no more than there is."""
    for name, content in shown(out).items():
        assert content in (expected[name], old.get(name)), f"{name}: neither old nor new"
    for text in record.read_bytes().splitlines() if record.exists() else ():
        line = json.loads(text)
        if line["status"] == "ok":
            assert hashlib.sha256(Path(line["output"]).read_bytes()).hexdigest() == line["sha256"]


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def begun_in(record: Path) -> int:
    """How many files the record says to be written."""
    return record.read_bytes().count(WRITING) if record.exists() else 0


def has_begun(record: Path, count: int) -> bool:
    return begun_in(record) > count


def kill_often(
    starter: Starter, command: list[object], tmp_path: Path, kills: int, *, overwrite: bool, seed: int = 0
) -> Counter:
    """Batches, each killed and resumed until it ends by itself, until so many kills have hit. What they hit is
    counted."""
    start = time.perf_counter()
    assert starter.run(*command, tmp_path / "undisturbed") == 0
    seconds = time.perf_counter() - start
    expected, old = shown(tmp_path / "undisturbed"), {}
    assert sorted(expected) == sorted(NAMES)
    if overwrite:
        assert starter.run(*command, tmp_path / "old", "--quality", 30, "--strip-metadata", "--tile", 32) == 0
        old = shown(tmp_path / "old")
    count, chance = Counter(), random.Random(seed)
    while count["kills"] < kills:
        count["batches"] += 1
        out, record = tmp_path / f"out{count['batches']}", tmp_path / f"run{count['batches']}.jsonl"
        for name, content in old.items():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_bytes(content)
        resume = [*command, out, "--record", record, "--resume", *(["--overwrite"] if overwrite else [])]
        while count["kills"] < kills:
            hidden, recorded = len(list(out.rglob(".*"))), size_of(record)
            code = starter.run(*resume, kill_after=chance.uniform(0, seconds))
            check(out, record, expected, old)
            if code == 0:
                break
            assert code == -signal.SIGKILL
            count["kills"] += 1
            count["while a file was written"] += len(list(out.rglob(".*"))) > hidden
            count["before the line of a file"] += (
                size_of(record) > recorded and WRITING in record.read_bytes().splitlines()[-1]
            )
        assert starter.run(*resume) == 0
        assert shown(out) == expected
    return count


def test_killed_a_few_times(starter, command, tmp_path):
    count = kill_often(starter, command, tmp_path, 6, overwrite=False)
    assert count["kills"] == 6


@pytest.mark.long
@pytest.mark.parametrize("overwrite", [False, True])
def test_killed_a_hundred_times(starter, command, tmp_path, overwrite, capsys):
    count = kill_often(starter, command, tmp_path, 100, overwrite=overwrite, seed=1)
    with capsys.disabled():
        print(dict(count))
    assert count["while a file was written"] > 0
