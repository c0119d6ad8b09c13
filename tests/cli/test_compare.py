"""`glmha compare`."""

import json
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from tests.cli.in_process import run_here


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A truth, a photo off by 10 steps, one off by 20, and a smaller one."""
    monkeypatch.chdir(tmp_path)
    truth = np.random.default_rng(0).integers(0, 200, (50, 300, 3), np.uint8)
    for name, added in (("truth", 0), ("near", 10), ("far", 20)):
        Image.fromarray(truth + np.uint8(added)).save(f"{name}.png")
    Image.fromarray(truth[:40]).save("small.png")
    return tmp_path


def test_two_photos_and_the_truth_on_a_page(here):
    result = run_here("compare", "near.png", "far.png", "truth.png", "-o", "c.html", "--json")
    assert result.returncode == 0, result.stderr
    near, far = json.loads(result.stdout)["psnr_db"]
    assert near == pytest.approx(20 * np.log10(25.5)) and far == pytest.approx(20 * np.log10(12.75))
    page = Path("c.html").read_text(encoding="utf-8")
    assert f"{near:.2f} dB" in page and page.count("data:image/jpeg") == 3
    assert "Content-Security-Policy" in page and "default-src &#39;none&#39;" in page


def test_no_difference_is_null_in_its_place(here):
    """Which of two figures was left out could not be told."""
    for photos, psnr_db in (
        (["truth.png", "near.png", "truth.png"], [None, pytest.approx(20 * np.log10(25.5))]),
        (["truth.png", "truth.png"], [None]),
    ):
        result = run_here("compare", *photos, "-o", "c.html", "--json", "--overwrite")
        assert json.loads(result.stdout)["psnr_db"] == psnr_db


def test_photos_of_16_bit_are_compared_rounded_to_8_and_that_is_said(here):
    deep = np.linspace(0, 65535, 50 * 300 * 3).astype(np.uint16).reshape(50, 300, 3)
    Path("deep.png").write_bytes(imagecodecs.png_encode(deep))
    Image.fromarray(np.rint(deep / 257).astype(np.uint8)).save("rounded.png")
    result = run_here("compare", "deep.png", "rounded.png", "-o", "c.html")
    assert "PSNR, deep.png to rounded.png: no difference in 8 bit RGB" in result.stderr


def test_no_hint_names_an_option_that_the_verb_lacks(here):
    """Several frames, of which compare cannot take one."""
    Image.open("near.png").save("moving.gif", save_all=True, append_images=[Image.open("far.png")])
    result = run_here("compare", "moving.gif", "near.png", "-o", "c.html")
    assert result.returncode == 65 and "holds 2 frames" in result.stderr and "--frame" not in result.stderr


def test_two_photos_on_a_sheet(here):
    assert run_here("compare", "near.png", "truth.png", "-o", "c.png").returncode == 0
    with Image.open("c.png") as sheet, Image.open("near.png") as near, Image.open("truth.png") as truth:
        pixels = np.asarray(sheet)
        np.testing.assert_array_equal(pixels[-50:, :300], np.asarray(near))
        np.testing.assert_array_equal(pixels[-50:, -300:], np.asarray(truth))
        assert pixels[:-50, :300].min() == 0, "a caption"


def test_photos_of_one_name_are_told_apart_by_their_folders(here):
    Path("more").mkdir()
    Path("far.png").rename("more/near.png")
    result = run_here("compare", Path("near.png").absolute(), "more/near.png", "-o", "c.html")
    assert f"PSNR, {here.name}/near.png to more/near.png" in result.stderr
    assert str(here) not in Path("c.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["full path", "link", "other spelling"])
def test_no_photo_is_replaced_by_whatever_name(here, name):
    Path("link.png").symlink_to("far.png")
    output = {"full path": here / "far.png", "link": "link.png", "other spelling": f"../{here.name}/far.png"}[name]
    before = Path("far.png").read_bytes()
    result = run_here("compare", "near.png", "far.png", "-o", output, "--overwrite")
    assert result.returncode == 2 and "is an input" in result.stderr and Path("far.png").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["near.png", "-o", "c.html"], 2, "takes two or three photos"),
        (["near.png", "small.png", "-o", "c.html"], 65, "300x50 pixels, 'small.png' 300x40"),
        (["near.png", "far.png", "-o", "c.gif"], 2, ".gif"),
        (["near.png", "far.png", "-o", "truth.png"], 73, "exists already"),
        (["near.png", "far.png", "-o", "far.png", "--overwrite"], 2, "is an input"),
        (["near.png", "no.png", "-o", "c.html"], 66, "no.png"),
    ],
)
def test_what_cannot_be_compared_is_refused(here, arguments, code, said):
    result = run_here("compare", *arguments)
    assert result.returncode == code and said in result.stderr
    assert not Path("c.html").exists()
