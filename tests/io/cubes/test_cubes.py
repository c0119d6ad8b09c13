"""Cubes written and read back, by us and by the libraries people use; damaged and hostile files."""

import io
import json
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio
import scipy.io
import spectral
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from glmha_cli.batch.outputs import plan_file
from glmha_cli.errors import BadDataError, CannotCreateError, NoInputError, UsageError
from glmha_cli.io.cubes.cube import Cube, files_of, read_cube, write_cube
from glmha_cli.io.cubes.formats import mat
from glmha_cli.io.cubes.variables import open_variables
from glmha_cli.physics.wavelengths import RGB2HSI_NM, SCI_NM

SUFFIXES = [".tif", ".tiff", ".TIF", ".hdr", ".img", ".mat", ".npz"]
GRIDS = [RGB2HSI_NM, SCI_NM, (400.0, 453.5, 512.3456, 1000.25)]
PROVENANCE = {"tool": "glmha 1.0", "note": 'é <&> {braces} "quotes" \\ }'}

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def random_cube(wavelength_nm: tuple[float, ...] = RGB2HSI_NM) -> Cube:
    values = np.random.default_rng(0).random((7, 9, len(wavelength_nm)), np.float32)
    return Cube(values=values, wavelength_nm=wavelength_nm)


def same(cube: Cube, expected: Cube) -> None:
    assert type(cube.values) is np.ndarray and cube.values.dtype == np.float32 and cube.values.flags.c_contiguous
    np.testing.assert_array_equal(cube.values, expected.values)
    assert cube.wavelength_nm == expected.wavelength_nm


@pytest.mark.parametrize("grid", GRIDS, ids=len)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_cube_comes_back_exactly(tmp_path: Path, suffix: str, grid: tuple[float, ...]) -> None:
    cube = random_cube(grid)
    write_cube(tmp_path / f"x{suffix}", cube, provenance=PROVENANCE)
    same(read_cube(tmp_path / f"x{suffix}"), cube)


@pytest.mark.parametrize("suffix", [".tif", ".hdr", ".mat", ".npz", ".npy"])
@settings(max_examples=25)
@given(values=arrays(np.float32, array_shapes(min_dims=3, max_dims=3, max_side=5), elements=st.floats(-2, 2, width=32)))
def test_any_shape_comes_back_and_unknown_wavelengths_stay_unknown(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, values: np.ndarray
) -> None:
    path = tmp_path_factory.mktemp("any", numbered=True) / f"x{suffix}"
    write_cube(path, Cube(values=values, wavelength_nm=()))
    same(read_cube(path), Cube(values=values, wavelength_nm=()))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_extensions_in_capitals(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"X{suffix.upper()}"
    write_cube(path, random_cube(), provenance=PROVENANCE)
    assert sorted(tmp_path.iterdir()) == sorted(files_of(path)) and path in files_of(path)
    for each in files_of(path):
        same(read_cube(each), random_cube())


@pytest.mark.parametrize(
    ("header", "data"), [("x.hdr", "x.IMG"), ("x.HDR", "x.img"), ("x.img.hdr", "x.img"), ("x.HDR", "x.DAT")]
)
def test_envi_pairs_as_others_name_them(tmp_path: Path, header: str, data: str) -> None:
    write_cube(tmp_path / "y.hdr", random_cube())
    (tmp_path / "y.hdr").rename(tmp_path / header)
    (tmp_path / "y.img").rename(tmp_path / data)
    same(read_cube(tmp_path / header), random_cube())
    if data.lower().endswith(".img"):
        same(read_cube(tmp_path / data), random_cube())


@pytest.mark.parametrize(
    ("header", "data", "target"),
    [
        ("x.hdr", "x.img", "x.img"),
        ("x.img.hdr", "x.img", "x.hdr"),
        ("x.HDR", "x.img", "x.hdr"),
        ("x.HDR", "x.img", "x.img"),
    ],
)
def test_an_envi_pair_never_becomes_a_part_of_itself(tmp_path: Path, header: str, data: str, target: str) -> None:
    write_cube(tmp_path / "y.hdr", random_cube())
    (tmp_path / "y.hdr").rename(tmp_path / header)
    (tmp_path / "y.img").rename(tmp_path / data)
    for source in (header, data):
        with pytest.raises(UsageError, match="same file") as caught:
            plan_file(tmp_path / source, tmp_path / target, suffix_for=str, overwrite=True)
        assert "--suffix" not in caught.value.hint, "no verb for single files has it"


def test_a_large_tiff_is_a_big_tiff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, first in ((10**9, b"II*\0"), (1000, b"II+\0")):
        monkeypatch.setattr("glmha_cli.io.cubes.formats.tiff.CLASSIC_MAX_BYTES", limit)
        write_cube(tmp_path / "x.tif", random_cube(), overwrite=True)
        assert (tmp_path / "x.tif").read_bytes().startswith(first)
        same(read_cube(tmp_path / "x.tif"), random_cube())


def test_npy_holds_the_values_alone(tmp_path: Path) -> None:
    cube = random_cube()
    write_cube(tmp_path / "x.npy", cube)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), cube.values)
    assert read_cube(tmp_path / "x.npy").wavelength_nm == ()


