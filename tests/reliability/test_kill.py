"""kill -9 at random moments of a batch, again and again: no half file under a final name, and resuming gives the same
bytes."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT

NAMES = [f"{'sub/' * (i % 3)}{i}.{extension}" for i, extension in enumerate(["png", "jpg", "tif", "webp"] * 3)]

WRITING = b'"status": "writing"'


class Starter:
    """See tests/reliability/starter.py."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.starter"],
            cwd=ROOT,
            text=True,
            bufsize=1,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout.readline() == "ready\n"

    def run(
        self,
        *arguments: object,
        kill_after: float | None = None,
        kill_when: Callable[[], bool] | None = None,
    ) -> int:
        """Exit code; negative if it was the signal that ended it, after so many seconds or as soon as that holds."""
        self.process.stdin.write(json.dumps(list(map(str, arguments))) + "\n")
        child = int(self.process.stdout.readline())
        if kill_when is not None:
            while has_not_ended(child) and not kill_when():
                time.sleep(0.0002)
            os.kill(child, signal.SIGKILL)
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(child, signal.SIGKILL)
        self.process.stdin.write("\n")
        return int(self.process.stdout.readline())


@pytest.fixture(scope="module")
def starter() -> Iterator[Starter]:
    starter = Starter()
    yield starter
    starter.process.communicate()


@pytest.fixture
def command(tmp_path, tiny_model) -> list[object]:
    for i, name in enumerate(NAMES):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (48, 64, 3), np.uint8)).save(path)
    return ["derain", tmp_path / "in", "--recursive", "--quiet", "--model", tiny_model]


def has_not_ended(child: int) -> bool:
    return Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def shown(folder: Path) -> dict[str, bytes]:
    """All files but the hidden ones that a killed writer may leave."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


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


def kill_and_retouch(starter: Starter, command: list[object], tmp_path: Path, kills: int, *, seed: int = 0) -> Counter:
    """Batches, each killed and resumed until all is done, while someone changes outputs by hand between the runs."""
    count, chance = Counter(), random.Random(seed)
    while count["kills"] < kills:
        count["batches"] += 1
        out, record = tmp_path / f"out{count['batches']}", tmp_path / f"run{count['batches']}.jsonl"
        retouched: dict[Path, bytes] = {}
        code = -signal.SIGKILL
        while code == -signal.SIGKILL and count["kills"] < kills:
            begun = begun_in(record) + chance.randrange(3)
            code = starter.run(
                *command, out, "--record", record, "--resume", kill_when=partial(has_begun, record, begun)
            )
            assert code in (-signal.SIGKILL, 0, 1)
            assert all(path.read_bytes() == content for path, content in retouched.items()), "something was lost"
            count["kills"] += code == -signal.SIGKILL
            path = last_written(record) or chance.choice([None, *(out / name for name in sorted(shown(out)))])
            if code == -signal.SIGKILL and path is not None and path.exists() and path not in retouched:
                count['between "writing" and "ok"'] += path == last_written(record)
                retouched[path] = f"retouched {count['kills']}".encode()
                path.write_bytes(retouched[path])
        count["retouched"] += len(retouched)
    return count


def last_written(record: Path) -> Path | None:
    """The output that the run was cut off at, if its record says so."""
    lines = record.read_bytes().splitlines() if record.exists() else []
    return Path(json.loads(lines[-1])["output"]) if lines and WRITING in lines[-1] else None


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


def test_what_is_retouched_after_a_kill_is_kept(starter, command, tmp_path):
    assert kill_and_retouch(starter, command, tmp_path, 4)["kills"] == 4


@pytest.mark.long
def test_what_is_retouched_after_any_of_200_kills_is_kept(starter, command, tmp_path, capsys):
    count = kill_and_retouch(starter, command, tmp_path, 200, seed=1)
    with capsys.disabled():
        print(dict(count))
    assert count["retouched"] > 20
