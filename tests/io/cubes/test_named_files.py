"""MAT and .npz files of others: what their variables beside the cube mean, and where they lie."""

import h5py
import numpy as np
import pytest
import scipy.io

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.cube import Cube, CubeOptions, read_cube, write_cube
from glmha_cli.io.cubes.windows import outline, read_rows

VALUES = np.random.default_rng(1).random((5, 7, 6), np.float32)
NM = (450.0, 500.0, 550.0, 600.0, 650.0, 700.0)
UM = np.array(NM) / 1000


def saved(folder, suffix, **variables):
    path = folder / f"x{suffix}"
    if suffix == ".mat":
        scipy.io.savemat(path, variables)
    else:
        np.savez(path, **variables)
    return path


both = pytest.mark.parametrize("suffix", [".mat", ".npz"])


@both
@pytest.mark.parametrize("counts", [np.arange(6), np.arange(1, 7), np.array([1, 3, 5, 7, 9, 11]), np.arange(1, 7) * 9])
def test_numbers_of_bands_are_no_wavelengths(tmp_path, suffix, counts):
    path = saved(tmp_path, suffix, cube=VALUES, bands=counts)
    cube = read_cube(path)
    np.testing.assert_array_equal(cube, VALUES)
    assert cube.wavelength_nm == () and any("--unit" in note for note in cube.facts.notes)
    assert outline(path, CubeOptions()).facts == cube.facts


@both
def test_a_count_of_bands_is_no_wavelength(tmp_path, suffix):
    assert read_cube(saved(tmp_path, suffix, cube=VALUES, bands=6)).wavelength_nm == ()
    path = saved(tmp_path, suffix, cube=VALUES, bands=6, wavelengths=UM)
    assert read_cube(path).wavelength_nm == NM


@both
@pytest.mark.parametrize("name", ["bands", "wavelength", "wl"])
def test_the_numbers_tell_their_unit(tmp_path, suffix, name):
    for numbers in (NM, UM):
        cube = read_cube(saved(tmp_path, suffix, cube=VALUES, **{name: numbers}))
        assert cube.wavelength_nm == NM and cube.facts.notes == ()


@both
def test_widths_in_nanometres_stay_so_beside_micrometres(tmp_path, suffix):
    cube = read_cube(saved(tmp_path, suffix, cube=VALUES, wavelength=UM, fwhm_nm=np.full(6, 4.5)))
    assert cube.wavelength_nm == NM and cube.facts.fwhm_nm == (4.5,) * 6


@both
@pytest.mark.parametrize("scale", [1, 1e-3], ids=["nm", "um"])
def test_wavelengths_as_texts_and_what_stands_beside_them(tmp_path, suffix, scale):
    """Spectral Python has lists of an ENVI header as texts."""
    texts, bad = [f"{nm * scale:g}" for nm in NM], np.array([1, 1, 0, 1, 1, 1])
    path = saved(tmp_path, suffix, cube=VALUES, wavelength=texts, fwhm=np.full(6, 4.5 * scale), bbl=bad)
    facts = read_cube(path).facts
    assert facts.wavelength_nm == NM and facts.notes == () and facts.good_bands == tuple(bad == 1)
    np.testing.assert_allclose(facts.fwhm_nm, 4.5)


@both
def test_widths_without_wavelengths_have_no_unit(tmp_path, suffix):
    assert read_cube(saved(tmp_path, suffix, cube=VALUES, fwhm=np.full(6, 0.01))).facts.fwhm_nm == ()


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_names_in_a_matrix_of_characters(tmp_path, version):
    """MATLAB's char('red edge', 'NIR', …) has a name in each row, filled up with blanks."""
    names, path = ("red edge", "NIR", "å", "b", "c", "d"), tmp_path / "x.mat"
    if version == "5":
        scipy.io.savemat(path, {"cube": VALUES, "band_names": np.array(names)})
    else:
        characters = np.array([list(name.ljust(8)) for name in names])
        with h5py.File(path, "w") as file:
            file["cube"] = VALUES.T
            file["cube"].attrs["MATLAB_class"] = np.bytes_("single")
            file["band_names"] = np.vectorize(ord)(characters).astype("u2").T
            file["band_names"].attrs["MATLAB_class"] = np.bytes_("char")
    assert read_cube(path).facts.band_names == names


@both
def test_a_list_from_elsewhere_does_not_tell_the_axes(tmp_path, suffix):
    """It may be of another cube; those beside the cube may be of any side."""
    cube = np.random.default_rng(0).random((40, 30, 8), np.float32)
    path = saved(tmp_path, suffix, cube=cube, cal={"wavelength": np.linspace(400, 900, 40)})
    read = read_cube(path)
    assert read.shape == (40, 30, 8) and read.wavelength_nm == ()


@both
def test_whole_micrometres_of_heat_are_wavelengths(tmp_path, suffix):
    cube = read_cube(saved(tmp_path, suffix, cube=VALUES, wavelength=np.arange(8, 14)))
    assert cube.wavelength_nm == tuple(1000.0 * each for each in range(8, 14))


@both
def test_wavelengths_go_before_numbers_of_bands(tmp_path, suffix):
    path = saved(tmp_path, suffix, cube=VALUES, bands=np.arange(1, 7), wavelength=UM)
    assert read_cube(path).wavelength_nm == NM


