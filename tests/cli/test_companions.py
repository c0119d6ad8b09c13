"""What `--clipped` and `--uncertainty` write beside cubes: what it is, and that no other file is lost for it."""

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from glmha_cli.errors import CannotCreateError
from glmha_cli.io.cubes.cube import read_cube
from glmha_cli.networks import network_to_plain
from glmha_cli.networks.mst_plus_plus import MSTPlusPlusConfig
from glmha_cli.physics.wavelengths import RGB2HSI_NM
from glmha_cli.weights.checkpoint import save_checkpoint
from tests.cli.in_process import run_here


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    config = MSTPlusPlusConfig(num_stages=1)
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("models") / "rgb2hsi.safetensors"
    about = {"task": "rgb2hsi", "network": network_to_plain(config)}
    save_checkpoint(path, config.build().state_dict(), about, dtype=torch.float32)
    return path


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    return tmp_path


def save(name: str, white: int = 0) -> bytes:
    """A small photo whose first columns are white; its bytes."""
    values = np.random.default_rng(len(name)).integers(1, 255, (16, 24, 3), np.uint8)
    values[:, :white] = 255
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(name)
    return Path(name).read_bytes()


@pytest.mark.parametrize("option", ["--clipped", "--uncertainty"])
def test_nothing_is_written_beside_a_cube_at_an_address(model, here, option):
    """It was written into a new folder `s3:` here."""
    save("in/a.png")
    result = run_here("rgb2hsi", "in/a.png", "cube.tif", "--model", model, option, "s3://bucket/beside.npz")
    assert result.returncode == 2 and option in result.stderr and sorted(Path().iterdir()) == [Path("in")]


def test_clipped_pixels_and_uncertainty_beside_cubes(model, photo, tmp_path):
    with Image.open(photo) as image:
        image.paste((255, 255, 255), (0, 0, 30, 40))
        image.save(photo)
    flags = ("--model", model, "--clipped", "c.png", "--uncertainty", "u.npz")
    folders = (*flags[:2], "--clipped", "clipped", "--uncertainty", "spread")
    with contextlib.chdir(tmp_path):
        one = run_here("rgb2hsi", photo, "cube.tif", *flags)
        assert one.returncode == 0 and "50% of its pixels are clipped" in one.stderr
        again = run_here("rgb2hsi", photo, "cube2.tif", *flags)
        assert again.returncode == 73 and "'c.png' exists already" in again.stderr and not Path("cube2.tif").exists()
        wrong = run_here("rgb2hsi", photo, "cube3.tif", *flags[:4], "--uncertainty", "cube3.tif")
        assert wrong.returncode == 2
        many = run_here("rgb2hsi", photo.parent, "out", *flags)
        assert many.returncode == 2 and "--clipped c/" in many.stderr
        Path("in").mkdir()
        photo.rename("in/photo.png")
        assert run_here("rgb2hsi", "in", "out", "--ext", "npz", *folders).returncode == 0
        for mask, spread in (("c.png", "u.npz"), ("clipped/photo.png", "spread/photo.npz")):
            with Image.open(mask) as shown:
                assert shown.mode == "L" and (np.asarray(shown)[:, :30] == 255).all()
            cube = read_cube(Path(spread))
            assert np.isnan(cube[:, :30]).all() and (cube[:30, 40:] >= 0).all() and cube.wavelength_nm == RGB2HSI_NM
            assert cube.facts.tags["quantity"] == "standard deviation of reflectance"


@pytest.mark.parametrize("lost", ["clipped/photo.png", "spread/photo.tif"])
def test_a_cube_whose_companion_is_gone_is_made_again(model, photo, tmp_path, lost):
    with contextlib.chdir(tmp_path):
        Path("in").mkdir()
        photo.rename("in/photo.png")
        beside = ("--clipped", "clipped", "--uncertainty", "spread")
        run = ("rgb2hsi", "in", "out", "--model", model, *beside, "--record", "r.jsonl")
        assert "1 done" in run_here(*run).stderr
        Path(lost).unlink()
        assert "1 done" in run_here(*run, "--resume").stderr and Path(lost).exists()
        assert "1 skipped" in run_here(*run, "--resume").stderr


