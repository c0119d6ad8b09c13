"""`glmha --help` answers at once: no torch, no onnxruntime, no numpy behind it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import run_glmha

HEAVY = ("torch", "onnxruntime", "numpy", "lightning", "huggingface_hub")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["derain", "--help"], ["models"], ["models", "pull", "--help"]]
)
def test_light_verbs_load_nothing_heavy(arguments):
    code = (
        "import sys\nsys.argv = ['glmha', *" + repr(arguments) + "]\nfrom glmha_cli.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        f"found = [name for name in {HEAVY!r} if name in sys.modules]\nassert not found, found\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr


def computing_seconds(*commands: list[str]) -> list[float]:
    """Of each the least of several runs, taken in turns: other work on the machine hits them alike, and the tool is not
    slower for it."""

    def seconds(command: list[str]) -> float:
        before = os.times()
        subprocess.run(command, capture_output=True, check=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    rounds = [[seconds(command) for command in commands] for _ in range(7)]
    return [min(runs) for runs in zip(*rounds, strict=True)]


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_take_little_more_than_typer_itself(argument):
    """About twice as long as loading what Typer prints a help with; numpy alone would be as much again."""
    alone = [sys.executable, "-c", "import typer.main, rich.console, rich.markdown"]
    ours, least = computing_seconds([sys.executable, "-m", "glmha_cli", argument], alone)
    assert ours < 3 * least


def test_version_is_one_line_on_stdout():
    from glmha_cli import __version__

    assert run_glmha("--version").stdout == f"glmha {__version__}\n"


def test_ctrl_c_while_it_starts_ends_without_a_traceback(tmp_path):
    """Here with the first import that is not ours."""
    (tmp_path / "typer.py").write_text("import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)\n")
    command = [sys.executable, "-m", "glmha_cli", "--version"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path.cwd())])}
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=env)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")
