"""A watched folder: files as they come, half ones, bad ones, and the end."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path, PurePath

import pytest
from PIL import Image

from glmha_cli.batch import watch as module
from glmha_cli.batch.plan import naming_of
from glmha_cli.batch.report import Reporter
from glmha_cli.batch.request import BatchRequest
from glmha_cli.batch.watch import watch
from glmha_cli.inference.loader import Loader
from glmha_cli.tasks.derain import DERAIN
from tests.cli.in_process import run_here


def wait_for(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_files_are_taken_once_they_are_complete(tmp_path, monkeypatch, tiny_model, number, code):
    monkeypatch.chdir(tmp_path)
    Path("in/below").mkdir(parents=True)
    Image.new("RGB", (30, 20)).save("whole.png")
    data = Path("whole.png").read_bytes()
    command = [sys.executable, "-m", "glmha_cli", "derain", "in", "out", "--watch", "-r", "--record", "run.jsonl"]
    with subprocess.Popen([*command, "--model", tiny_model], stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_for(lambda: Path("out").is_dir())
            Path("in/bad.png").write_bytes(data[:60])
            with open("in/slow.png", "wb") as slow:
                for at in range(0, len(data), 20):
                    slow.write(data[at : at + 20])
                    slow.flush()
                    time.sleep(0.4)
                    assert not Path("out/slow.png").exists()
            wait_for(Path("out/slow.png").exists)
            os.replace("whole.png", "in/below/moved.png")
            wait_for(Path("out/below/moved.png").exists)
            Path("in/bad.png").write_bytes(data)  # mended
            wait_for(Path("out/bad.png").exists)
        finally:
            process.send_signal(number)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == code, said
    lines = [json.loads(line) for line in Path("run.jsonl").read_text().splitlines()]
    ends = [(Path(line["output"]).name, line["status"]) for line in lines if line["status"] != "writing"]
    assert ends == [("bad.png", "failed"), ("slow.png", "ok"), ("moved.png", "ok"), ("bad.png", "ok")]
    assert not list(Path("out").rglob(".glmha-*"))


def test_only_a_folder_can_be_watched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (30, 20)).save("a.png")
    result = run_here("derain", "a.png", "out", "--watch")
    assert result.returncode == 2 and "one folder" in result.stderr


def test_two_files_with_one_output_do_not_end_it(tmp_path, monkeypatch, tiny_model):
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for name in ("a.png", "A.png", "b.png"):
        Image.new("RGB", (30, 20)).save(Path("in", name))
    command = [sys.executable, "-m", "glmha_cli", "derain", "in", "out", "--watch", "--model", tiny_model]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_for(Path("out/b.png").exists)
            Image.new("RGB", (30, 20)).save("in/B.png")
            Image.new("RGB", (30, 20)).save("in/c.png")
            wait_for(Path("out/c.png").exists)
        finally:
            process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 143, said
    assert sorted(os.listdir("out")) == ["A.png", "b.png", "c.png"]
    assert said.count("would both become") == 2 and "'in/b.png' and 'in/B.png'" in said


@pytest.fixture
def looks(tmp_path, monkeypatch):
    """Looks four times through the folder `in`, whose outputs are copies; what was taken, and what was said."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    taken, said = [], Reporter()
    said.warnings = []
    said.warning = said.warnings.append

    def restored(request, loader, reporter):
        names = Path(request.files_from).read_bytes().split(b"\0")[:-1]
        taken.extend(map(os.fsdecode, names))
        for source in map(Path, map(os.fsdecode, names)):
            shutil.copy(source, Path(request.output) / naming_of(loader.task, request)(PurePath(source.name)))

    def look(**options):
        count = iter(range(4))

        def sleep(seconds):
            if next(count, None) is None:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            watch(BatchRequest(inputs=["in"], **options), Loader(task=DERAIN), said, sleep=sleep)
        return taken, said.warnings

    monkeypatch.setattr(module, "run", restored)
    return look


@pytest.mark.parametrize(
    "options", [{"suffix": "_d"}, {"ext": "tif", "overwrite": True}, {"suffix": "_d", "ext": "jpg"}]
)
def test_outputs_in_the_watched_folder_are_no_inputs(looks, options):
    """They were restored once more, and what came of that again, without an end."""
    Image.new("RGB", (30, 20)).save("in/a.png")
    assert looks(output="in", **options) == (["in/a.png"], [])
    Path("in/a.png").touch()
    taken, _ = looks(output="in/", **options)
    assert set(taken) == {"in/a.png"} and len(os.listdir("in")) == 2


def test_a_file_that_would_be_its_own_output_is_told(looks):
    Image.new("RGB", (30, 20)).save("in/a.png")
    taken, warnings = looks(output="in", overwrite=True)
    assert taken == [] and len(warnings) == 1 and "output and input are the same file, 'in/a.png'" in warnings[0]


@pytest.mark.parametrize("output", ["in/a.png", "no/such/folder"])
def test_what_cannot_be_the_folder_of_outputs_is_told_as_of_any_run(tmp_path, monkeypatch, output):
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Image.new("RGB", (30, 20)).save("in/a.png")
    result = run_here("derain", "in", output, "--watch")
    assert result.returncode == 73 and "Errno" not in result.stderr
