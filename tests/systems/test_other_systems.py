"""Windows and macOS, by what they lack: the same batch, in processes where glmha finds no such call."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import ROOT, run_glmha

SYSTEMS = ["windows", "macos"]
HERE = Path(__file__).parent


def as_on(system: str) -> dict[str, str]:
    paths = os.pathsep.join([str(HERE), str(ROOT)])
    return {**os.environ, "PYTHONPATH": paths, "GLMHA_TEST_SYSTEM": system, "GLMHA_COMPILED_STEPS": "off"}


@pytest.fixture
def folder(tmp_path, photo) -> Path:
    """Two photos, and one that is none."""
    folder = tmp_path / "in"
    folder.mkdir()
    with Image.open(photo) as image:
        image.save(folder / "a.png")
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "b.jpg")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing behind")
    return folder


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_a_system_lacks_is_lacking(system):
    code = "import os, signal; print(hasattr(os, 'sched_getaffinity'), hasattr(signal, 'SIGHUP'))"
    there = run_python("glmha_cli.somewhere", code, system)
    assert there.split() == ["False", str(system == "macos")]
    assert run_python("elsewhere", code, system).split() == ["True", "True"]


def run_python(module: str, code: str, system: str) -> str:
    """What code prints that runs as part of a module."""
    import subprocess
    import sys

    program = f"exec({code!r}, {{'__name__': {module!r}}})"
    return subprocess.run(
        [sys.executable, "-c", program], env=as_on(system), capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_batch_is_done_and_resumed_as_on_linux(system, folder, tmp_path, tiny_model):
    out, expected, record = tmp_path / "out", tmp_path / "expected", tmp_path / "run.jsonl"
    # Without compiled steps, which other systems lack, no CPU computes in bfloat16 by itself.
    run_glmha("derain", folder, expected, "--model", tiny_model, "--precision", "fp32")
    for output, status in [(out, "ok"), (out, "skipped")]:
        done = run_glmha(
            "derain", folder, output, "--model", tiny_model, "--record", record, "--resume", "--json",
            env=as_on(system),
        )  # fmt: skip
        assert done.returncode == 1 and "broken.png" in done.stderr and "internal error" not in done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert [line["status"] for line in lines if "broken" not in line["input"]] == [status, status]
    assert {path.name for path in out.iterdir()} == {"a.png", "b.jpg"}
    for path in out.iterdir():
        with Image.open(path) as ours, Image.open(expected / path.name) as theirs:
            assert ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("arguments", [["doctor", "--json"], ["models"], ["bench", "--help"]])
def test_other_verbs_work(system, arguments):
    done = run_glmha(*arguments, env=as_on(system))
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
