"""Every bundled checkpoint restores its task's example, as `make demo` shows."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from glmha_cli.evaluation.protocols import PROTOCOLS
from glmha_cli.io.cubes.cube import read_cube
from glmha_cli.io.measurements.read import read_mask, read_measurement
from glmha_cli.io.photos.read import read_photo
from glmha_cli.physics import cassi
from glmha_cli.physics.colour import delta_e_2000, render
from glmha_cli.tasks import TASKS
from glmha_cli.weights.manifest import load_manifest
from tests.conftest import run_glmha

EXAMPLES = Path(__file__).parents[2] / "examples"


def scores(protocol: str, result: np.ndarray, truth: np.ndarray) -> Mapping[str, float]:
    return PROTOCOLS[protocol].score(result, truth).metrics


def restored(task: str, *arguments: object) -> None:
    result = run_glmha(task, *arguments)
    assert result.returncode == 0, result.stderr


def test_every_bundled_checkpoint_has_an_example():
    manifest = load_manifest()
    assert all((EXAMPLES / task).is_dir() for task in TASKS if manifest.model(task).files)


def test_derain(tmp_path):
    """Over RGB, as what is asked of the example at every size is, and on Y."""
    folder, out = EXAMPLES / "derain", tmp_path / "out.png"
    restored("derain", folder / "rainy.png", out)
    truth = read_photo(folder / "clean.png").pixels
    rainy, derained = (
        scores("gopro", read_photo(path).pixels, truth)["psnr_db"] for path in (folder / "rainy.png", out)
    )
    assert rainy == pytest.approx(20.6, abs=0.1) and derained > 31
    assert scores("derain", read_photo(out).pixels, truth)["psnr_db"] > 33.5


def test_deblur(tmp_path):
    folder, out = EXAMPLES / "deblur", tmp_path / "out.png"
    restored("deblur", folder / "blurred.png", out)
    truth = read_photo(folder / "sharp.png").pixels
    blurred, deblurred = (
        scores("gopro", read_photo(path).pixels, truth)["psnr_db"] for path in (folder / "blurred.png", out)
    )
    assert deblurred > blurred + 2.3


@pytest.mark.parametrize(("flags", "colour"), [((), 0.05), (("--no-project",), 1.0)])
def test_rgb2hsi(flags, colour, tmp_path):
    """Nearer to the truth than least squares (30.1 dB, 6.6 degrees here), and of the photo's colours."""
    folder, out = EXAMPLES / "rgb2hsi", tmp_path / "out.tif"
    restored("rgb2hsi", folder / "photo.png", out, *flags)
    cube, truth = read_cube(out).values, read_cube(folder / "cube.npz").values
    found = scores("arad", cube, truth)
    assert found["psnr_db"] > 31 and found["sam_deg"] < 4.7
    assert delta_e_2000(render(cube), read_photo(folder / "photo.png").pixels) < colour


@pytest.mark.parametrize("tile", ["auto", "96", "64"])
def test_sci(tile, tmp_path):
    """Beyond GAP-TV (27.5 dB here), and it explains the measurement: what is left of it is its noise."""
    folder, out = EXAMPLES / "sci", tmp_path / "out.npz"
    restored("sci", folder / "measurement.mat", out, "--mask", folder / "mask.mat", "--tile", tile)
    cube, truth = read_cube(out).values, read_cube(folder / "cube.npz").values
    assert scores("kaist", cube, truth)["psnr_db"] > 33
    measurement, mask = read_measurement(folder / "measurement.mat").y(bands=28), read_mask(folder / "mask.mat").values
    missing = cassi.forward(cube, mask, step=2) - measurement
    assert np.abs(missing).mean() < 0.02 * measurement.mean()
