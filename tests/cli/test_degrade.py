"""`glmha degrade` as a user runs it: real processes, real files, exit codes and messages."""

import json

import numpy as np
import pytest
from PIL import Image

from glmha_cli.pages.sheet import CAPTION_PX, caption
from glmha_cli.tasks import TASKS
from glmha_cli.training.degradations import DEGRADATIONS, UNDONE_BY
from tests.conftest import run_glmha


def pixels(path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_task_names_its_degradation_and_a_seed_repeats(photo, tmp_path):
    outs = [tmp_path / name for name in ("blur.png", "deblur.png", "other.png")]
    for out, kind, seed in zip(outs, ["blur", "deblur", "blur"], [3, 3, 4], strict=True):
        result = run_glmha("degrade", kind, photo, out, "--seed", seed, "--json", "--quiet")
        assert result.returncode == 0 and result.stderr == ""
        record = json.loads(result.stdout)
        assert (record["degradation"], record["set"], record["seeds"]) == ("blur", "training", [seed])
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert pixels(outs[0]).shape == pixels(photo).shape == pixels(outs[2]).shape
    assert (pixels(outs[0]) != pixels(outs[2])).any() and (pixels(outs[0]) != pixels(photo)).any()


def test_a_gallery_holds_the_seeds_row_by_row(photo, tmp_path):
    gallery, third = tmp_path / "gallery.png", tmp_path / "third.png"
    assert run_glmha("degrade", "blur", photo, gallery, "--seed", 5, "--gallery", 3).returncode == 0
    assert run_glmha("degrade", "blur", photo, third, "--seed", 7).returncode == 0
    height, width = pixels(photo).shape[:2]
    sheet = pixels(gallery)
    above = CAPTION_PX
    assert sheet.shape == (2 * (above + height), 2 * width, 3)
    np.testing.assert_array_equal(sheet[2 * above + height :, :width], pixels(third))
    assert (sheet[above + height :, width:] == 255).all(), "a place left over"
    captions = [sheet[:above, :width], sheet[:above, width:], sheet[above + height :][:above, :width]]
    for seed, shown in zip((5, 6, 7), captions, strict=True):
        np.testing.assert_array_equal(shown[..., 0], caption(f"seed {seed}", width))
    assert (captions[0] != captions[1]).any() and captions[0].min() == 0


def test_validation_is_the_first_set_unless_named(photo, tmp_path):
    first, sharp = tmp_path / "first.png", tmp_path / "sharp.png"
    result = run_glmha("degrade", "blur", photo, first, "--validation", "--json")
    assert result.returncode == 0 and json.loads(result.stdout)["set"] == "shake"
    assert run_glmha("degrade", "blur", photo, sharp, "--set", "sharp").returncode == 0
    assert (pixels(first) != pixels(photo)).any()
    np.testing.assert_array_equal(pixels(sharp), pixels(photo))


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        ("blurr photo.png out.png", 2, "did you mean blur"),
        ("rgb2hsi photo.png out.png", 2, "rain, blur"),
        ("blur phto.png out.png", 66, "photo.png"),
        ("blur photo.png out.xyz", 2, ".png"),
        ("blur photo.png out.png --set sharpp", 2, "did you mean sharp"),
        ("blur photo.png photo.png --overwrite", 2, "same file"),
        ("blur photo.png there.png", 73, "--overwrite"),
    ],
)
def test_what_cannot_be_is_one_line_and_writes_nothing(photo, tmp_path, arguments, code, hint):
    (tmp_path / "there.png").write_bytes(b"precious")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    result = run_glmha("degrade", *(tmp_path / word if "." in word else word for word in arguments.split()))
    assert result.returncode == code and hint in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1 and result.stdout == ""
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_every_degradation_names_the_task_that_undoes_it():
    assert UNDONE_BY.keys() == DEGRADATIONS.keys() and set(UNDONE_BY.values()) <= TASKS.keys()
