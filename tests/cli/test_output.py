"""What is said: names as they are, whatever they look like; and what the system refuses, as one line."""

import json
import math
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path, PurePath

import numpy as np
import pytest
from PIL import Image
from rich.table import Table

from glmha_cli.cli.output import Output
from glmha_cli.cli.verb import guarded
from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.io.photos.read import Photo
from glmha_cli.io.photos.write import storing
from tests.cli.in_process import run_here
from tests.conftest import run_glmha
from tests.signalled import run_signalled

NAMES = ["final[red]", "12:100:05", "[/derain]x", "a[bold]b[/bold]", ":warning:"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_shown_as_they_are(capsys, name):
    table = Table("name")
    table.add_row(name)
    output = Output()
    output.table(table)
    output.note(name)
    output.remark(PurePath(name), "has no profile")
    output.warning(name)
    output.error(BadDataError(f"'{name}' is damaged"))
    shown = capsys.readouterr()
    assert name in shown.out
    said = [name, f"note: {name}: has no profile", f"warning: {name}", f"error: '{name}' is damaged"]
    assert shown.err.splitlines() == said


def test_a_name_that_stdout_cannot_say_is_escaped(tmp_path):
    (tmp_path / "雨.png").touch()
    command = [sys.executable, "-m", "glmha_cli", "derain", "雨.png", "out.png", "--dry-run"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"},
    )
    assert (done.returncode, done.stdout) == (0, "\\u96e8.png -> out.png\n"), done.stderr


@pytest.mark.parametrize(
    "arguments", [["models"], ["derain", "in", "out", "--dry-run"], ["derain", "in", "out", "--dry-run", "--json"]]
)
@pytest.mark.parametrize("with_stderr", [False, True])
def test_a_reader_that_has_gone_ends_it_as_sigpipe_would(tmp_path, arguments, with_stderr):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").touch()
    process = subprocess.Popen(
        [sys.executable, "-m", "glmha_cli", *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if with_stderr else subprocess.PIPE,
    )
    process.stdout.close()
    said = b"" if with_stderr else process.stderr.read()
    assert process.wait(60) == 141 and b"Error" not in said


def test_stdout_may_be_closed(tmp_path):
    (tmp_path / "a.png").touch()
    command = f"exec {shlex.quote(sys.executable)} -m glmha_cli derain a.png out.png --dry-run >&-"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0 and "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["derain", "a.png", "-"], ["preview", "cube.npy", "-"]])
def test_a_result_is_not_lost_in_a_closed_stdout(tmp_path, arguments):
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    np.save(tmp_path / "cube.npy", np.zeros((2, 3, 4), np.float32))
    command = f"exec {shlex.quote(sys.executable)} -m glmha_cli {shlex.join(arguments)} >&-"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 74 and done.stderr.startswith("error: stdout is closed"), done.stderr


@pytest.mark.parametrize("arguments", [["models"], ["record", "failed", "run.jsonl", "-0"], ["--help"], ["--version"]])
def test_what_a_full_disk_behind_stdout_does_not_take_is_one_line_and_a_code(tmp_path, arguments):
    failed = {"time": "2026-11-30", "input": "a.png", "output": "out.png", "status": "failed"}
    (tmp_path / "run.jsonl").write_text(json.dumps(failed) + "\n")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-m", "glmha_cli", *arguments]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, env=environment, check=False
        )
    assert done.returncode == 74 and "No space left" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_every_verb_that_is_ended_removes_what_it_has_begun(tmp_path, number):
    np.save(tmp_path / "cube.npy", np.zeros((60, 50, 31), np.float32))
    out = tmp_path / "out"
    out.mkdir()
    done = run_signalled(number, 1, "convert", "cube.npy", "out/cube.tif", "--axes", "hwb", cwd=tmp_path)
    assert (done.returncode, done.stderr, os.listdir(out)) == (128 + number, "", [])


@pytest.mark.parametrize("arguments", [["derain", "-", "out.png"], ["derain", "--files-from", "-", "out"]])
def test_stdin_may_be_closed(tmp_path, arguments):
    command = f"exec {shlex.quote(sys.executable)} -m glmha_cli {shlex.join(arguments)} <&-"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode in (65, 66) and len(done.stderr.splitlines()) == 1


def test_lines_that_a_full_disk_does_not_take_are_lost_and_the_batch_is_done(tmp_path, tiny_model):
    (tmp_path / "in").mkdir()
    for name in "abc":
        Image.new("RGB", (9, 9)).save(tmp_path / "in" / f"{name}.png")
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "glmha_cli", "derain", "in", "out", "--model", tiny_model]
        done = subprocess.run(command, cwd=tmp_path, stderr=full, check=False)
    assert done.returncode == 0 and len(list((tmp_path / "out").iterdir())) == 3


