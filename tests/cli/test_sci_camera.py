"""sci for one's own camera: masks and measurements in the numbers and the order that labs have them in."""

import json

import h5py
import numpy as np
import pytest
import scipy.io
import tifffile
from PIL import Image

from glmha_cli.errors import BadDataError
from glmha_cli.inference.tiled import run_tiled
from glmha_cli.inference.tiling import Tiling
from glmha_cli.io.measurements.fit import check_fit
from glmha_cli.io.measurements.model import Mask, Measurement
from glmha_cli.io.measurements.read import as_mask, as_measurement, read_mask, read_measurement
from glmha_cli.physics import cassi
from glmha_cli.tasks.sci import SCI, Scene, notes_of, scene_of
from tests.cli.in_process import run_here

BANDS, STEP = 28, 2


@pytest.fixture(scope="module")
def camera():
    """(cube, mask, measurement): smooth in space and along the bands."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[0:48, 0:64]
    bands = [0.4 + 0.3 * np.sin(rows / 17 + i / 9) * np.cos(columns / 23 - i / 12) for i in range(BANDS)]
    cube = np.stack(bands, axis=2).astype(np.float32)
    mask = (rng.random((48, 64)) < 0.5).astype(np.float32)
    return cube, mask, cassi.forward(cube, mask, step=STEP)


# Masks


COUNTS = ("percent", "double 0..255", "counts in double", "12 bit in 16", "14 bit in 16 with a sign", "15 bit in 16")


@pytest.mark.parametrize("kind", [*COUNTS, "uint8", "bool"])
def test_masks_in_any_numbers_are_transmissions(camera, tmp_path, kind):
    mask = camera[1]
    stored = {
        "percent": (mask * 100).astype(np.uint8),
        "double 0..255": mask.astype(float) * 255,
        "counts in double": mask.astype(float) * 4031,
        "12 bit in 16": (mask * 4095).astype(np.uint16),
        "14 bit in 16 with a sign": (mask * 16383).astype(np.int16),
        "15 bit in 16": (mask * 32767).astype(np.uint16),
        "uint8": (mask * 255).astype(np.uint8),
        "bool": mask.astype(bool),
    }[kind]
    scipy.io.savemat(tmp_path / "m.mat", {"my_mask": stored})
    read = read_mask(tmp_path / "m.mat")
    np.testing.assert_allclose(read.values, mask)
    assert bool(read.notes) == (kind in COUNTS)


def test_axes_of_a_mat_file_by_h5py_are_those_of_matlab(camera, tmp_path):
    with h5py.File(tmp_path / "x.mat", "w") as file:
        file["mask"], file["simulation_test"] = (values.T for values in camera[1:])
    np.testing.assert_array_equal(read_mask(tmp_path / "x.mat").values, camera[1])
    np.testing.assert_array_equal(read_measurement(tmp_path / "x.mat").values, camera[2])


def test_what_lies_above_the_range_of_a_real_measurement_is_said(camera):
    y = camera[2] / camera[2].max()
    assert not as_measurement(y, normalise=True).notes
    (note,) = as_measurement(1.9 * y, normalise=True).notes
    assert f"{(1.9 * y > 1).mean():.0%} of its values" in note


def test_numbers_beyond_those_of_single_precision_are_refused(camera):
    for read in (as_mask, lambda array: as_measurement(array, normalise=True)):
        with pytest.raises(BadDataError, match="infinite"):
            read(camera[2].astype(np.float64) * 1e38)


def test_a_narrow_measurement_that_is_transposed_is_told(camera):
    turned = as_measurement(np.ascontiguousarray(camera[2].T), normalise=False)
    with pytest.raises(BadDataError, match="48 columns are too few") as caught:
        check_fit(turned, Mask(values=camera[1]))
    assert "needs a measurement of 48 x 118; the measurement would fit transposed" in caught.value.hint


def test_a_measurement_under_any_name_is_read(camera, tmp_path):
    scipy.io.savemat(tmp_path / "y.mat", {"snapshot": camera[2], "exposure_ms": 3.0})
    np.testing.assert_array_equal(read_measurement(tmp_path / "y.mat").values, camera[2])


def test_of_several_arrays_what_to_do_is_said(camera, tmp_path):
    scipy.io.savemat(tmp_path / "x.mat", {"first": camera[2], "second": camera[2]})
    with pytest.raises(BadDataError, match="several variables that fit") as caught:
        read_measurement(tmp_path / "x.mat")
    assert caught.value.hint == "--key first"
    with pytest.raises(BadDataError, match="several variables that fit") as caught:
        read_mask(tmp_path / "x.mat")
    assert caught.value.hint == "call the mask's 'mask'"


def test_a_calibrated_mask_with_noise_is_left_as_it_is(camera):
    noisy = np.clip(camera[1] + 0.03 * np.random.default_rng(0).standard_normal((48, 64)), 0, None)
    np.testing.assert_allclose(as_mask(noisy).values, noisy.astype(np.float32))


@pytest.mark.parametrize("dtype", ["?", "u1", "u2"])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_a_mask_as_tiff_is_open_where_it_is_white(camera, tmp_path, dtype, photometric):
    """TIFF 6.0, section 3: PhotometricInterpretation 0, as ImageMagick and Photoshop write masks of one bit."""
    is_open = camera[1].astype(bool)
    stored = ~is_open if photometric == "miniswhite" else is_open
    values = stored if dtype == "?" else (stored * np.iinfo(dtype).max).astype(dtype)
    tifffile.imwrite(tmp_path / "mask.tif", values, photometric=photometric, metadata=None)
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.tif").values, camera[1])
    with Image.open(tmp_path / "mask.tif") as seen:
        if dtype != "u2":
            np.testing.assert_array_equal(np.asarray(seen).astype(bool), is_open)


def test_a_shifted_mask_may_have_its_bands_first(camera):
    shifted = cassi.shifted_mask(camera[1], bands=BANDS, step=STEP)
    read = as_mask(shifted.transpose(2, 0, 1))
    np.testing.assert_array_equal(read.values, shifted)
    assert read.is_shifted and "bands x height x width" in read.notes[0]


def test_what_would_make_a_mask_fit_is_said(camera):
    _, mask, y = camera
    measurement = Measurement(values=y, kind="simulated")
    cases = {
        "transposed": (measurement, Mask(values=mask.T)),
        "--step 2": (measurement, Mask(values=mask)),
        "27 bands": (Measurement(values=y[:, :-2], kind="simulated"), Mask(values=mask)),
        "network reconstructs 28": (measurement, Mask(values=np.ones((48, 118, 24), np.float32))),
    }
    for said, (each, wrong) in cases.items():
        with pytest.raises(BadDataError) as caught:
            check_fit(each, wrong, step=3 if said == "--step 2" else STEP, bands=BANDS)
        assert said in f"{caught.value.message} {caught.value.hint}"


# Measurements


def test_counts_in_floating_point_are_not_taken_for_y(camera):
    _, mask, y = camera
    counts = as_measurement(np.round(y.astype(float) * 100), normalise=False)
    with pytest.raises(BadDataError, match="at most 28: counts") as caught:
        check_fit(counts, Mask(values=mask), bands=BANDS)
    assert caught.value.hint == "--normalise"
    scaled = as_measurement(np.round(y.astype(float) * 100), normalise=True)
    np.testing.assert_allclose(scaled.values, y / y.max() * 0.8, atol=0.002)
    assert "counts" in scaled.notes[0]


def test_a_snapshot_may_be_a_png_of_16_bit(camera, tmp_path):
    y = camera[2]
    Image.fromarray(np.round(y / y.max() * 65535).astype(np.uint16)).save(tmp_path / "y.png")
    with pytest.raises(BadDataError, match="uint16 counts|counts, not Y"):
        read_measurement(tmp_path / "y.png")
    np.testing.assert_allclose(
        read_measurement(tmp_path / "y.png", normalise=True).values, y / y.max() * 0.8, atol=1e-4
    )


@pytest.mark.parametrize("level", [0.0, -0.5])
def test_a_snapshot_without_light_is_none(camera, level):
    with pytest.raises(BadDataError, match="completely dark"):
        as_measurement(np.full_like(camera[2], level), normalise=False)


def test_dispersion_to_the_left_is_the_mirror_image(camera):
    """What the network gets is what a camera of the other direction gives it, and the result is turned back."""
    cube, mask, y = camera
    right = Scene(measurement=Measurement(values=y, kind="simulated"), mask=Mask(values=mask), step=STEP)
    left = Scene(
        measurement=Measurement(values=y[:, ::-1], kind="simulated"), mask=Mask(values=mask[:, ::-1]), step=-STEP
    )
    for mine, its in zip(SCI.prepare(left), SCI.prepare(right), strict=True):
        np.testing.assert_array_equal(mine, its)
    assert left.shape == right.shape
    guess = np.full_like(cube, 0.3)
    np.testing.assert_array_equal(SCI.finish(guess + cube / 9, left), SCI.finish(guess + cube / 9, right)[:, ::-1])
    projected = SCI.project(guess, left)
    np.testing.assert_allclose(cassi.forward(projected[:, ::-1], mask, step=STEP), y, atol=1e-4)


# The check


@pytest.mark.parametrize(
    ("turn", "said"),
    [
        (lambda mask: mask, ""),
        (lambda mask: mask[:, ::-1], "mirrored left to right"),
        (lambda mask: mask[::-1], "mirrored top to bottom"),
        (lambda mask: mask[::-1, ::-1], "turned by half"),
        (lambda mask: mask.T, "transposed"),
        (lambda mask: 1 - mask + np.random.default_rng(3).random(mask.shape), "does not fit in any orientation"),
    ],
)
def test_check_says_how_the_mask_is_to_be_laid(camera, tmp_path, turn, said):
    _, mask, y = camera
    scipy.io.savemat(tmp_path / "y.mat", {"simulation_test": y})
    scipy.io.savemat(tmp_path / "m.mat", {"mask": turn(mask)})
    result = run_here("sci", "--check", tmp_path / "y.mat", tmp_path / "m.mat", "--json")
    fits = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.returncode == (65 if said else 0) and said in result.stderr
    if said != "does not fit in any orientation":
        assert fits[0]["mask"] == (said or "as it is") and fits[0]["correlation"] > 0.8
        assert all(each["correlation"] < 0.3 for each in fits[1:])


@pytest.mark.parametrize("step", [STEP, -STEP])
@pytest.mark.parametrize("turn", [lambda mask: mask, np.fliplr, np.flipud, np.ones_like])
def test_a_mask_of_the_right_size_that_lies_another_way_is_told(camera, step, turn):
    _, mask, y = camera
    scene = scene_of(Measurement(values=y, kind="simulated"), Mask(values=turn(mask)), step=step)
    said = {np.fliplr: "but mirrored left to right", np.flipud: "but mirrored top to bottom"}.get(turn)
    (note,) = notes_of(scene) if said else (*notes_of(scene), "")
    assert (said or "") in note


# Tiles


def test_a_snapshot_of_usual_size_has_no_steps_in_its_mean_colour():
    """Statistics of a tile set its mean, so tiles show; a network that is nothing but those makes it plain."""

    def mean_of_tile(batches):
        for (tile,) in batches:
            yield tile / tile.mean(axis=(1, 2), keepdims=True)

    image = np.full((660, 660, 1), 0.01, np.float32)
    image[100:500, 200:460] = 1

    def spread(tiling):
        rows = run_tiled(mean_of_tile, lambda a, b: (image[a:b],), (660, 660), tiling=tiling, multiple=8)
        result = np.concatenate(list(rows))
        means = [result[600:640, at : at + 40].mean() for at in (20, 300, 600)]
        return max(means) / min(means)

    assert spread(Tiling.parse("auto", auto_px=SCI.tile_px)) < 1.1 < spread(Tiling.parse("auto"))


# The dark level


@pytest.mark.parametrize("level", [0.0, 0.5])
@pytest.mark.parametrize("step", [STEP, -STEP])
def test_the_dark_level_is_that_of_the_detector(level, step):
    """A scene with dark parts, on a detector that shows something without light."""
    rng = np.random.default_rng(1)
    mask = (rng.random((128, 160)) < 0.5).astype(np.float32)
    scene = np.full((128, 160, BANDS), 0.02, np.float32) * np.linspace(0.5, 1.5, BANDS, dtype=np.float32)
    scene[30:80, 40:110] += 0.6
    y = cassi.forward(scene, mask, step=STEP) + np.float32(level)
    y += 0.01 * rng.standard_normal(y.shape).astype(np.float32)
    assert cassi.dark_level(y, mask, bands=BANDS, step=STEP) == pytest.approx(level, abs=0.02)
    evened = cassi.with_dark_level_as_light(y, mask, bands=BANDS, step=STEP)
    even = cassi.forward(np.full_like(scene, level / 14), mask, step=STEP)  # half of 28 masks are open
    rest = (evened - (y - np.float32(level)) - even)[:, 60:-60]
    assert np.abs(rest).max() < 0.08 * max(level, 0.1)
    turned = slice(None, None, 1 if step > 0 else -1)
    real = Measurement(values=y[:, turned], kind="real")
    found = scene_of(real, Mask(values=mask[:, turned]), step=step).measurement.values
    np.testing.assert_allclose(found, evened[:, turned], rtol=1e-5, atol=1e-6)
    simulated = Measurement(values=y, kind="simulated")
    assert scene_of(simulated, Mask(values=mask), step=STEP).measurement is simulated
