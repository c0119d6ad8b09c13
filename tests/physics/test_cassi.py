"""The coded camera's operator against its definition, and the files that hold its measurements and masks."""

from pathlib import Path

import h5py
import imageio.v3 as imageio
import numpy as np
import pytest
import scipy.io
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from glmha_cli.errors import BadDataError, NoInputError, UsageError
from glmha_cli.io.measurements.fit import check_fit
from glmha_cli.io.measurements.model import Mask, Measurement
from glmha_cli.io.measurements.read import read_mask, read_measurement
from glmha_cli.physics import cassi

scenes = st.fixed_dictionaries(
    {
        "h": st.integers(1, 5),
        "w": st.integers(1, 7),
        "bands": st.integers(1, 6),
        "step": st.integers(0, 4),
        "seed": st.integers(0, 2**32 - 1),
        "is_measured": st.booleans(),
    }
)


def draw(scene: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict]:
    """A random float64 cube, mask (plain or measured shifted) and measurement, and the bands and step."""
    h, w, bands, step = (scene[name] for name in ("h", "w", "bands", "step"))
    rng = np.random.default_rng(scene["seed"])
    w_ext = w + step * (bands - 1)
    mask = rng.random((h, w_ext, bands) if scene["is_measured"] else (h, w))
    return rng.random((h, w, bands)), mask, rng.random((h, w_ext)), {"bands": bands, "step": step}


@given(scenes)
def test_forward_is_the_sum_of_masked_and_shifted_bands(scene: dict) -> None:
    cube, mask, _, sizes = draw(scene)
    phi = mask if mask.ndim == 3 else cassi.shifted_mask(mask, **sizes)
    expected = (phi * cassi.shift(cube, step=sizes["step"])).sum(axis=2)
    np.testing.assert_allclose(cassi.forward(cube, mask, step=sizes["step"]), expected, rtol=1e-12)


@given(scenes)
def test_adjoint(scene: dict) -> None:
    cube, mask, measurement, sizes = draw(scene)
    seen = np.vdot(cassi.forward(cube, mask, step=sizes["step"]), measurement)
    assert seen == pytest.approx(np.vdot(cube, cassi.adjoint(measurement, mask, **sizes)), rel=1e-12)


@given(scenes)
def test_shift_back_undoes_shift(scene: dict) -> None:
    cube, _, _, sizes = draw(scene)
    shifted = cassi.shift(cube, step=sizes["step"])
    assert shifted.sum() == pytest.approx(cube.sum())
    np.testing.assert_array_equal(cassi.shift_back(shifted, **sizes), cube)


def test_shift_moves_band_i_right_by_step_times_i() -> None:
    shifted = cassi.shift(np.array([[[1.0, 2.0, 3.0]]]), step=2)
    np.testing.assert_array_equal(shifted[0].T, [[1, 0, 0, 0, 0], [0, 0, 2, 0, 0], [0, 0, 0, 0, 3]])


@given(scenes)
def test_projection_gives_the_measurement_and_moves_no_further(scene: dict) -> None:
    cube, mask, measurement, sizes = draw(scene)
    mask = mask + 0.1
    step = sizes["step"]
    measurement[cassi.forward(np.ones_like(cube), mask, step=step) == 0] = 0  # columns no band reaches
    projected = cassi.project(cube, measurement, mask, step=step)
    np.testing.assert_allclose(cassi.forward(projected, mask, step=step), measurement, atol=1e-10)
    np.testing.assert_allclose(cassi.project(projected, measurement, mask, step=step), projected, atol=1e-10)
    # Least change: orthogonal to the difference of any two cubes that give the measurement.
    other = cassi.project(cube[::-1, ::-1] * 2, measurement, mask, step=step)
    assert np.vdot(projected - cube, other - projected) == pytest.approx(0, abs=1e-8)