def test_no_bars_where_colours_are_asked_for_and_stderr_is_no_terminal(tmp_path, tiny_model):
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    done = run_glmha(
        "derain",
        *("a.png", "b.png", "--model", tiny_model),
        cwd=tmp_path,
        env={**os.environ, "FORCE_COLOR": "1", "TERM": "xterm"},
    )
    assert done.returncode == 0 and done.stderr.startswith("a.png -> b.png")


@pytest.mark.parametrize(
    "arguments",
    [
        ["derain", "a.png", "x" * 300 + "/out.png"],
        ["derain", "x" * 300, "out.png"],
        ["derain", "in", "x" * 300 + "/out"],
        ["convert", "x" * 300 + ".tif", "out.mat"],
    ],
)
def test_names_that_no_system_takes_are_one_line(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for name in ("a.png", "in/a.png"):
        Image.new("RGB", (9, 9)).save(name)
    result = run_here(*arguments)
    assert result.returncode in (66, 73) and len(result.stderr.splitlines()) == 1


def test_what_the_system_refuses_anywhere_is_one_line(capsys):
    def refused(options):
        raise PermissionError(13, "Permission denied", "somewhere")

    assert guarded(refused, None, debug=False) == 74
    said = capsys.readouterr().err
    assert "somewhere" in said and len(said.splitlines()) == 1


def test_a_side_too_long_for_the_format_is_told_before_the_work():
    photo = Photo(colours=np.zeros((1, 20_000, 3), np.uint8), bit_depth=8)
    with pytest.raises(UsageError, match="at most"):
        storing(Path("a.webp"), photo)


def test_a_terminal_without_a_width_hides_nothing(tmp_path):
    done = run_glmha("derain", "missing.png", "out.png", cwd=tmp_path, env={**os.environ, "COLUMNS": "0"})
    assert done.returncode == 66 and done.stderr.startswith("error: no file 'missing.png'")


@pytest.mark.parametrize("name", ["COLUMNS", "TERMINAL_WIDTH"])
@pytest.mark.parametrize("width", ["", "wide", "²", "-3"])
def test_a_width_that_is_no_number_is_none(tmp_path, name, width):
    done = run_glmha("--help", cwd=tmp_path, env={**os.environ, name: width})
    assert done.returncode == 0 and "derain" in done.stdout and not done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("derain", "", "out.png"),
        ("derain", "in.png", ""),
        ("derain", "-", ""),
        ("convert", "", "x.tif"),
        ("preview", ""),
    ],
)
def test_an_empty_name_is_no_folder(arguments):
    """What a shell makes of a variable that is not set."""
    done = run_here(*arguments)
    assert done.returncode == 2 and "an argument is empty" in " ".join(done.stderr.split()), done.stderr


def test_the_value_of_an_option_may_be_empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run_here("derain", "in.png", "out.png", "--suffix", "")
    assert done.returncode == 66 and "no file 'in.png'" in done.stderr


def test_numbers_that_json_lacks_are_null(capsys):
    Output(as_json=True).record({"a": math.nan, "b": [1.5, -math.inf, (math.inf,)], "c": {"d": math.nan, "e": True}})
    assert capsys.readouterr().out == '{"a": null, "b": [1.5, null, [null]], "c": {"d": null, "e": true}}\n'


def test_a_current_folder_that_is_gone_is_told(photo, tmp_path, monkeypatch):
    """PyTorch's MKL ended the process there, with exit code 2 and about a library of its own."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    result = run_here("derain", photo, tmp_path / "out.png")
    assert result.returncode == 66 and "the current folder is no longer there" in result.stderr
