"""Whatever reading a file does to its process, the caller gets an error that names the file, and reads the next one."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from glmha_cli.errors import BadDataError, GlmhaError, NoInputError
from glmha_cli.io import supervised as module
from glmha_cli.io.supervised import Supervised
from tests.conftest import ROOT


def double(path, array):
    print("what a library prints", flush=True)
    return {"twice": 2 * array, "name": path.name}


def fail(path, error):
    raise error


def crash(path):
    os.kill(os.getpid(), signal.SIGSEGV)


def hang(path):
    re.match("(a+)+b", "a" * 60)  # in C, and without giving other threads a turn


def fill(path, size):
    return np.ones(size, np.uint8).sum()


def own_id(path):
    return os.getpid()


PATH = Path("photo.png")


def name(function) -> str:
    return f"{__name__}:{function.__name__}"


@pytest.fixture
def reader():
    reader = Supervised()
    yield reader
    reader.close()


def test_results_come_whole_and_can_be_written_to(reader):
    array = np.arange(12.0).reshape(3, 4)
    answer = reader.read(name(double), PATH, array)
    np.testing.assert_array_equal(answer["twice"], 2 * array)
    assert answer["name"] == "photo.png"
    answer["twice"][0] = 0
    assert reader.read(name(own_id), PATH) == reader.read(name(own_id), PATH) != os.getpid()


@pytest.mark.parametrize(
    "error",
    [
        NoInputError("gone", "look elsewhere"),
        BadDataError("bad"),
        OSError(5, "disk"),
        MemoryError("full"),
        KeyError("x"),
    ],
)
def test_errors_come_as_they_were_raised(reader, error):
    with pytest.raises(RuntimeError if isinstance(error, KeyError) else type(error)) as raised:
        reader.read(name(fail), PATH, error)
    assert not isinstance(error, GlmhaError) or vars(raised.value) == vars(error)


def test_a_crash_costs_the_file_alone(reader):
    for _ in range(2):
        with pytest.raises(BadDataError, match="'photo.png' is damaged: its decoder crashed"):
            reader.read(name(crash), PATH)
        assert reader.read(name(double), PATH, np.ones(2))["name"] == "photo.png"


def test_a_decoder_that_does_not_end_is_ended(reader, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(module, "SECONDS", 5)
        with pytest.raises(BadDataError, match="'photo.png' is damaged: reading it takes over 5 s"):
            reader.read(name(hang), PATH)
    reader.read(name(own_id), PATH)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process has taken")
def test_memory_has_a_limit():
    reader = Supervised(memory_bytes=1 << 30)
    with pytest.raises(MemoryError):
        reader.read(name(fill), PATH, 2 << 30)
    assert reader.read(name(fill), PATH, 1000) == 1000
    reader.close()


def test_a_process_that_was_ended_while_it_waited_is_no_fault_of_the_next_file(reader):
    os.kill(reader.read(name(own_id), PATH), signal.SIGKILL)
    reader.process.wait()
    assert reader.read(name(double), PATH, np.ones(2))["name"] == "photo.png"


def test_closing_ends_a_read_that_is_under_way(reader):
    reader.read(name(own_id), PATH)
    threading.Timer(0.3, reader.close).start()
    with pytest.raises(GlmhaError):
        reader.read(name(hang), PATH)
    with pytest.raises(GlmhaError, match="ended"):
        reader.read(name(own_id), PATH)


def test_without_another_process_files_are_read_in_this_one(monkeypatch):
    def refuse(*arguments, **options):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    said = []
    reader = Supervised(say=said.append)
    assert reader.read(name(own_id), PATH) == reader.read(name(own_id), PATH) == os.getpid()
    assert len(said) == 1 and "Resource temporarily unavailable" in said[0]


def test_it_does_not_outlive_its_caller():
    code = (
        "from tests.io.test_supervised import *\nreader = Supervised()\n"
        "print(reader.read(name(own_id), PATH), flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True
    )
    child = int(done.stdout)
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{child}/stat").exists() and Path(f"/proc/{child}/stat").read_text().split()[2] == "Z":
            return  # nobody waits for it here
        time.sleep(0.1)
    pytest.fail("still there")


@pytest.mark.filterwarnings("error")
def test_nothing_stays_open():
    reader = Supervised()
    reader.read(name(own_id), PATH)
    process = reader.process
    reader.close()
    assert process.stdin.closed and process.stdout.closed


def size(path):
    return os.path.getsize(path)


def test_paths_are_relative_to_the_folder_of_the_moment(reader, tmp_path, monkeypatch):
    for number, folder in enumerate(("one", "two"), 1):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "photo.png").write_bytes(bytes(number))
        monkeypatch.chdir(tmp_path / folder)
        assert reader.read(name(size), PATH) == number
