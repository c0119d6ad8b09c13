"""The bar on a terminal, the memory of a large photo, and seams."""

import json
import os
import pty
import re
import resource
import subprocess
import sys
from typing import IO

import numpy as np
import pytest
from PIL import Image

from tests.conftest import run_glmha


def on_a_terminal(*arguments: object, stdout: IO[bytes] | None = None) -> str:
    """Everything the command shows when stderr is a terminal."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "glmha_cli", *map(str, arguments)],
        stderr=follower,
        stdout=stdout,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # Linux: the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(leader)
    assert process.wait(60) == 0
    return shown.decode()


def test_lines_for_stdout_go_there_though_a_bar_moves(tiny_model, tmp_path):
    (tmp_path / "in").mkdir()
    for name in "abc":
        Image.effect_noise((50, 40), 50).convert("RGB").save(tmp_path / "in" / f"{name}.png")
    with (tmp_path / "lines").open("wb") as lines:
        shown = on_a_terminal(
            "derain", tmp_path / "in", tmp_path / "out", "--json", "--model", tiny_model, stdout=lines
        )
    records = [json.loads(line) for line in (tmp_path / "lines").read_text().splitlines()]
    assert [record["status"] for record in records] == ["ok"] * 3 and '"status"' not in shown


def test_the_bar_moves_over_the_tiles(tiny_model, tmp_path):
    source = tmp_path / "in.png"
    Image.effect_noise((500, 400), 50).convert("RGB").save(source)
    shown = on_a_terminal("derain", source, tmp_path / "out.png", "--model", tiny_model, "--tile", "64", "--scale", "1")
    counts = {int(done) for done in re.findall(r"(\d+)/180", shown)}
    assert len(counts) >= 3, shown[-500:]


def test_names_in_bars_are_printable(tiny_model, tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("\x1b]0;title\x1b\\.png", "b.png"):
        Image.new("RGB", (64, 64)).save(tmp_path / "in" / name)
    shown = on_a_terminal("derain", tmp_path / "in", tmp_path / "out", "--model", tiny_model)
    assert "\\x1b]0;title" in shown and "\x1b]0;title" not in shown


@pytest.mark.long
def test_a_photo_of_4000x3000_stays_within_4_gb_and_without_seams(tmp_path):
    """With the bundled checkpoint: peak memory of the process, and gradients across seams against elsewhere."""
    source, out = tmp_path / "in.png", tmp_path / "out.png"
    rng = np.random.default_rng(0)
    rough = Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8)).resize((4000, 3000), Image.Resampling.BICUBIC)
    rough.save(source, compress_level=1)
    result = run_glmha("derain", source, out, timeout=1800)
    assert result.returncode == 0, result.stderr
    peak_bytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    assert peak_bytes < 4e9, f"{peak_bytes / 1e9:.2f} GB"
    assert_no_seams(np.asarray(Image.open(out), float).mean(axis=2))


def assert_no_seams(image: np.ndarray) -> None:
    """Steps at the columns and rows where tiles begin and end are no larger than at any others."""
    from glmha_cli.inference.tiling import Tiling, spans

    for axis in (0, 1):
        steps = np.abs(np.diff(image, axis=axis)).mean(axis=1 - axis)
        edges = {edge for span in spans(image.shape[axis], Tiling()) for edge in (span.start, span.stop)}
        at_seams = [edge - 1 for edge in edges if 0 < edge < image.shape[axis]]
        elsewhere = np.delete(steps, at_seams)
        assert steps[at_seams].mean() < elsewhere.mean() + 3 * elsewhere.std() / np.sqrt(len(at_seams))
