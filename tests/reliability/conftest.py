"""What kills runs of glmha, and the small batch that it kills them in."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT

NAMES = [f"{'sub/' * (i % 3)}{i}.{extension}" for i, extension in enumerate(["png", "jpg", "tif", "webp"] * 3)]


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
        kill_at: tuple[int, bool] | None = None,
    ) -> int:
        """Exit code; negative if it was the signal that ended it: after so many seconds, as soon as that holds, or at
        the move of its n-th output into place, before it or after.
        """
        order = {"arguments": list(map(str, arguments)), "kill_at": kill_at}
        self.process.stdin.write(json.dumps(order) + "\n")
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