def test_unknown_suffix_offers_the_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=".tiv") as caught:
        write_cube(tmp_path / "x.tiv", random_cube())
    assert ".tif" in caught.value.hint
    with pytest.raises(UsageError, match=r"\.tif has no version '7.3'") as caught:
        write_cube(tmp_path / "x.tif", random_cube(), mat_version="7.3")
    assert ".mat" in caught.value.hint


# What other software sees


def test_tiff_by_rasterio(tmp_path: Path) -> None:
    cube = random_cube(SCI_NM)
    write_cube(tmp_path / "x.tif", cube, provenance=PROVENANCE)
    with rasterio.open(tmp_path / "x.tif") as dataset:
        assert (dataset.count, dataset.height, dataset.width, set(dataset.dtypes)) == (28, 7, 9, {"float32"})
        np.testing.assert_array_equal(dataset.read().transpose(1, 2, 0), cube.values)
        assert dataset.descriptions[:2] == ("453.5 nm", "457.5 nm")
        assert dataset.tags(1) == {"wavelength": "453.5", "wavelength_units": "Nanometers"}
        assert dataset.tags(1, ns="IMAGERY") == {"CENTRAL_WAVELENGTH_UM": "0.4535"}, "no width that nobody stated"
        assert json.loads(dataset.tags()["GLMHA_PROVENANCE"]) == PROVENANCE
        assert not dataset.subdatasets
    assert [path.name for path in tmp_path.iterdir()] == ["x.tif"]


def test_tiff_by_tifffile(tmp_path: Path) -> None:
    cube = random_cube()
    write_cube(tmp_path / "x.tif", cube)
    with tifffile.TiffFile(tmp_path / "x.tif") as tif:
        (page,) = tif.pages
        assert (page.compression.name, page.predictor.name) == ("ADOBE_DEFLATE", "FLOATINGPOINT")
        assert (page.photometric.name, page.planarconfig.name) == ("MINISBLACK", "SEPARATE")
        assert '<Item name="CENTRAL_WAVELENGTH_UM" sample="15" domain="IMAGERY">0.5500</Item>' in page.tags[42112].value
        assert '<Item name="DESCRIPTION" sample="15" role="description">550 nm</Item>' in page.tags[42112].value
        np.testing.assert_array_equal(page.asarray(), cube.values.transpose(2, 0, 1))


