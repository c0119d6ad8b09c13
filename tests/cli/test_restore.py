"""The restoring verbs as a user runs them: real processes, real files, exit codes and messages."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import run_glmha


def error_of(result):
    """The one line on stderr of a failed run: no traceback, nothing on stdout."""
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    return lines[0]


def test_a_photo_is_restored(tiny_model, photo, tmp_path):
    out = tmp_path / "out.png"
    result = run_glmha("derain", photo, out, "--model", tiny_model, "--json")
    assert result.returncode == 0, result.stderr
    with Image.open(out) as restored, Image.open(photo) as source:
        assert restored.size == source.size
        assert np.abs(np.asarray(restored, int) - np.asarray(source, int)).max() > 0
    record = json.loads(result.stdout)
    assert record["project"] is False
    assert record["status"] == "ok" and record["output"] == str(out) and record["tile"] == "256-288/32"
    assert len(record["sha256"]) == 64


def test_the_same_run_gives_the_same_bytes(tiny_model, photo, tmp_path):
    outs = [tmp_path / "a.png", tmp_path / "b.png"]
    for out in outs:
        assert run_glmha("derain", photo, out, "--model", tiny_model).returncode == 0
    assert outs[0].read_bytes() == outs[1].read_bytes()


@pytest.mark.parametrize("size", [(1, 1), (3, 300), (17, 16)])
def test_any_size(tiny_model, tmp_path, size):
    source, out = tmp_path / "in.png", tmp_path / "out.png"
    Image.new("RGB", size, (30, 90, 200)).save(source)
    assert run_glmha("derain", source, out, "--model", tiny_model).returncode == 0
    with Image.open(out) as restored:
        assert restored.size == size


def test_folder_to_folder_and_one_bad_file_costs_only_itself(tiny_model, photo, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in ("a.png", "c d.png", "é.png"):
        (folder / name).write_bytes(photo.read_bytes())
    (folder / "bad.png").write_bytes(photo.read_bytes()[:200])
    (folder / "notes.txt").write_text("no photo")
    result = run_glmha("derain", folder, out, "--model", tiny_model, "--json", "--ext", "jpg")
    assert result.returncode == 1
    assert sorted(path.name for path in out.iterdir()) == ["a.jpg", "c d.jpg", "é.jpg"]
    records = {record["input"]: record for record in map(json.loads, result.stdout.splitlines())}
    assert len(records) == 4
    bad = records[str(folder / "bad.png")]
    assert bad["status"] == "failed" and bad["reason"]
    assert "bad.png" in result.stderr


def test_stdout_is_empty_without_json_and_quiet_says_nothing(tiny_model, photo, tmp_path):
    talking = run_glmha("derain", photo, tmp_path / "a.png", "--model", tiny_model)
    assert talking.stdout == "" and "a.png" in talking.stderr
    silent = run_glmha("derain", photo, tmp_path / "b.png", "--model", tiny_model, "--quiet")
    assert silent.stdout == silent.stderr == ""


def test_existing_output_is_kept_unless_overwrite(tiny_model, photo, tmp_path):
    out = tmp_path / "out.png"
    out.write_bytes(b"precious")
    result = run_glmha("derain", photo, out, "--model", tiny_model)
    assert result.returncode == 73 and "--overwrite" in error_of(result)
    assert out.read_bytes() == b"precious"
    assert run_glmha("derain", photo, out, "--model", tiny_model, "--overwrite").returncode == 0
    assert out.read_bytes().startswith(b"\x89PNG")


def test_input_is_never_its_own_output(tiny_model, photo):
    before = photo.read_bytes()
    result = run_glmha("derain", photo, photo, "--model", tiny_model, "--overwrite")
    assert result.returncode == 2 and "same file" in error_of(result)
    assert photo.read_bytes() == before


def test_missing_input_names_the_closest(tiny_model, photo):
    result = run_glmha("derain", photo.with_name("phto.png"), "out.png", "--model", tiny_model)
    assert result.returncode == 66 and "photo.png" in error_of(result)


def test_missing_output_folder(tiny_model, photo, tmp_path):
    result = run_glmha("derain", photo, tmp_path / "no" / "out.png", "--model", tiny_model)
    assert result.returncode == 73 and "mkdir -p" in error_of(result)


def test_unknown_output_format(tiny_model, photo, tmp_path):
    result = run_glmha("derain", photo, tmp_path / "out.xyz", "--model", tiny_model)
    assert result.returncode == 2 and ".png" in error_of(result)


def test_damaged_input(tiny_model, photo, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    result = run_glmha("derain", bad, tmp_path / "out.png", "--model", tiny_model)
    assert result.returncode == 65 and "bad.jpg" in error_of(result)
    assert not (tmp_path / "out.png").exists()


def test_unknown_model_offers_the_closest(photo, tmp_path):
    result = run_glmha("derain", photo, tmp_path / "out.png", "--model", "derain-lit")
    assert result.returncode == 2 and "derain-lite" in error_of(result)


def test_unknown_task_offers_the_closest():
    result = run_glmha("derian", "a.png", "b.png")
    assert result.returncode == 2 and "derain" in result.stderr and "Traceback" not in result.stderr


def test_a_model_of_another_task_is_refused(tiny_model, photo, tmp_path):
    result = run_glmha("deblur", photo, tmp_path / "out.png", "--model", tiny_model)
    assert result.returncode == 2 and "derain" in error_of(result)


def test_foreign_weights_are_refused(photo, tmp_path):
    fake = tmp_path / "fake.safetensors"
    fake.write_bytes(b"not weights at all")
    result = run_glmha("derain", photo, tmp_path / "out.png", "--model", fake)
    assert result.returncode == 65 and "safetensors" in error_of(result)


@pytest.mark.parametrize("flags", [["--tile", "big"], ["--tile", "4"], ["--tile", "64", "--overlap", "40"]])
def test_impossible_tiles(tiny_model, photo, tmp_path, flags):
    result = run_glmha("derain", photo, tmp_path / "out.png", "--model", tiny_model, *flags)
    assert (result.returncode == 2 and "--tile" in error_of(result)) or "--overlap" in error_of(result)


def test_a_device_that_is_not_there(tiny_model, photo, tmp_path):
    import torch

    missing = next(
        device
        for device, there in {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}.items()
        if not there
    )
    result = run_glmha("derain", photo, tmp_path / "out.png", "--model", tiny_model, "--device", missing)
    assert result.returncode == 2 and "--device cpu" in error_of(result)


def test_debug_shows_the_traceback(photo, tmp_path):
    result = run_glmha("derain", photo, tmp_path / "out.png", "--model", "nothing", "--debug")
    assert result.returncode != 0 and "Traceback" in result.stderr


def test_ctrl_c_ends_with_130_and_leaves_nothing(tiny_model, tmp_path):
    source, out = tmp_path / "in.png", tmp_path / "out"
    Image.effect_noise((2000, 2000), 50).convert("RGB").save(source, compress_level=1)
    out.mkdir()
    command = [
        sys.executable,
        "-m",
        "glmha_cli",
        "derain",
        source,
        out / "a.png",
        "--model",
        tiny_model,
        "--tile",
        "32",
    ]
    process = subprocess.Popen([str(part) for part in command], stderr=subprocess.PIPE, text=True)
    while process.poll() is None and "libtorch" not in Path(f"/proc/{process.pid}/maps").read_text():
        time.sleep(0.1)
    time.sleep(4)  # past the other imports, long before the end
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in stderr
    assert list(out.iterdir()) == []