@both
def test_a_list_that_fits_no_side_is_named(tmp_path, suffix):
    cube = read_cube(saved(tmp_path, suffix, cube=VALUES, bands=NM[:4]))
    assert cube.wavelength_nm == () and any("'bands' has 4 numbers" in note for note in cube.facts.notes)
    with pytest.raises(BadDataError, match="4 wavelengths for 6 bands"):
        read_cube(saved(tmp_path, suffix, cube=VALUES, wavelength_nm=NM[:4]))


@pytest.mark.parametrize("nm", [(25_000.0, 30_000.0), (30.0, 50.0), (2.0, 3.0)])
@pytest.mark.parametrize("suffix", [".mat", ".npz"])
def test_our_own_files_keep_wavelengths_of_any_size(tmp_path, nm, suffix):
    write_cube(tmp_path / f"x{suffix}", Cube(values=VALUES[..., :2].copy(), wavelength_nm=nm))
    assert read_cube(tmp_path / f"x{suffix}").wavelength_nm == nm


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"hsi": {"cube": VALUES}, "wavelengths": NM}, "wavelengths"),
        ({"cube": VALUES, "info": {"wavelengths": NM}}, "info.wavelengths"),
        ({"a": {"cube": VALUES}, "b": {"wl": UM}}, "b.wl"),
    ],
)
def test_wavelengths_in_another_structure_than_the_cube(tmp_path, variables, name):
    cube = read_cube(saved(tmp_path, ".mat", **variables))
    assert cube.wavelength_nm == NM and cube.facts.notes == (f"its wavelengths are those of '{name}'",)


def test_wavelengths_beside_the_cube_go_before_those_elsewhere(tmp_path):
    variables = {"hsi": {"cube": VALUES, "wavelengths": NM}, "wavelength_nm": np.array(NM) + 1, "wl": NM[:3]}
    cube = read_cube(saved(tmp_path, ".mat", **variables))
    assert cube.wavelength_nm == NM and cube.facts.notes == ()


def matlab_7_3(path, classes):
    """As MATLAB writes it, with empty variables of these classes beside a cube."""
    with h5py.File(path, "w") as file:
        file["cube"] = VALUES.T.astype("f8")
        file["cube"].attrs["MATLAB_class"] = np.bytes_("double")
        for name, kind in classes.items():
            file[name] = np.zeros(2, "u8")  # its lengths
            file[name].attrs.update(
                {"MATLAB_class": np.bytes_(kind), "MATLAB_empty": np.ones(2 if kind == "cell" else (), "u1")}
            )
    return path


def test_empty_variables_of_matlab_are_empty(tmp_path):
    VALUES[2, 3, 4] = 0
    classes = {"bands": "double", "nodata": "double", "band_names": "char", "crs": "char", "c": "cell", "s": "struct"}
    cube = read_cube(matlab_7_3(tmp_path / "x.mat", classes))
    np.testing.assert_array_equal(cube, VALUES)
    assert not cube.missing.any() and cube.facts.nodata is None
    assert cube.wavelength_nm == cube.facts.band_names == () and cube.facts.georeference is None
    scipy.io.savemat(tmp_path / "y.mat", {"cube": VALUES, "bands": [], "nodata": [], "band_names": ""})
    assert read_cube(tmp_path / "y.mat").facts == cube.facts


@pytest.mark.parametrize(("name", "largest"), [("img_expand", 65536), ("data_slice", 65535)])
@pytest.mark.parametrize("version", ["5", "7.3"])
def test_a_cube_of_counts_by_its_name_that_is_within_one_already(tmp_path, name, largest, version):
    """CAVE and KAIST come so; files of which someone brought the values to [0, 1] keep the name."""
    values, path = np.random.default_rng(1).random((5, 7, 6)), tmp_path / "x.mat"
    for stored, noted in ((values, 1), (values * largest, 0)):
        if version == "5":
            scipy.io.savemat(path, {name: stored})
        else:
            with h5py.File(path, "w") as file:
                file.create_dataset(name, data=stored.T).attrs["MATLAB_class"] = np.bytes_("double")
        cube = read_cube(path)
        np.testing.assert_allclose(cube, values, rtol=1e-6)
        assert len([note for note in cube.facts.notes if "not divided" in note]) == noted
        np.testing.assert_array_equal(read_rows(path, CubeOptions(), 0, 1).values, cube.values[:1])


def test_counts_that_are_dark_in_the_middle_are_counts(tmp_path):
    stored = np.zeros((5, 7, 6))
    stored[:, 3], stored[:, 5] = 1, 65535
    scipy.io.savemat(tmp_path / "x.mat", {"data_slice": stored})
    np.testing.assert_allclose(read_cube(tmp_path / "x.mat"), stored / 65535, rtol=1e-6)


@pytest.mark.parametrize("suffix", [".mat", ".npz"])
def test_variables_of_others_that_have_our_names(tmp_path, suffix):
    """A mask, a table and a word beside a cube are no number for no data, no tags and no place."""
    others = {"nodata": np.zeros((5, 7)), "tags": "outdoor, sunny", "band_tags": "[1, 2]", "crs": 4326.0}
    others |= {"transform": np.eye(4), "provenance": np.array([{"lab": "x"}], object)}
    values = VALUES.copy()
    values[0, 0, 0] = 0
    cube = read_cube(saved(tmp_path, suffix, cube=values, **others))
    np.testing.assert_array_equal(cube.values, values)
    assert cube.facts.nodata is None and cube.facts.tags == {} and cube.facts.georeference is None