def test_no_input_becomes_the_mask_of_another(here, model):
    save("in/a.jpg")
    photo = save("in/a.png")
    flags = ("--model", model, "--keep-ext", "--overwrite")
    refused = run_here("rgb2hsi", "in", "out", "--model", model, "--ext", "npz", "--clipped", "in", "--overwrite")
    assert refused.returncode == 2 and "a.jpg" in refused.stderr and Path("in/a.png").read_bytes() == photo
    assert run_here("rgb2hsi", "in", "out", "--clipped", "masks", *flags).returncode == 0
    assert sorted(path.name for path in Path("masks").iterdir()) == ["a.jpg.png", "a.png.png"]


def test_what_lies_beside_one_cube_is_no_other_cube(here, model):
    save("in/a.png"), save("in/sub/a.png")
    result = run_here("rgb2hsi", "in", "out", "-r", "--model", model, "--uncertainty", "out/sub")
    assert result.returncode == 2 and "would be written twice" in result.stderr and not Path("out").exists()
    assert run_here("rgb2hsi", "in", "out", "-r", "--model", model, "--uncertainty", "out/spread").returncode == 0
    assert sorted(path.as_posix() for path in Path("out").rglob("*.tif")) == [
        "out/a.tif",
        "out/spread/a.tif",
        "out/spread/sub/a.tif",
        "out/sub/a.tif",
    ]


@pytest.mark.parametrize("retouched", ["masks/a.png", "spread/a.tif"])
def test_resuming_replaces_none_that_someone_changed(here, model, retouched):
    save("in/a.png")
    run = (
        "rgb2hsi",
        "in",
        "out",
        "--model",
        model,
        "--clipped",
        "masks",
        "--uncertainty",
        "spread",
        "--record",
        "r.jsonl",
    )
    assert run_here(*run).returncode == 0
    Path(retouched).write_bytes(b"by hand")
    for more in ((), ("--illuminant", "D50")):
        result = run_here(*run, "--resume", *more)
        assert result.returncode == 1 and retouched in result.stderr and "not written by the run" in result.stderr
        assert Path(retouched).read_bytes() == b"by hand"
    assert run_here(*run, "--resume", "--overwrite").returncode == 0 and Path(retouched).read_bytes() != b"by hand"


def test_resuming_replaces_its_own_and_no_file_of_another_folder(here, model):
    save("in/a.png"), save("new/a.png")
    run = ("rgb2hsi", "in", "out", "--model", model, "--record", "r.jsonl", "--resume", "--clipped")
    assert run_here(*run, "masks").returncode == 0
    lines = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert list(lines[-1]["beside"]) == [str(here / "masks" / "a.png")]
    assert "1 skipped" in run_here(*run, "masks").stderr
    before, photo = Path("out/a.tif").read_bytes(), Path("new/a.png").read_bytes()
    assert run_here(*run, "masks", "--illuminant", "D50").returncode == 0 and Path("out/a.tif").read_bytes() != before
    assert run_here(*run, "new", "--illuminant", "A").returncode == 1 and Path("new/a.png").read_bytes() == photo


def test_a_mask_that_cannot_be_written_is_a_failure_and_made_by_the_next_run(here, model, monkeypatch):
    """Not taken for work of a run beside this one, though the cube is there and on record."""
    save("in/a.png")
    run = ("rgb2hsi", "in", "out", "--model", model, "--record", "r.jsonl", "--clipped", "masks")

    def taken(*_, **__):
        raise CannotCreateError("taken meanwhile")

    with monkeypatch.context() as patch:
        patch.setattr("glmha_cli.batch.companions.write_photo", taken)
        result = run_here(*run)
    assert result.returncode == 1 and "taken meanwhile" in result.stderr and "0 skipped, 1 failed" in result.stderr
    assert Path("out/a.tif").exists() and not Path("masks/a.png").exists()
    assert "1 done" in run_here(*run, "--resume").stderr and Path("masks/a.png").exists()
