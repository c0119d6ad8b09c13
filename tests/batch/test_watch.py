"""A watched folder: files as they come, half ones, bad ones, and the end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

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