@pytest.mark.parametrize("suffix", [".hdr", ".img"])
def test_envi_by_spectral_and_rasterio(tmp_path: Path, suffix: str) -> None:
    cube = random_cube(SCI_NM)
    write_cube(tmp_path / f"x{suffix}", cube, provenance=PROVENANCE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.hdr", "x.img"]
    image = spectral.open_image(str(tmp_path / "x.hdr"))
    np.testing.assert_array_equal(np.asarray(image.load()), cube.values)
    assert tuple(image.bands.centers) == SCI_NM and image.bands.band_unit == "Nanometers"
    assert image.bands.bandwidths is None, "no width that nobody stated"
    assert image.metadata["interleave"] == "bsq" and image.metadata["file type"] == "ENVI Standard"
    red, green, blue = (SCI_NM[int(band) - 1] for band in image.metadata["default bands"])
    assert (red, green, blue) == (636.5, 551.5, 462)
    assert json.loads("{" + image.metadata["description"] + "}") == PROVENANCE
    with rasterio.open(tmp_path / "x.img") as dataset:
        np.testing.assert_array_equal(dataset.read().transpose(1, 2, 0), cube.values)
        assert dataset.tags(1)["wavelength"] == "453.5"


def test_mat_5_by_scipy(tmp_path: Path) -> None:
    ntire, sci = random_cube(), random_cube(SCI_NM)
    write_cube(tmp_path / "ntire.mat", ntire, provenance=PROVENANCE)
    content = scipy.io.loadmat(tmp_path / "ntire.mat")
    np.testing.assert_array_equal(content["cube"], ntire.values)
    np.testing.assert_array_equal(content["bands"], [RGB2HSI_NM])
    assert content["norm_factor"] == 1 and content["cube"].dtype == np.float32
    assert json.loads(content["provenance"].item()) == PROVENANCE
    write_cube(tmp_path / "sci.mat", sci, mat_version="5")
    content = scipy.io.loadmat(tmp_path / "sci.mat")
    np.testing.assert_array_equal(content["pred"], sci.values)
    np.testing.assert_array_equal(content["bands"], [SCI_NM])


def test_mat_7_3_by_h5py(tmp_path: Path) -> None:
    cube = random_cube()
    write_cube(tmp_path / "x.mat", cube, mat_version="7.3", provenance=PROVENANCE)
    header = (tmp_path / "x.mat").read_bytes()[:128]
    assert header.startswith(b"MATLAB 7.3 MAT-file") and header[124:] == b"\x00\x02IM"
    assert scipy.io.matlab.matfile_version(tmp_path / "x.mat") == (2, 0)
    with h5py.File(tmp_path / "x.mat") as file:
        assert file.userblock_size == 512
        assert file["cube"].shape == (31, 9, 7)
        np.testing.assert_array_equal(file["cube"][()].T, cube.values)
        assert file["bands"].shape == (31, 1) and tuple(file["bands"][:, 0]) == RGB2HSI_NM
        classes = {name: file[name].attrs["MATLAB_class"] for name in file}
        text = file["provenance"][()].tobytes().decode("utf-16-le")
    assert classes == {"cube": b"single", "bands": b"double", "norm_factor": b"double", "provenance": b"char"}
    assert json.loads(text) == PROVENANCE
    same(read_cube(tmp_path / "x.mat"), cube)


def test_mat_turns_to_7_3_where_level_5_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cube = random_cube()
    for limit, is_hdf5 in ((cube.values.nbytes + 1, False), (cube.values.nbytes, True)):
        monkeypatch.setattr(mat, "V5_LIMIT_BYTES", limit)
        write_cube(tmp_path / "x.mat", cube, overwrite=True)
        assert h5py.is_hdf5(tmp_path / "x.mat") == is_hdf5


def test_npz_by_numpy(tmp_path: Path) -> None:
    cube = random_cube(SCI_NM)
    write_cube(tmp_path / "x.npz", cube, provenance=PROVENANCE)
    with np.load(tmp_path / "x.npz") as content:
        np.testing.assert_array_equal(content["cube"], cube.values)
        assert tuple(content["wavelength_nm"]) == SCI_NM
        assert json.loads(str(content["provenance"])) == PROVENANCE


# Other software's files


def test_sixteen_bit_tiff_needs_a_stated_scale(tmp_path: Path) -> None:
    stored = np.random.default_rng(0).integers(0, 10001, (3, 5, 6), np.uint16)
    profile = {"driver": "GTiff", "count": 3, "height": 5, "width": 6, "dtype": "uint16"}
    with rasterio.open(tmp_path / "x.tif", "w", **profile) as dataset:
        dataset.write(stored)
    with pytest.raises(BadDataError, match="uint16 without a stated scale"):
        read_cube(tmp_path / "x.tif")
    with rasterio.open(tmp_path / "x.tif", "r+") as dataset:
        dataset.scales, dataset.offsets = (1e-4, 2e-4, 3e-4), (0, 0.5, 0)
        for i, um in enumerate(("0.4535", "0.55", "0.6")):
            dataset.update_tags(i + 1, ns="IMAGERY", CENTRAL_WAVELENGTH_UM=um)
    expected = stored * np.array([1e-4, 2e-4, 3e-4])[:, None, None] + np.array([0, 0.5, 0])[:, None, None]
    cube = read_cube(tmp_path / "x.tif")
    np.testing.assert_allclose(cube.values.transpose(2, 0, 1), expected, rtol=1e-6)
    assert cube.wavelength_nm == (453.5, 550, 600)


@pytest.mark.parametrize(
    "layout",
    [
        {"photometric": "minisblack"},  # a page per band
        {"photometric": "minisblack", "planarconfig": "separate", "metadata": None, "tile": (16, 16)},
        {"photometric": "minisblack", "planarconfig": "contig", "metadata": None, "compression": "zstd"},
    ],
)
def test_tiff_layouts_of_others(tmp_path: Path, layout: dict) -> None:
    values = random_cube().values
    is_contig = layout.get("planarconfig") == "contig"
    tifffile.imwrite(tmp_path / "x.tif", values if is_contig else values.transpose(2, 0, 1), **layout)
    same(read_cube(tmp_path / "x.tif"), Cube(values=values, wavelength_nm=()))


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
@pytest.mark.parametrize("suffix", [".img", ".dat"])
def test_envi_of_others(tmp_path: Path, interleave: str, suffix: str) -> None:
    stored = np.random.default_rng(0).integers(-100, 10000, (5, 6, 3), np.int16)
    fields = {
        "wavelength": [0.4535, 0.55, 0.6],
        "Wavelength Units": "Micrometers",
        "reflectance scale factor": 1e4,
    }
    spectral.envi.save_image(
        str(tmp_path / "x.hdr"), stored, interleave=interleave, byteorder=1, ext=suffix, metadata=fields
    )
    cube = read_cube(tmp_path / "x.hdr")
    np.testing.assert_allclose(cube.values, stored / 1e4, rtol=1e-6)
    assert cube.wavelength_nm == (453.5, 550, 600)


def test_envi_by_gdal(tmp_path: Path) -> None:
    cube = random_cube()
    with rasterio.open(tmp_path / "x.img", "w", driver="ENVI", count=31, height=7, width=9, dtype="float64") as dataset:
        dataset.write(cube.values.transpose(2, 0, 1))
    same(read_cube(tmp_path / "x.img"), Cube(values=cube.values, wavelength_nm=()))


def test_envi_units_that_are_no_length_leave_wavelengths_unknown(tmp_path: Path) -> None:
    fields = {"wavelength": [1, 2, 3], "wavelength units": "Index"}
    spectral.envi.save_image(str(tmp_path / "x.hdr"), random_cube().values[..., :3], metadata=fields)
    assert read_cube(tmp_path / "x.hdr").wavelength_nm == ()


@pytest.mark.parametrize(("name", "peak"), [("img_expand", 65536), ("data_slice", 65535)])
def test_truth_cubes_come_to_one(tmp_path: Path, name: str, peak: int) -> None:
    stored = np.random.default_rng(0).integers(0, 65536, (4, 5, 28)).astype(np.uint16)
    scipy.io.savemat(tmp_path / "x.mat", {name: stored})
    np.testing.assert_allclose(read_cube(tmp_path / "x.mat").values, stored / peak, rtol=1e-6)


@pytest.mark.parametrize("name", ["img", "HSI", "truth", "res", "pred", "cube"])
def test_cubes_under_every_published_name(tmp_path: Path, name: str) -> None:
    cube = random_cube(SCI_NM)
    scipy.io.savemat(tmp_path / "x.mat", {name: cube.values.astype(float), "extra": 1}, do_compression=True)
    same(read_cube(tmp_path / "x.mat"), Cube(values=cube.values, wavelength_nm=()))
    with h5py.File(tmp_path / "y.mat", "w") as file:
        file[name], file["bands"] = cube.values.T, np.array([SCI_NM]).T
    same(read_cube(tmp_path / "y.mat"), cube)


mat_dtypes = st.sampled_from(["f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "?"])
mat_shapes = array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=4)


@given(array=mat_dtypes.flatmap(lambda dtype: arrays(dtype, mat_shapes)), compress=st.booleans())
def test_level_5_arrays_are_what_scipy_wrote(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, compress: bool
) -> None:
    path = tmp_path_factory.mktemp("mat") / "x.mat"
    content = {
        "first": array,
        "text": "abc",
        "cell": np.array([1, "a"], object),
        "a_rather_long_name": array.T,
    }
    scipy.io.savemat(path, content, do_compression=compress)
    variables = open_variables(path)
    assert set(variables) == {"first", "text", "a_rather_long_name", "cell{1}", "cell{2}"}
    assert variables["text"]() == "abc" and variables["cell{1}"]() == 1 and variables["cell{2}"]() == "a"
    for name in ("first", "a_rather_long_name"):
        read = variables[name]()
        np.testing.assert_array_equal(read, content[name])
        assert read.dtype == (np.uint8 if array.dtype == bool else array.dtype)


# Refusals


def refused(path: Path, match: str | None = None) -> BadDataError:
    with pytest.raises(BadDataError, match=match) as caught:
        read_cube(path)
    assert path.name in caught.value.message
    return caught.value


@pytest.mark.parametrize(
    "arrays_in_file",
    [
        {"other": np.zeros((2, 3, 4)), "another": np.zeros((2, 3, 4))},
        {"other": np.zeros((3, 4))},
        {"pred": np.zeros((2, 3, 4)), "truth": np.zeros((2, 3, 4))},
        {"pred": np.zeros((10, 2, 3, 4))},
        {"pred": np.full((2, 3, 4), np.nan)},
        {"pred": np.ones((2, 3, 4)) * 1j},
        {"pred": np.zeros((2, 3, 4), np.uint8)},
        {"pred": "text"},
        {"pred": np.zeros((2, 3, 4)), "bands": np.array([[400, 500]])},
        {"pred": np.zeros((2, 3, 4)), "wavelength_nm": np.array([[400, 500, 600, -1]])},
    ],
)
def test_mat_without_one_clear_cube_is_refused(tmp_path: Path, arrays_in_file: dict) -> None:
    scipy.io.savemat(tmp_path / "x.mat", arrays_in_file)
    refused(tmp_path / "x.mat")


def test_an_unknown_variable_lists_those_of_the_file(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "x.mat", {"reflectances": np.zeros((2, 3)), "rgb": 1})
    assert refused(tmp_path / "x.mat", "no array of real numbers with 3 axes")


@pytest.mark.parametrize("suffix", [".tif", ".hdr", ".mat", ".npy", ".npz"])
def test_foreign_and_missing_files(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    with pytest.raises(NoInputError, match="x"):
        read_cube(path)
    for content in (b"", b"text, not data\n" * 40, b"\x89PNG\r\n\x1a\n" + bytes(300), bytes(2000)):
        path.write_bytes(content)
        refused(path)


@pytest.mark.parametrize("name", ["x.tif", "x.img", "x.mat", "x73.mat", "x.npy", "x.npz", "pages.tif", "raw.tif"])
def test_truncated_files(tmp_path: Path, name: str) -> None:
    path, cube = tmp_path / name, random_cube()
    if name == "pages.tif":
        tifffile.imwrite(path, cube.values.transpose(2, 0, 1), photometric="minisblack", metadata=None)
    elif name == "raw.tif":
        tifffile.imwrite(path, cube.values.transpose(2, 0, 1), photometric="minisblack")
    else:
        write_cube(path, cube, mat_version="7.3" if name == "x73.mat" else None)
    whole = path.read_bytes()
    needed = len(whole) - (16 if name in ("pages.tif", "raw.tif") else 0)  # theirs end with the resolution
    rng = np.random.default_rng(0)
    for size in {1, 128, 512, needed // 2, needed - 1, *rng.integers(0, needed, 12).tolist()}:
        path.write_bytes(whole[:size])
        refused(path)


@pytest.mark.parametrize("name", ["x.tif", "x.hdr", "x.mat", "x.npy", "x.npz"])
def test_damaged_files_are_read_or_refused_and_never_crash(tmp_path: Path, name: str) -> None:
    path, rng = tmp_path / name, np.random.default_rng(0)
    write_cube(path, random_cube())
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    outcomes = []
    for _ in range(150):
        damaged = whole.copy()
        damaged[rng.integers(0, min(whole.size, 2000), 3)] = rng.integers(0, 256, 3)
        path.write_bytes(damaged.tobytes())
        try:
            outcomes.append(read_cube(path).values.shape[2])
        except BadDataError as error:
            assert name in error.message
            outcomes.append(0)
    assert 0 in outcomes


def test_an_envi_header_without_its_data_or_of_other_data(tmp_path: Path) -> None:
    write_cube(tmp_path / "x.hdr", random_cube())
    write_cube(tmp_path / "y.hdr", random_cube(SCI_NM))
    (tmp_path / "y.hdr").replace(tmp_path / "x.hdr")
    refused(tmp_path / "x.hdr", "not the right header")
    text = (tmp_path / "x.hdr").read_text()
    (tmp_path / "x.hdr").write_text(text[: text.index("504")])
    refused(tmp_path / "x.hdr", "cut off")
    (tmp_path / "x.hdr").write_text(text)
    (tmp_path / "x.img").unlink()
    with pytest.raises(NoInputError, match="x.hdr"):
        read_cube(tmp_path / "x.hdr")
    with pytest.raises(NoInputError, match="y.hdr"):
        read_cube(tmp_path / "y.img")


def test_mat_7_3_never_follows_what_leads_out_of_the_file(tmp_path: Path) -> None:
    write_cube(tmp_path / "secret.mat", random_cube(), mat_version="7.3")
    (tmp_path / "secret.raw").write_bytes(random_cube().values.tobytes())
    shape = (31, 9, 7)
    layout = h5py.VirtualLayout(shape, np.float32)
    layout[:] = h5py.VirtualSource(tmp_path / "secret.mat", "cube", shape)
    raw = [(str(tmp_path / "secret.raw"), 0, h5py.h5f.UNLIMITED)]
    hostile = {
        "external_link": lambda file: file.__setitem__("cube", h5py.ExternalLink("secret.mat", "/cube")),
        "soft_link": lambda file: file.__setitem__("cube", h5py.SoftLink("/elsewhere")),
        "virtual": lambda file: file.create_virtual_dataset("cube", layout),
        "external_storage": lambda file: file.create_dataset("cube", shape, np.float32, external=raw),
        "group": lambda file: file.create_group("cube"),
        "text": lambda file: file.create_dataset("cube", data=["text"]),
    }
    for name, plant in hostile.items():
        path = tmp_path / f"{name}.mat"
        with h5py.File(path, "w") as file:
            plant(file)
        with h5py.File(path) as file:
            assert "cube" in list(file)
        refused(path, "cube|real numbers|no array of 3 axes")


def test_declared_terabytes_are_not_believed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "h5.mat", "w") as file:
        file.create_dataset("cube", (31, 300_000, 300_000), np.float32, chunks=(1, 64, 64))
    scipy.io.savemat(tmp_path / "v5.mat", {"cube": np.zeros((9, 8, 31), np.float32)})
    content = (tmp_path / "v5.mat").read_bytes()
    dimensions, absurd = (
        np.array([9, 8, 31], "<i4").tobytes(),
        np.array([300_000, 300_000, 31], "<i4").tobytes(),
    )
    assert content.count(dimensions) == 1
    (tmp_path / "v5.mat").write_bytes(content.replace(dimensions, absurd))
    header = io.BytesIO()
    fields = {"descr": "<f4", "fortran_order": False, "shape": (300_000, 300_000, 31)}
    np.lib.format.write_array_header_1_0(header, fields)
    (tmp_path / "x.npy").write_bytes(header.getvalue() + bytes(1000))
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("cube.npy", header.getvalue() + bytes(1000))
    spectral.envi.write_envi_header(
        str(tmp_path / "x.hdr"),
        {
            "samples": 300_000,
            "lines": 300_000,
            "bands": 31,
            "data type": 4,
            "interleave": "bsq",
            "byte order": 0,
        },
    )
    (tmp_path / "x.img").write_bytes(bytes(1000))
    for name in ("h5.mat", "v5.mat", "x.npz", "x.hdr"):
        assert (tmp_path / name).stat().st_size < 20_000
        refused(tmp_path / name, "declares .*300000")
    refused(tmp_path / "x.npy")


def test_values_that_were_never_written_are_not_zeros(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.mat", "w") as file:
        file.create_dataset("cube", (4, 4, 4), np.float32, chunks=(4, 4, 4))
    refused(tmp_path / "x.mat", "has no values")


def test_tiff_of_declared_terabytes(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "x.tif", np.zeros((64, 64), np.float32), metadata=None, bigtiff=True)
    with tifffile.TiffFile(tmp_path / "x.tif", mode="r+") as tif:
        for name in ("ImageWidth", "ImageLength", "RowsPerStrip"):
            tif.pages[0].tags[name].overwrite(1_000_000)
    refused(tmp_path / "x.tif", "declares 1000000 x 1000000")


def test_tiff_planes_without_data_are_not_taken_for_zeros(tmp_path: Path) -> None:
    write_cube(tmp_path / "x.tif", random_cube())
    with tifffile.TiffFile(tmp_path / "x.tif", mode="r+") as tif:
        counts = list(tif.pages[0].databytecounts)
        tif.pages[0].tags["StripByteCounts"].overwrite([*counts[:-1], 0])
    refused(tmp_path / "x.tif", "truncated")


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[[{}]]]), allow_pickle=True)
    np.savez(tmp_path / "x.npz", cube=np.array([[[{}]]]))
    for name in ("x.npy", "x.npz"):
        refused(tmp_path / name)


# Writing


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".npy"])
def test_nothing_is_replaced_unasked(tmp_path: Path, suffix: str) -> None:
    first, second = random_cube(), random_cube(SCI_NM)
    path = tmp_path / f"x{suffix}"
    write_cube(path, first)
    with pytest.raises(CannotCreateError, match="exists"):
        write_cube(path, second)
    np.testing.assert_array_equal(read_cube(path).values, first.values)
    write_cube(path, second, overwrite=True)
    np.testing.assert_array_equal(read_cube(path).values, second.values)


