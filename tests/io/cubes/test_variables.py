"""Cubes as labs have them: under any name, within structures, in any order of axes, as integers."""

import h5py
import numpy as np
import pytest
import scipy.io
import tifffile

from glmha_cli.cli.cube_input import parse_scale
from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.io.cubes.cube import CubeOptions, read_cube
from glmha_cli.io.cubes.variables import open_variables

NM = np.arange(400, 701, 10.0)


def scene(height=70, width=90):
    """Sharp in space, smooth along the wavelengths, as scenes are."""
    rng = np.random.default_rng(0)
    albedo, centre = rng.random((height, width, 1)), 400 + 300 * rng.random((height, width, 1))
    return (albedo * np.exp(-(((NM - centre) / 120) ** 2))).astype(np.float32)


CUBE = scene()


@pytest.mark.parametrize("name", ["Omsi", "reflectance", "data", "x"])
def test_the_one_array_of_three_axes_is_the_cube(tmp_path, name):
    scipy.io.savemat(tmp_path / "x.mat", {name: CUBE, "rgb": np.zeros((3, 4)), "note": "text", "wavelengths": NM})
    cube = read_cube(tmp_path / "x.mat")
    np.testing.assert_array_equal(cube, CUBE)
    assert cube.wavelength_nm == tuple(NM)


@pytest.mark.parametrize("suffix", [".mat", ".npz", ".h5"])
def test_several_cubes_are_named_and_a_key_picks_one(tmp_path, suffix):
    arrays = {"one": CUBE, "two": CUBE[:60] * 2}
    if suffix == ".h5":
        with h5py.File(tmp_path / "x.h5", "w") as file:
            for name, array in arrays.items():
                file[f"group/{name}"] = array
    else:
        (scipy.io.savemat if suffix == ".mat" else lambda path, content: np.savez(path, **content))(
            tmp_path / f"x{suffix}", arrays
        )
    with pytest.raises(BadDataError, match=r"one \(70 x 90 x 31\).*two \(60 x 90 x 31\)") as caught:
        read_cube(tmp_path / f"x{suffix}")
    assert "--key" in caught.value.hint
    key = "group/two" if suffix == ".h5" else "two"
    np.testing.assert_array_equal(read_cube(tmp_path / f"x{suffix}", CubeOptions(key=key)), arrays["two"])
    with pytest.raises(BadDataError, match="no variable 'three'"):
        read_cube(tmp_path / f"x{suffix}", CubeOptions(key="three"))


@pytest.mark.parametrize("compress", [False, True])
def test_structures_and_cells_are_walked(tmp_path, compress):
    inner = {"cube": CUBE, "wavelength": NM / 1000, "about": {"sensor": "X", "cells": np.array([1, "b"], object)}}
    scipy.io.savemat(tmp_path / "x.mat", {"scene": inner, "n": 3}, do_compression=compress)
    names = set(open_variables(tmp_path / "x.mat"))
    assert names == {
        "n",
        "scene.cube",
        "scene.wavelength",
        "scene.about.sensor",
        "scene.about.cells{1}",
        "scene.about.cells{2}",
    }
    cube = read_cube(tmp_path / "x.mat")
    np.testing.assert_array_equal(cube, CUBE)
    np.testing.assert_allclose(cube.wavelength_nm, NM)


def test_structures_and_cells_of_7_3_are_walked_but_links_are_not(tmp_path):
    with h5py.File(tmp_path / "x.mat", "w") as file:
        file["#refs#/a"] = CUBE.T
        cell = file.create_dataset("cell", (1, 1), h5py.ref_dtype)
        cell[0, 0] = file["#refs#/a"].ref
        cell.attrs["MATLAB_class"] = np.bytes_("cell")
        file["scene/wavelength"] = NM
        file["scene/again"] = file["scene"]  # a circle
        file["scene/out"] = h5py.ExternalLink("y.mat", "/cube")
    assert {"cell{1}", "scene.wavelength", "scene.out"} <= set(open_variables(tmp_path / "x.mat"))
    np.testing.assert_array_equal(read_cube(tmp_path / "x.mat"), CUBE)
    with pytest.raises(BadDataError, match="link to another place"):
        read_cube(tmp_path / "x.mat", CubeOptions(key="scene.out"))


@pytest.mark.parametrize("axes", ["hwb", "bhw", "hbw"])
def test_the_wavelengths_tell_the_axis_of_the_bands(tmp_path, axes):
    stored = CUBE.transpose(["hwb".index(axis) for axis in axes])
    np.savez(tmp_path / "x.npz", cube=stored, wavelength_nm=NM)
    cube = read_cube(tmp_path / "x.npz")
    np.testing.assert_array_equal(cube, CUBE)
    assert bool(cube.facts.notes) == (axes != "hwb")


