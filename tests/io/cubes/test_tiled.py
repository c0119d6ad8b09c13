"""TIFFs in tiles with overviews, as rasterio reads them."""

import numpy as np
import pytest
import rasterio

from glmha_cli.io.cubes.cube import Cube, read_cube, write_cube
from tests.cli.in_process import run_here

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
VALUES = np.random.default_rng(0).random((600, 700, 3)).astype(np.float32)
VALUES[:2, :2] = np.nan


def test_tiles_and_overviews(tmp_path):
    write_cube(tmp_path / "in.npz", Cube(values=VALUES, wavelength_nm=(450, 550, 650), nodata=-9999.0))
    assert run_here("convert", tmp_path / "in.npz", tmp_path / "x.tif", "--tiled").returncode == 0
    with rasterio.open(tmp_path / "x.tif") as dataset:
        assert dataset.block_shapes[0] == (256, 256) and dataset.count == 3
        assert dataset.overviews(1) == [2, 4] and dataset.nodata == -9999
        assert dataset.tags(2)["wavelength"] == "550"
        np.testing.assert_array_equal(dataset.read()[:, 2:], VALUES.transpose(2, 0, 1)[:, 2:])
    with rasterio.open(tmp_path / "x.tif", overview_level=0) as half:
        found = half.read(1, masked=True)
        assert found.shape == (300, 350) and found.mask[0, 0] and not found.mask[1:].any()
        np.testing.assert_allclose(found[1, 1], VALUES[2:4, 2:4, 0].mean(), rtol=1e-5)
    again = read_cube(tmp_path / "x.tif")
    np.testing.assert_array_equal(again, VALUES)
    assert again.wavelength_nm == (450, 550, 650)


def test_only_tiff_is_tiled(tmp_path):
    write_cube(tmp_path / "in.npz", Cube(values=VALUES[:5, :5], wavelength_nm=(450, 550, 650)))
    result = run_here("convert", tmp_path / "in.npz", tmp_path / "x.hdr", "--tiled")
    assert result.returncode == 2 and "--tiled is for TIFF" in result.stderr
