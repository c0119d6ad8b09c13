"""A pack of photos trains like the folders that it was made of, and holds out the same photos."""

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glmha_cli.errors import BadDataError, NoInputError
from glmha_cli.lookup import resolve
from glmha_cli.tasks import TASKS
from glmha_cli.training.data.found import DataPaths, find_data
from glmha_cli.training.data.photos import find_photos
from glmha_cli.training.data.sources import load_targets
from glmha_cli.training.data.spectra import CubesConfig
from tests.training.conftest import smooth_photo
from tests.training.runs import ON_CPU, run_training

ROOT = Path(__file__).parents[3]
DERAIN = resolve(TASKS, "derain", "task")


def packed(*folders: Path, output: Path, mib: float = 40) -> Path:
    command = [sys.executable, ROOT / "tools" / "pack_photos.py", *folders, "-o", output, "--max-mib", str(mib)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)})
    assert result.returncode == 0, result.stderr
    return output


@pytest.fixture
def folders(tmp_path, photos) -> list[Path]:
    """`photos` and a folder with a folder inside; one photo is larger than training keeps them, one a JPEG."""
    other = tmp_path / "a" / "other"
    (other / "deep").mkdir(parents=True)
    for index in range(11):
        Image.fromarray(smooth_photo(50 + index)).save(other / f"x{index:02}.JPG", quality=60)
        Image.fromarray(smooth_photo(70 + index, 300, 260)).save(other / "deep" / f"y{index:02}.png")
    Image.fromarray(smooth_photo(90, 40, 1400)).save(other / "z.png")
    return [photos, other]


def stems(files) -> list[str]:
    return [Path(file.name).stem.split(".")[0] for file in files]


def test_the_same_photos_are_held_out_and_validation_sees_the_same_pixels(folders, tmp_path):
    pack = packed(*folders, output=tmp_path / "pack.zip")
    own, in_pack = find_photos(folders), find_photos([pack])
    assert [stems(files) for files in own] == [stems(files) for files in in_pack]
    loaded = [
        load_targets(DERAIN, find_data(DERAIN, DataPaths(images=images)), crop_px=32, config=CubesConfig())
        for images in (folders, [pack])
    ]
    for a, b in zip(*(targets.held_out[""] for targets in loaded), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(*(targets.images for targets in loaded), strict=True):
        assert a.shape == b.shape
        assert np.abs(a.astype(float) - b).mean() < 4


def test_a_jpeg_is_kept_as_it_is_and_the_pack_is_the_same_each_time(folders, tmp_path):
    packs = [packed(*folders, output=tmp_path / f"{name}.zip") for name in "ab"]
    assert packs[0].read_bytes() == packs[1].read_bytes()
    with zipfile.ZipFile(packs[0]) as archive:
        assert archive.testzip() is None
        assert archive.read("01-other/x01.JPG.jpg") == (folders[1] / "x01.JPG").read_bytes()


def test_a_limit_lowers_the_quality(folders, tmp_path):
    large = packed(*folders, output=tmp_path / "large.zip").stat().st_size
    small = packed(*folders, output=tmp_path / "small.zip", mib=0.97 * large / 2**20).stat().st_size
    assert small < 0.97 * large


def test_training_runs_on_a_pack(tiny, photos, tmp_path):
    pack = packed(photos, output=tmp_path / "pack.zip")
    best = run_training(tiny, images=[pack], run_dir=tmp_path / "run", steps=1, **ON_CPU)
    assert best.is_file()


def test_what_is_no_pack_is_refused(tmp_path):
    broken, empty = tmp_path / "broken.zip", tmp_path / "empty.zip"
    broken.write_bytes(b"no zip")
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("readme.txt", "no photos")
    with pytest.raises(BadDataError, match="broken.zip"):
        find_photos([broken])
    with pytest.raises(NoInputError, match="no photos"):
        find_photos([empty])
    with pytest.raises(NoInputError, match="no folder"):
        find_photos([tmp_path / "missing.zip"])
