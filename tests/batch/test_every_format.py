"""One folder with a file of each format, as other libraries write them, two broken ones and an unknown one."""

import json
import shutil
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.cli.in_process import run_here
from tests.io.photos.raw import dng

DATA = Path(__file__).parents[1] / "io" / "photos" / "data"
SIZE = 24, 36
OUTPUTS = {
    "a.png": "PNG",
    "b.JPG": "JPEG",
    "c.jfif": "JPEG",
    "d.tiff": "TIFF",
    "e.webp": "WEBP",
    "f.jpg": "JPEG",  # of AVIF
    "g.jpg": "JPEG",  # of HEIC
    "h.png": "PNG",  # of BMP, and so on
    "i.png": "PNG",
    "j.png": "PNG",
    "k.png": "PNG",
    "l.png": "PNG",
    "m.tif": "TIFF",  # of DNG
    "n.png": "PNG",
    "o.tif": "TIFF",
    "p.webp": "WEBP",
    "q.png": "PNG",
}
FRAMES = {"n.png": 3, "o.tif": 2, "p.webp": 3, "q.png": 3}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    root = Path("in")
    root.mkdir()
    pixels = [np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), np.uint8) for seed in range(3)]
    first, *others = map(Image.fromarray, pixels)
    for name in ("a.png", "b.JPG", "d.tiff", "e.webp", "f.avif", "h.bmp", "k.ppm", "l.tga"):
        first.save(root / name)
    first.save(root / "c.jfif", "JPEG")
    shutil.copy(DATA / "rgb10.heic", root / "g.heic")
    (root / "i.jxl").write_bytes(imagecodecs.jpegxl_encode(pixels[0], lossless=True))
    (root / "j.jp2").write_bytes(imagecodecs.jpeg2k_encode(pixels[0], level=0, codecformat="jp2"))
    (root / "m.dng").write_bytes(dng(pixels[0] / 255))
    for name in ("n.gif", "p.webp", "q.png"):
        first.save(root / name, save_all=True, append_images=others, duration=80)
    tifffile.imwrite(root / "o.tif", np.stack(pixels[:2]), photometric="rgb", metadata=None)
    (root / "broken.png").write_bytes((root / "a.png").read_bytes()[:200])
    (root / "broken2.jxl").write_bytes((root / "i.jxl").read_bytes()[:40])
    (root / "unknown.xyz").write_bytes(b"what is it?")
    return root


def test_a_folder_of_everything(folder, tiny_model):
    result = run_here(
        "derain", folder, "out", "--model", tiny_model, "--record", "run.jsonl", "--report", "report.html"
    )
    assert result.returncode == 1, result.stderr
    assert {path.name for path in Path("out").iterdir()} == set(OUTPUTS), result.stderr
    for name, kind in OUTPUTS.items():
        with Image.open(Path("out") / name) as image:
            assert image.format == kind and getattr(image, "n_frames", 1) == FRAMES.get(name, 1), name
            assert name == "g.jpg" or image.size == SIZE[::-1], name
    said = result.stderr.splitlines()
    assert "17 done, 0 skipped, 2 failed" in said and "ignored: 1 .xyz" in said
    assert [line.split("'")[1] for line in said if line.startswith("  failed: ")] == ["in/broken.png", "in/broken2.jxl"]
    changes = [line for line in said if "can only be read" in line]
    assert len(changes) == 1 and ".heic as .jpg" in changes[0] and ".dng as .tif" in changes[0]
    report = Path("report.html").read_text()
    assert all(name in report for name in ("a.png", "m.dng", "broken.png", "broken2.jxl"))
    lines = [json.loads(line) for line in Path("run.jsonl").read_text().splitlines()]
    assert sum(line["status"] == "ok" for line in lines) == len(OUTPUTS)
    again = run_here("derain", folder, "out", "--model", tiny_model, "--record", "run.jsonl", "--resume")
    assert again.returncode == 1 and "0 done, 17 skipped, 2 failed" in again.stderr, again.stderr


def test_one_frame_of_several_and_formats_that_hold_one(folder, tiny_model):
    assert run_here("derain", "in/n.gif", "n.jpg", "--frame", "2", "--model", tiny_model).returncode == 0
    assert Image.open("n.jpg").size == SIZE[::-1]
    result = run_here("derain", "in/n.gif", "n2.jpg", "--model", tiny_model)
    assert result.returncode == 2 and "--frame 0" in result.stderr and not Path("n2.jpg").exists()
    result = run_here("derain", "in/n.gif", "n3.png", "--frame", "3", "--model", tiny_model)
    assert result.returncode == 65 and "no frame 3" in result.stderr


def test_a_frame_that_cannot_be_read_leaves_no_half_a_file(folder, tiny_model):
    with tifffile.TiffFile("in/o.tif") as tif:
        at = tif.pages[1].tags["ImageWidth"].valueoffset
    data = bytearray(Path("in/o.tif").read_bytes())
    data[at : at + 2] = b"\xff\xff"
    Path("o.tif").write_bytes(data)
    result = run_here("derain", "o.tif", "half.tif", "--model", tiny_model)
    assert result.returncode == 65, result.stderr
    assert not Path("half.tif").exists() and not list(Path().glob(".glmha-*"))


def test_a_cube_is_of_one_page(folder):
    result = run_here("rgb2hsi", "in/o.tif", "cube.tif")
    assert result.returncode == 65 and "--frame 0" in result.stderr, result.stderr
