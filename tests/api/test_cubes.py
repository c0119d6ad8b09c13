"""Cubes from Python: equal to the files of the command, arrays that carry their wavelengths."""

import copy
import pickle
import struct

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

import glmha_cli as glmha
from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.io.cubes.model import Georeference
from glmha_cli.physics.wavelengths import RGB2HSI_NM, SCI_NM
from tests.cli.in_process import run_here
from tests.io.photos.test_images import SRGB, linear


@pytest.fixture(scope="module")
def rgb2hsi(tiny_models):
    return glmha.load(tiny_models["rgb2hsi"])


@pytest.fixture(scope="module")
def sci(tiny_models):
    return glmha.load(tiny_models["sci"])


def test_a_cube_of_a_photo_is_that_of_its_file(rgb2hsi, tiny_models, photo, tmp_path):
    model = tiny_models["rgb2hsi"]
    assert run_here("rgb2hsi", photo, tmp_path / "cube.npz", "--model", model).returncode == 0
    expected = glmha.read_cube(tmp_path / "cube.npz")
    with Image.open(photo) as image:
        for source in (image, np.asarray(image), glmha.read_photo(photo)):
            cube = rgb2hsi.cube(source)
            np.testing.assert_array_equal(cube, expected)
            assert cube.wavelength_nm == expected.wavelength_nm == tuple(map(float, RGB2HSI_NM))


def test_a_profile_counts_and_is_said(tiny_models, photo):
    said = []
    model = glmha.load(tiny_models["rgb2hsi"], on_warning=said.append)
    with Image.open(photo) as image:
        plain = model.cube(image)
        image.info["icc_profile"] = linear(SRGB, struct.pack(">4s4xI", b"curv", 0))
        other = model.cube(image)
    assert len(said) == 1 and "sRGB" in said[0] and not np.array_equal(plain, other)


def test_a_cube_of_a_measurement_is_that_of_its_file(sci, tiny_models, tmp_path):
    rng = np.random.default_rng(0)
    mask, y = (rng.random((24, 30)) > 0.5).astype(np.float32), 14 * rng.random((24, 30 + 54), np.float32)
    np.savez(tmp_path / "mask.npz", mask=mask)
    np.savez(tmp_path / "y.npz", simulation_test=y)
    paths = tmp_path / "y.npz", tmp_path / "cube.npz", "--mask", tmp_path / "mask.npz"
    assert run_here("sci", *paths, "--model", tiny_models["sci"]).returncode == 0
    expected = glmha.read_cube(tmp_path / "cube.npz")
    read = glmha.read_measurement(tmp_path / "y.npz"), glmha.read_mask(str(tmp_path / "mask.npz"))
    tensors = torch.from_numpy(y).requires_grad_(), torch.from_numpy(mask).bfloat16()
    for measurement, its_mask in ((y, mask), (y.astype(np.float64), mask > 0), read, tensors):
        cube = sci.cube(measurement, mask=its_mask)
        np.testing.assert_array_equal(cube, expected)
        assert cube.wavelength_nm == SCI_NM


@pytest.mark.parametrize(
    "source",
    [np.zeros((5, 6, 7)), np.full((24, 84), np.nan), np.zeros((24, 84), np.uint16), np.full((24, 20), 1.0), "y"],
)
def test_what_is_no_measurement_is_refused(sci, source):
    with pytest.raises(ValueError) as caught:
        sci.cube(source, mask=np.ones((24, 30)))
    assert isinstance(caught.value, glmha.GlmhaError)


def test_masked_numbers_are_no_measurement_and_no_mask(sci):
    y, mask = np.ones((24, 84)), np.ones((24, 30))
    for measurement, its_mask in ((np.ma.masked_less(np.eye(24, 84), 1), mask), (y, np.ma.masked_equal(mask, 1))):
        with pytest.raises(BadDataError, match="masked"):
            sci.cube(measurement, mask=its_mask)


def test_each_task_says_what_it_needs(derain, rgb2hsi, sci, photo):
    image = np.zeros((16, 16, 3))
    for call, hint in (
        (lambda: derain.cube(image), "model(image)"),
        (lambda: rgb2hsi(image), "model.cube"),
        (lambda: rgb2hsi.cube(image, mask=np.ones((16, 16))), "model.cube(photo)"),
        (lambda: sci.cube(np.ones((16, 70))), "mask=mask"),
    ):
        with pytest.raises(UsageError) as caught:
            call()
        assert hint in caught.value.hint


def test_a_cube_is_an_array_and_its_copies_are_cubes():
    values = np.random.default_rng(0).random((3, 4, 2), np.float32)
    cube = glmha.Cube(values=values, wavelength_nm=(500.0, 600.0))
    assert isinstance(cube, np.ndarray) and cube.shape == (3, 4, 2) and type(cube.values) is np.ndarray
    for same in (cube.copy(), copy.deepcopy(cube), pickle.loads(pickle.dumps(cube))):
        assert type(same) is glmha.Cube and same.wavelength_nm == (500.0, 600.0)
        np.testing.assert_array_equal(same, values)
    for part in (cube[0], cube[..., ::-1], cube * 2, cube.mean(axis=2), np.flip(cube, 2), cube.clip(0, 0.5)):
        assert type(part) is np.ndarray
    assert isinstance(cube.mean(), np.float32) and isinstance(cube[0, 0, 0], np.float32)