def test_a_tiff_leaves_no_sidecar_that_overrides_it(tmp_path: Path) -> None:
    path, sidecar = tmp_path / "x.tif", tmp_path / "x.tif.aux.xml"
    stale = '<PAMDataset><PAMRasterBand band="1"><Description>stale</Description></PAMRasterBand></PAMDataset>'
    sidecar.write_text(stale)
    with pytest.raises(CannotCreateError, match="aux.xml"):
        write_cube(path, random_cube())
    write_cube(path, random_cube(), overwrite=True)
    assert not sidecar.exists()
    with rasterio.open(path) as dataset:
        assert dataset.descriptions[0] == "400 nm"


@pytest.mark.parametrize(("output", "picture"), [("x.tif", "x.tif"), ("x.hdr", "x.img"), ("x.nc", "x.nc")])
@pytest.mark.parametrize("suffix", [".aux.xml", ".ovr"])
def test_nothing_of_a_replaced_picture_is_left(tmp_path: Path, output: str, picture: str, suffix: str) -> None:
    write_cube(tmp_path / output, random_cube())
    sidecar = tmp_path / f"{picture}{suffix}"
    sidecar.write_bytes(b"stale")
    write_cube(tmp_path / output, random_cube(SCI_NM), overwrite=True)
    assert not sidecar.exists()


@pytest.mark.parametrize("suffix", [".tif", ".hdr", ".nc", ".zarr"])
def test_no_data_of_doubles_is_no_infinity_in_a_file(tmp_path: Path, suffix: str) -> None:
    values = np.random.default_rng(0).random((7, 9, 3), np.float32)
    values[0, 0] = np.nan
    cube = Cube(values=values, wavelength_nm=(400.0, 500.0, 600.0), nodata=float(np.finfo(np.float64).min))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_cube(tmp_path / f"x{suffix}", cube)
    same(read_cube(tmp_path / f"x{suffix}"), cube)
    if suffix in (".tif", ".hdr"):
        with rasterio.open(tmp_path / f"x{suffix.replace('hdr', 'img')}") as dataset:
            assert dataset.read(masked=True).mask[:, 0, 0].all() and np.isnan(dataset.nodata)


def test_importing_the_readers_imports_no_format_library() -> None:
    ours = "glmha_cli.io.cubes.cube, glmha_cli.io.measurements.read, glmha_cli.physics.cassi, glmha_cli.physics.colour"
    code = f"import sys, {ours}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "h5py", "scipy", "tifffile", "colour", "skimage", "imagecodecs", "PIL"}
    assert not heavy & set(run.stdout.split())
