"""Folders as people have them: files that are no inputs, names that collide, pipes, addresses of the web."""

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glmha_cli.batch.jobs import Naming
from glmha_cli.errors import NoInputError
from glmha_cli.io.cubes.cube import read_cube
from glmha_cli.io.photos.formats import output_suffix
from glmha_cli.io.photos.read import read_photo
from tests.batch.test_plan import here, plan, refusal, touch  # noqa: F401 - a fixture
from tests.cli.in_process import run_here

pytestmark = pytest.mark.usefixtures("here")


def test_what_is_ignored_is_said_by_suffix_and_count(tiny_model):
    touch("in/a.txt", "in/B.TXT", "in/c.psd", "in/.DS_Store", "in/below/d.png", "in/README")
    Image.new("RGB", (20, 20)).save("in/a.png")
    result = run_here("derain", "in", "out", "--model", tiny_model)
    assert result.returncode == 0, result.stderr
    said = result.stderr.splitlines()[-1]
    assert said.startswith("ignored: 2 .txt, ")
    assert set(said.removeprefix("ignored: ").split(", ")) == {
        "2 .txt",
        "1 .psd",
        "1 hidden",
        "1 without a suffix",
        "1 sub-folder (--recursive)",
    }


def test_a_pattern_says_what_it_matched_and_cannot_read():
    touch("in/a.png", "in/b.xcf")
    result = run_here("derain", "in/*", "out", "--dry-run")
    assert "ignored: 1 .xcf" in result.stderr


def test_nothing_is_said_where_nothing_was_ignored():
    touch("in/a.png", "out/b.txt")
    assert "ignored" not in run_here("derain", "in", "out", "--dry-run").stderr


def test_names_that_collide_by_their_extension_get_apart_by_one_option():
    touch("in/IMG_1.HEIC", "in/IMG_1.JPG", "in/b.jpeg")
    assert "--keep-ext makes 'IMG_1.HEIC.jpg' of 'in/IMG_1.HEIC'" in refusal("in", "out", "--ext", "jpg", code=2)
    assert plan("in", "out", "--ext", "jpg", "--keep-ext") == {
        "in/IMG_1.HEIC": "out/IMG_1.HEIC.jpg",
        "in/IMG_1.JPG": "out/IMG_1.jpg",
        "in/b.jpeg": "out/b.jpeg.jpg",
    }


def test_a_kept_extension_goes_before_the_suffix():
    naming = Naming(extension_for=output_suffix, suffix="_dry", writable=(), kind="photo", keep_ext=True)
    assert naming(Path("a.avif")) == Path("a.avif_dry.jpg")
    assert naming(Path("a.PNG")) == Path("a_dry.PNG")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of POSIX")
def test_a_named_pipe_is_read_as_stdin_is(tiny_model):
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save("a.png")
    os.mkfifo("pipe")
    feeding = threading.Thread(target=lambda: Path("pipe").write_bytes(Path("a.png").read_bytes()))
    feeding.start()
    result = run_here("derain", "pipe", "out.png", "--model", tiny_model)
    feeding.join()
    assert result.returncode == 0, result.stderr
    assert result.stderr.startswith("pipe -> out.png")
    assert Image.open("out.png").size == (30, 20)


@pytest.mark.skipif(not os.path.exists("/dev/stdin"), reason="a file of POSIX")
def test_dev_stdin_and_pipes_of_a_shell_are_read(tiny_model):
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save("a.png")
    command = f'"$@" derain /dev/stdin b.png --model {tiny_model} < a.png && "$@" derain <(cat a.png) c.png'
    done = subprocess.run(
        ["bash", "-c", f"{command} --model {tiny_model}", "bash", *_program()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Image.open("b.png").size == Image.open("c.png").size == (30, 20)


def _program() -> list[str]:
    return [sys.executable, "-c", "from glmha_cli.cli.app import main; main()"]


def test_what_comes_through_a_pipe_and_is_no_photo_is_named(tiny_model):
    os.mkfifo("pipe")
    feeding = threading.Thread(target=lambda: Path("pipe").write_bytes(b"no photo"))
    feeding.start()
    result = run_here("derain", "pipe", "out.png", "--model", tiny_model)
    feeding.join()
    assert result.returncode == 65 and "pipe is not a photo" in result.stderr and not os.path.exists("out.png")


def test_a_pipe_in_a_folder_costs_itself_alone(tiny_model):
    """Nobody writes into it: whoever opened it would wait for ever."""
    touch("in/a.png")
    Image.new("RGB", (20, 20)).save("in/a.png")
    os.mkfifo("in/b.png")
    result = run_here("derain", "in", "out", "--model", tiny_model)
    assert result.returncode == 1 and "'in/b.png' is not a file" in result.stderr
    assert os.listdir("out") == ["a.png"]


@pytest.mark.parametrize("reader", [read_cube, read_photo])
def test_a_pipe_is_no_file_for_readers(reader):
    os.mkfifo("pipe.npy")
    with pytest.raises(NoInputError, match="device, not a file"):
        reader(Path("pipe.npy"))


@pytest.mark.parametrize(("name", "kind"), [("/dev/null", "device"), ("in", "folder")])
def test_what_is_there_and_no_file_is_not_called_missing(name, kind):
    touch("in/a.png")
    result = run_here("derain", "a.png", "b.png", "--model", "m", "--only", name)
    assert result.returncode == 66 and "did you mean" not in result.stderr


@pytest.mark.parametrize("output", ["a.png/out.png", "a.png/below/out.png", "a.png/out"])
def test_no_folder_can_be_made_below_a_file(output):
    touch("a.png", "b.png")
    result = run_here("derain", *(["a.png"] if output.endswith(".png") else ["a.png", "b.png"]), output)
    assert result.returncode == 73 and "'a.png' is not a folder" in result.stderr and "mkdir" not in result.stderr


@pytest.mark.parametrize(
    ("address", "hint"), [("https://example.org/a.png", "curl -O"), ("s3://bucket/a.png", "copy it from s3://")]
)
@pytest.mark.parametrize(
    "arguments", [("compare", "{}", "b.png", "-o", "c.html"), ("degrade", "derain", "{}", "out.png")]
)
def test_an_address_is_told_from_a_path_where_files_alone_are_taken(address, hint, arguments):
    result = run_here(*(argument.format(address) for argument in arguments))
    assert result.returncode == 2, result.stderr
    assert "is an address, not a file" in result.stderr and address in result.stderr and hint in result.stderr


def test_an_address_is_told_without_what_opens_it():
    secret = "https://anna:a@secret@example.org/a.png?X-Amz-Signature=secret"
    result = run_here("compare", secret, "b.png", "-o", "c.html")
    assert result.returncode == 2 and "https://example.org/a.png" in result.stderr and "secret" not in result.stderr


def test_an_unknown_model_suggests_nothing_far_from_it():
    result = run_here("derain", "a.png", "b.png", "--model", "nosuch")
    assert "did you mean" not in result.stderr
    touch("a.png")
    result = run_here("derain", "a.png", "b.png", "--model", "derian-lite")
    assert "did you mean derain-lite" in result.stderr, result.stderr


def test_a_preview_goes_to_stdout():
    np.save("cube.npy", np.full((6, 8, 3), 0.5, np.float32))
    done = subprocess.run(
        [*_program(), "preview", "cube.npy", "-", "--bands", "2,1,0"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert Image.open(io.BytesIO(done.stdout)).size == (8, 6)
    assert b"stdout" in done.stderr
