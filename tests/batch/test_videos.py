"""`glmha derain clip.mp4 out.mp4`: videos by frames, alone and among the photos of a folder."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glmha_cli.io import videos
from glmha_cli.io.videos.read import read_frame
from tests.cli.in_process import run_here
from tests.cli.test_restore import error_of
from tests.io.videos.clips import HEIGHT, TIMES, WIDTH, frames_of, sound_of, times_of, write_clip

av = pytest.importorskip("av", reason="the optional extra `video` is not installed")


@pytest.fixture
def clip(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_clip(Path("clip.mp4"))
    return Path("clip.mp4")


def test_a_video_is_restored_frame_by_frame(clip, tiny_model):
    result = run_here(
        *("derain", clip, "out.mp4", "--model", tiny_model, "--scale", "1", "--tile", "whole"),
        *("--record", "run.jsonl", "--report", "report.html"),
    )
    assert result.returncode == 0, result.stderr
    assert times_of("out.mp4") == times_of(clip) and sound_of("out.mp4") == sound_of(clip)
    for index in (0, len(TIMES) - 1):  # as the frame alone, but for what the codec loses
        assert run_here("derain", clip, f"{index}.png", "--frame", index, "--model", tiny_model).returncode == 0
        alone = np.asarray(Image.open(f"{index}.png")).astype(int)
        assert np.abs(read_frame(Path("out.mp4"), index)[0].colours - alone).mean() < 4
    line = json.loads(Path("run.jsonl").read_text().splitlines()[-1])
    assert (line["status"], line["height"], line["width"]) == ("ok", HEIGHT, WIDTH)
    assert "clip.mp4" in Path("report.html").read_text()
    with av.open("out.mp4") as container:
        assert json.loads(container.metadata["comment"].removeprefix("glmha "))["sha256"] == line["weights_sha256"]
    again = ["--record", "run.jsonl", "--resume", "--scale", "1", "--tile", "whole"]
    again = run_here("derain", clip, "out.mp4", "--model", tiny_model, *again, "--json")
    assert json.loads(again.stdout)["status"] == "skipped"


def test_a_video_through_pipes_is_restored_as_from_a_file(clip, tiny_model):
    command = [sys.executable, "-m", "glmha_cli", "derain", "-", "-", "--model", str(tiny_model), "--scale", "1"]
    piped = subprocess.run(command, input=clip.read_bytes(), capture_output=True, check=False, timeout=120)
    assert piped.returncode == 0, piped.stderr.decode()
    Path("piped.mp4").write_bytes(piped.stdout)
    assert run_here("derain", clip, "file.mp4", *command[6:]).returncode == 0
    assert times_of("piped.mp4") == times_of(clip) and sound_of("piped.mp4") == sound_of(clip)
    for one, other in zip(frames_of("piped.mp4"), frames_of("file.mp4"), strict=True):
        np.testing.assert_array_equal(one.to_ndarray(format="rgb24"), other.to_ndarray(format="rgb24"))
    command = [*command[:3], "rgb2hsi", "-", "cube.tif"]
    cube = subprocess.run(command, input=clip.read_bytes(), capture_output=True, check=False, timeout=120)
    assert cube.returncode == 65 and b"stdin is not a photo" in cube.stderr


def test_a_folder_of_photos_and_videos(clip, tiny_model):
    Path("in").mkdir()
    clip.rename("in/clip.mp4")
    write_clip(Path("in/old.avi"), "mpeg4", sound="mp2")
    Path("in/broken.mp4").write_bytes(Path("in/clip.mp4").read_bytes()[:500])
    Image.fromarray(np.full((20, 30, 3), 99, np.uint8)).save("in/a.png")
    result = run_here("derain", "in", "out", "--ext", "jpg", "--model", tiny_model, "--scale", "1")
    assert result.returncode == 1
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.jpg", "clip.mp4", "old.mkv"]
    assert "broken.mp4" in result.stderr
    assert len(frames_of("out/old.mkv")) == len(frames_of("in/old.avi"))
    assert [data for _, data in sound_of("out/old.mkv")] == [data for _, data in sound_of("in/old.avi")]


def test_an_area_and_a_strength_count_in_each_frame(clip, tiny_model):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    Image.fromarray(mask).save("nothing.png")
    run = ["derain", clip, "out.mp4", "--model", tiny_model, "--only", "nothing.png"]
    assert run_here(*run).returncode == 0
    for index in range(len(TIMES)):
        before, after = (read_frame(path, index)[0].colours.astype(int) for path in (clip, Path("out.mp4")))
        assert np.abs(before - after).mean() < 3


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["derain", "clip.mp4", "out.png"], 2, "cannot write a video as '.png'"),
        (["derain", "clip.mp4", "out.png", "--frame", "6"], 65, "there is no frame 6"),
        (["derain", "clip.mp4", "out.avi"], 2, ".avi"),
        (["derain", "photo.png", "out.mp4"], 2, "cannot write photos as '.mp4'"),
        (["derain", "clip.mp4", "out.mp4", "--max-pixels", "100"], 65, "above the limit"),
    ],
)
def test_what_cannot_be_is_told_and_leaves_nothing(clip, tiny_model, arguments, code, words):
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save("photo.png")
    before = sorted(Path().iterdir())
    result = run_here(*arguments, "--model", tiny_model)
    assert result.returncode == code and words in error_of(result)
    assert sorted(Path().iterdir()) == before


def test_cubes_are_made_of_one_frame(clip):
    result = run_here("rgb2hsi", ".", "cubes")
    assert result.returncode == 66 and "no input files" in error_of(result)


def test_without_the_extra_it_is_named(clip, tiny_model, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "av" else find(name, *rest))
    with pytest.raises(videos.UsageError, match="need the optional package av") as caught:
        read_frame(clip, 0)
    assert "video" in caught.value.hint