def test_projection_leaves_what_a_dark_mask_hides() -> None:
    rng = np.random.default_rng(0)
    cube, mask = rng.random((4, 6, 3), np.float32), np.ones((4, 6), np.float32)
    mask[:, 2:] = 0
    projected = cassi.project(cube, np.full((4, 10), 7, np.float32), mask, step=2)
    assert projected.dtype == np.float32 and np.isfinite(projected).all()
    np.testing.assert_array_equal(projected[:, 2:], cube[:, 2:])
    assert (projected[:, :2] != cube[:, :2]).all()


def test_network_input_halves_what_28_open_bands_add_up_to() -> None:
    measurement = cassi.forward(np.full((2, 60, 28), 0.25), np.ones((2, 60)), step=1)
    h = cassi.network_input(measurement, bands=28, step=1)
    assert h.shape == (2, 60, 28)
    assert h[0, 30, 10] == pytest.approx(2 * 0.25)


# Files


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(1).random((6, 62), np.float32)


def save(path: Path, name: str, array: np.ndarray) -> Path:
    """One array in the kind of file that the suffix (for MAT 7.3: .v73.mat) says."""
    if path.name.endswith(".v73.mat"):
        with h5py.File(path, "w", userblock_size=512) as file:
            file[name] = array.T
    elif path.suffix == ".mat":
        scipy.io.savemat(path, {name: array})
    elif path.suffix == ".npz":
        np.savez(path, **{name: array})
    elif path.suffix == ".npy":
        np.save(path, array)
    else:
        tifffile.imwrite(path, array)
    return path


@pytest.mark.parametrize("file", ["y.mat", "y.v73.mat", "y.npz", "y.npy", "y.tif"])
def test_a_simulated_measurement_is_y_in_every_format(tmp_path: Path, values: np.ndarray, file: str) -> None:
    measurement = read_measurement(save(tmp_path / file, "simulation_test", values * 9))
    assert measurement.kind == "simulated"
    np.testing.assert_array_equal(measurement.values, values * 9)
    np.testing.assert_array_equal(measurement.y(), measurement.values)


def test_a_real_measurement_is_clipped_and_brought_to_the_networks_scale(tmp_path: Path, values: np.ndarray) -> None:
    stored = values * 0.5
    stored[0, :2] = -1, 0
    measurement = read_measurement(save(tmp_path / "y.mat", "meas_real", stored))
    assert measurement.kind == "real" and measurement.values.dtype == np.float32
    expected = stored.clip(0, 1) / stored.max() * 0.8
    np.testing.assert_allclose(measurement.values, expected, rtol=1e-6)
    h = cassi.network_input(measurement.y(), bands=28, step=2)
    np.testing.assert_allclose(h[..., 0], measurement.values[:, :8], rtol=1e-6)


def test_counts_are_measurements_only_when_normalised(tmp_path: Path, values: np.ndarray) -> None:
    path = save(tmp_path / "y.tif", "", (values * 4095).astype(np.uint16))
    with pytest.raises(BadDataError, match="uint16") as caught:
        read_measurement(path)
    assert "--normalise" in caught.value.hint
    measurement = read_measurement(path, normalise=True)
    assert (measurement.kind, measurement.values.max()) == ("real", pytest.approx(0.8))


def test_a_variable_of_any_name_is_taken_if_it_is_the_only_one(tmp_path: Path, values: np.ndarray) -> None:
    path = save(tmp_path / "y.mat", "snapshot", values)
    np.testing.assert_array_equal(read_measurement(path).values, values)
    np.testing.assert_array_equal(read_measurement(path, key="snapshot").values, values)
    with pytest.raises(BadDataError, match="no variable 'other'"):
        read_measurement(path, key="other")


@pytest.mark.parametrize(
    "array", [np.zeros((2, 3, 4)), np.array([[np.nan, 1.0]]), np.array([[1j, 1]]), np.array([["text"]])]
)
def test_what_is_no_measurement_is_refused(tmp_path: Path, array: np.ndarray) -> None:
    with pytest.raises(BadDataError, match="y.mat"):
        read_measurement(save(tmp_path / "y.mat", "simulation_test", array))


