"""--strength and --only as the command line takes them: for a photo, and for folders of photos and masks."""

import json
from pathlib import Path, PurePath

import numpy as np
import pytest
from PIL import Image

from glmha_cli.batch import BatchRequest, FileOptions, Loader, run
from glmha_cli.batch.areas import with_area
from glmha_cli.batch.jobs import Job
from glmha_cli.errors import UsageError
from glmha_cli.tasks.rgb2hsi import RGB2HSI
from tests.cli.in_process import run_here

NAMES = ["a.png", "b.png", "sub/c.png"]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """Three photos in in/, and masks/ whose left half is white."""
    monkeypatch.chdir(tmp_path)
    for i, name in enumerate(NAMES):
        for folder in ("in", "masks"):
            Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (40, 60, 3), np.uint8)).save(Path("in", name))
        mask = np.zeros((40, 60), np.uint8)
        mask[:, : 30 + i] = 255
        Image.fromarray(mask).save(Path("masks", name))
    return tmp_path


@pytest.fixture
def derain(tiny_model):
    return lambda *arguments: run_here("derain", *arguments, "--model", tiny_model)


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def provenance(path):
    with Image.open(path) as image:
        return json.loads(image.text["glmha"])


def records(name="run.jsonl"):
    return [json.loads(line) for line in Path(name).read_text().splitlines()]


def test_only_the_white_part_of_a_photo_is_restored(here, derain):
    assert derain("in/a.png", "full.png").returncode == 0
    assert derain("in/a.png", "part.png", "--only", "masks/a.png", "--strength", 0.5).returncode == 0
    photo, full, part = map(pixels, ("in/a.png", "full.png", "part.png"))
    np.testing.assert_array_equal(part[:, 30:], photo[:, 30:])
    change, half = (each[:, :20].astype(int) - photo[:, :20] for each in (full, part))
    assert np.abs(change).max() > 2 and np.abs(half - change / 2).max() <= 1
    assert provenance("part.png")["strength"] == "0.5" and provenance("part.png")["only"] == "a.png"
    assert "strength" not in provenance("full.png") and "only" not in provenance("full.png")


def test_a_folder_of_masks_goes_by_the_photos_names(here, derain):
    Path("masks/b.png").rename("masks/b.tif")  # told by its content
    result = derain("in", "out", "-r", "--only", "masks")
    assert result.returncode == 0, result.stderr
    for i, name in enumerate(NAMES):
        outside = np.s_[:, 30 + i :]
        np.testing.assert_array_equal(pixels(f"out/{name}")[outside], pixels(f"in/{name}")[outside])
        assert (pixels(f"out/{name}") != pixels(f"in/{name}")).any()


@pytest.mark.parametrize("name", ["B.PNG", "B.TIF", "B.jpg"])
def test_a_mask_has_its_photos_name_however_it_is_spelt(tmp_path, name):
    composed, apart = "\u00e9", "e\u0301"
    for photos, masks in ((composed, apart), (apart, composed), (apart, apart)):
        mask = tmp_path / name.replace("B", masks)
        mask.touch()
        job = Job(Path(f"{photos}.jpg"), Path("out.jpg"), PurePath(f"{photos}.jpg"))
        assert with_area(job, tmp_path).area == mask
        mask.unlink()


def test_a_photo_without_a_mask_fails_and_the_others_are_done(here, derain):
    Path("masks/b.png").unlink()
    result = derain("in", "out", "-r", "--only", "masks")
    assert result.returncode == 1 and "no mask for 'in/b.png'" in result.stderr and "masks/b.png" in result.stderr
    assert not Path("out/b.png").exists() and Path("out/sub/c.png").exists()
    assert derain("in/b.png", "b.png", "--only", "masks").returncode == 66


def test_a_mask_of_another_size_fails_its_photo(here, derain):
    Image.new("L", (60, 41)).save("masks/b.png")
    result = derain("in", "out", "-r", "--only", "masks")
    assert result.returncode == 1 and "'in/b.png': the mask" in result.stderr


def test_masks_are_neither_inputs_nor_replaced(here, derain):
    Path("masks").rename("in/masks")
    assert derain("in", "out", "-r", "--only", "in/masks").returncode == 0
    assert sorted(path.name for path in Path("out").rglob("*.png")) == ["a.png", "b.png", "c.png"]
    assert derain("in", "in/masks", "-r", "--only", "in/masks", "--overwrite").returncode == 2
    assert derain("in/a.png", "in/masks/a.png", "--only", "in/masks/a.png", "--overwrite").returncode == 2


def test_a_record_knows_strength_and_the_content_of_each_mask(here, derain):
    def again(*options):
        result = derain("in", "out", "-r", "--only", "masks", "--record", "run.jsonl", "--resume", *options)
        return next(line for line in result.stderr.splitlines() if " done, " in line)

    assert again() == "3 done, 0 skipped, 0 failed"
    settings = [line["settings"] for line in records() if line["status"] == "ok"]
    assert len({each["only"] for each in settings}) == 3 and all(each["strength"] == 1 for each in settings)
    assert again() == "0 done, 3 skipped, 0 failed"
    Image.new("L", (60, 40), 255).save("masks/b.png")
    assert again() == "1 done, 2 skipped, 0 failed"
    assert again("--strength", 0.9) == "3 done, 0 skipped, 0 failed"
    result = derain("in", "out", "-r", "--record", "run.jsonl", "--resume")
    assert "3 done" in result.stderr, "without masks everything is made anew"


@pytest.mark.parametrize(
    ("options", "code"), [(["--strength", 1.5], 2), (["--strength", "nan"], 2), (["--only", "no"], 66)]
)
def test_what_cannot_be_is_refused_before_any_work(here, derain, options, code):
    assert derain("in", "out", "-r", *options).returncode == code
    assert not Path("out").exists()


def test_cubes_have_no_strength(here):
    with pytest.raises(UsageError, match="have no meaning"):
        run(BatchRequest(inputs=["in"], output="out", files=FileOptions(strength=0.5)), Loader(task=RGB2HSI))