def test_what_has_its_bands_in_another_order_has_no_wavelengths(tmp_path):
    cube = glmha.Cube(values=np.random.default_rng(0).random((2, 2, 2), np.float32), wavelength_nm=(500.0, 600.0))
    turned = {
        "take": np.take(cube, [1, 0], axis=2),
        "roll": np.roll(cube, 1, axis=2),
        "swapaxes": cube.swapaxes(0, 2),
        "T": cube.T,
    }
    for name, values in turned.items():
        glmha.write_cube(tmp_path / f"{name}.npz", values)
        found = glmha.read_cube(tmp_path / f"{name}.npz")
        np.testing.assert_array_equal(found, values, err_msg=name)
        assert found.wavelength_nm == (), name
    assert copy.copy(cube).wavelength_nm == cube.astype(np.float64).wavelength_nm == (500.0, 600.0)


def test_a_cube_of_other_values_or_counts_is_refused():
    for shape, dtype, bands in (((3, 4, 2), np.float64, 2), ((3, 4), np.float32, 0), ((3, 4, 2), np.float32, 3)):
        with pytest.raises(BadDataError):
            glmha.Cube(values=np.zeros(shape, dtype), wavelength_nm=[500.0 + band for band in range(bands)])


@pytest.mark.parametrize("as_given", [list, tuple, np.array])
def test_wavelengths_may_be_any_sequence(tmp_path, as_given):
    values = np.random.default_rng(0).random((3, 4, 2), np.float32)
    glmha.write_cube(tmp_path / "cube.npz", values, wavelength_nm=as_given([500.0, 600.0]))
    assert glmha.read_cube(tmp_path / "cube.npz").wavelength_nm == (500.0, 600.0)


@pytest.mark.parametrize("suffix", [".npy", ".tif"])
def test_that_bands_were_sorted_is_said(tmp_path, suffix):
    values = np.random.default_rng(0).random((3, 4, 2), np.float32)
    notes = glmha.write_cube(tmp_path / f"cube{suffix}", values, wavelength_nm=np.array([[600, 500]]))
    assert "sorted" in notes[0]
    np.testing.assert_array_equal(glmha.read_cube(tmp_path / f"cube{suffix}"), values[..., ::-1])
    assert not glmha.write_cube(tmp_path / "rising.tif", values, wavelength_nm=[500, 600])


def test_tensors_are_written_as_arrays(tmp_path):
    values = torch.rand((3, 4, 2)).bfloat16()
    for name, tensor in (("grad", values.float().requires_grad_()), ("bfloat16", values)):
        glmha.write_cube(tmp_path / f"{name}.tif", tensor)
        np.testing.assert_array_equal(glmha.read_cube(tmp_path / f"{name}.tif"), values.float().numpy())


def test_what_is_masked_has_no_data(tmp_path):
    values = np.ma.masked_greater(np.random.default_rng(0).random((3, 4, 2)), 0.5)
    glmha.write_cube(tmp_path / "cube.tif", values, wavelength_nm=(500.0, 600.0))
    found = glmha.read_cube(tmp_path / "cube.tif")
    np.testing.assert_array_equal(np.isnan(found), values.mask)
    np.testing.assert_array_equal(found[~values.mask], values.compressed().astype(np.float32))


def test_other_wavelengths_leave_a_cube_what_else_it_knows(tmp_path):
    values = np.arange(24, dtype=np.float32).reshape(3, 4, 2) / 24
    values[0, 0] = np.nan
    place = Georeference(crs="EPSG:32631", transform=(5e5, 10.0, 0.0, 4e6, 0.0, -10.0))
    known = {"band_names": ("red", "blue"), "georeference": place, "tags": {"sensor": "x"}, "nodata": -1.0}
    cube = glmha.Cube(values=values, wavelength_nm=(1.0, 2.0), **known)
    glmha.write_cube(tmp_path / "cube.tif", cube, wavelength_nm=(650.0, 450.0))
    found = glmha.read_cube(tmp_path / "cube.tif")
    assert found.wavelength_nm == (450.0, 650.0) and found.facts.band_names == ("blue", "red")
    assert found.facts.nodata == -1 and found.facts.georeference.crs == "EPSG:32631"
    assert found.facts.tags["sensor"] == "x" and cube.wavelength_nm == (1.0, 2.0)
    np.testing.assert_array_equal(found, values[..., ::-1])


def test_a_copy_of_doubles_is_written_as_the_cube_and_counts_are_refused(tmp_path):
    values = np.random.default_rng(0).random((3, 4, 2), np.float32)
    cube = glmha.Cube(values=values, wavelength_nm=(500.0, 600.0), band_names=("a", "b"))
    glmha.write_cube(tmp_path / "cube.tif", cube.astype(np.float64))
    found = glmha.read_cube(tmp_path / "cube.tif")
    np.testing.assert_array_equal(found, values)
    assert found.wavelength_nm == (500.0, 600.0) and found.facts.band_names == ("a", "b")
    assert tifffile.imread(tmp_path / "cube.tif").dtype == np.float32
    with pytest.raises(BadDataError, match="uint16"):
        glmha.write_cube(tmp_path / "counts.tif", cube.astype(np.uint16))