def test_a_dark_real_measurement_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDataError, match="dark"):
        read_measurement(save(tmp_path / "y.mat", "meas_real", np.zeros((3, 9))))


@pytest.mark.parametrize("file", ["mask.mat", "mask.v73.mat", "mask.npz", "mask.npy", "mask.tif"])
def test_masks_keep_their_values_in_every_format(tmp_path: Path, values: np.ndarray, file: str) -> None:
    mask = read_mask(save(tmp_path / file, "mask", values))
    assert not mask.is_shifted
    np.testing.assert_array_equal(mask.values, values)


def test_binary_masks_are_open_or_shut_whatever_their_type(tmp_path: Path) -> None:
    pattern = np.indices((5, 7)).sum(axis=0) % 2
    for array in (pattern.astype(bool), pattern.astype(np.uint8), (pattern * 65535).astype(np.uint16)):
        np.testing.assert_array_equal(read_mask(save(tmp_path / "mask.npy", "", array)).values, pattern)
    imageio.imwrite(tmp_path / "mask.png", (pattern * 255).astype(np.uint8))
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png").values, pattern)


def test_png_masks_must_be_gray(tmp_path: Path) -> None:
    imageio.imwrite(tmp_path / "colour.png", np.random.default_rng(0).integers(0, 255, (4, 5, 3), np.uint8))
    with pytest.raises(BadDataError, match="gray"):
        read_mask(tmp_path / "colour.png")


def test_a_png_mask_of_zeros_and_ones_is_a_mask(tmp_path: Path) -> None:
    imageio.imwrite(tmp_path / "binary.png", np.eye(5, dtype=np.uint8))
    np.testing.assert_array_equal(read_mask(tmp_path / "binary.png").values, np.eye(5))


def test_a_measured_shifted_mask_projects_onto_its_measurement(tmp_path: Path, values: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    phi = rng.uniform(0.2, 1, (6, 62, 28)).astype(np.float32)
    mask = read_mask(save(tmp_path / "m.v73.mat", "mask_3d_shift", phi))
    assert mask.is_shifted
    np.testing.assert_array_equal(mask.values, phi)
    measurement = Measurement(values=values, kind="simulated")
    check_fit(measurement, mask)
    projected = cassi.project(rng.random((6, 8, 28), np.float32), values, mask.values, step=2)
    np.testing.assert_allclose(cassi.forward(projected, mask.values, step=2), values, atol=1e-5)


def test_fit_names_the_sizes_that_would_fit(values: np.ndarray) -> None:
    measurement = Measurement(values=values, kind="simulated")
    check_fit(measurement, Mask(values=np.ones((6, 8), np.float32)))
    check_fit(measurement, Mask(values=np.ones((6, 56), np.float32)), step=1, bands=7)
    with pytest.raises(BadDataError, match="6 x 62 does not fit a mask of 6 x 9") as caught:
        check_fit(measurement, Mask(values=np.ones((6, 9), np.float32)))
    assert all(sizes in caught.value.hint for sizes in ("6 x 8", "6 x 62 x 28", "6 x 63"))
    with pytest.raises(BadDataError, match="over 108"):
        check_fit(measurement, Mask(values=np.ones((6, 8), np.float32)), step=4)


def test_missing_files_and_unknown_suffixes(tmp_path: Path, values: np.ndarray) -> None:
    with pytest.raises(NoInputError, match="gone.mat"):
        read_measurement(tmp_path / "gone.mat")
    (tmp_path / "y.jpg").write_bytes(b"")
    with pytest.raises(UsageError, match=".jpg"):
        read_mask(tmp_path / "y.jpg")
    with pytest.raises(UsageError, match="no variable 'y'"):
        read_measurement(save(tmp_path / "y.npy", "", values), key="y")