def test_hdf5_that_python_wrote_as_mat_keeps_its_own_order(tmp_path):
    with h5py.File(tmp_path / "x.mat", "w") as file:
        file["cube"], file["bands"] = CUBE, NM
    np.testing.assert_array_equal(read_cube(tmp_path / "x.mat"), CUBE)


def stored_without_wavelengths(folder, kind, axes):
    stored = np.ascontiguousarray(CUBE.transpose(["hwb".index(axis) for axis in axes]))
    path = folder / f"x{kind}"
    if kind == ".npy":
        np.save(path, stored)
    elif kind == ".tif":
        tifffile.imwrite(path, stored, photometric="minisblack")  # a page for each of the first axis
    else:
        scipy.io.savemat(path, {"cube": stored})
    return path


@pytest.mark.parametrize(("kind", "axes"), [(".npy", "bhw"), (".npy", "hbw"), (".tif", "hwb"), (".mat", "bhw")])
def test_axes_in_doubt_are_asked_for(tmp_path, kind, axes):
    path = stored_without_wavelengths(tmp_path, kind, axes)
    with pytest.raises(BadDataError, match="unclear") as caught:
        read_cube(path)
    assert "--axes" in caught.value.hint
    np.testing.assert_array_equal(read_cube(path, CubeOptions(axes=axes)), CUBE)


@pytest.mark.parametrize(("kind", "axes"), [(".npy", "hwb"), (".tif", "bhw"), (".mat", "hwb")])
def test_axes_as_is_the_custom_need_no_word(tmp_path, kind, axes):
    cube = read_cube(stored_without_wavelengths(tmp_path, kind, axes))
    np.testing.assert_array_equal(cube, CUBE)
    assert cube.facts.notes == ()


def test_few_lines_of_many_bands_are_asked_about_by_their_lengths(tmp_path):
    values = np.random.default_rng(0).random((31, 200, 300), np.float32)
    np.save(tmp_path / "x.npy", values)
    with pytest.raises(BadDataError, match="unclear"):
        read_cube(tmp_path / "x.npy")


def test_axes_that_a_file_states_are_not_overruled(tmp_path):
    tifffile.imwrite(tmp_path / "x.tif", CUBE, photometric="minisblack", planarconfig="contig", metadata=None)
    with pytest.raises(UsageError, match="axes are hwb, not bhw"):
        read_cube(tmp_path / "x.tif", CubeOptions(axes="bhw"))


def test_integers_come_to_numbers_by_the_scale_that_is_said(tmp_path):
    counts = np.round(CUBE * 4095).astype(np.uint16)
    np.save(tmp_path / "x.npy", counts)
    with pytest.raises(BadDataError, match="uint16 without a stated scale"):
        read_cube(tmp_path / "x.npy")
    np.testing.assert_allclose(
        read_cube(tmp_path / "x.npy", CubeOptions(scale=parse_scale("12bit"))), counts / 4095, rtol=1e-6
    )


@pytest.mark.parametrize(
    ("text", "scale"), [("1e-4", 1e-4), ("1/4095", 1 / 4095), ("12bit", 1 / 4095), ("16-bit", 1 / 65535)]
)
def test_scales_as_they_are_typed(text, scale):
    assert parse_scale(text) == pytest.approx(scale)


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "bit", "0bit", "99bit", "1/0", "nan", "inf", "abc", "1e400", "1e99999999999", "1e400/1e400"]
)
def test_scales_that_are_none(text):
    with pytest.raises(UsageError, match="--scale"):
        parse_scale(text)


def test_nan_is_no_data_and_infinity_is_damage(tmp_path):
    values = CUBE.copy()
    values[3, 4] = np.nan
    np.save(tmp_path / "x.npy", values)
    assert read_cube(tmp_path / "x.npy").missing.sum() == 31
    values[3, 4] = np.inf
    np.save(tmp_path / "x.npy", values)
    with pytest.raises(BadDataError, match="infinite values"):
        read_cube(tmp_path / "x.npy")


def test_an_array_that_is_no_cube_is_named_with_its_size(tmp_path):
    scipy.io.savemat(tmp_path / "x.mat", {"batch": np.zeros((1, 4, 5, 6)), "phases": np.ones((4, 5, 6)) * 1j})
    with pytest.raises(BadDataError, match="real numbers with 3 axes") as caught:
        read_cube(tmp_path / "x.mat")
    assert caught.value.hint == "its variables: batch (1 x 4 x 5 x 6), phases (4 x 5 x 6)"
