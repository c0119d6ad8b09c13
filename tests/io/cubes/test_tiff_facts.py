"""What TIFFs of others say beside the numbers: transparency, names of pages, units of values, what GDAL says twice."""

import json

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import tifffile
from rasterio.enums import ColorInterp

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.cube import CubeOptions, read_cube, write_cube
from glmha_cli.io.cubes.windows import outline, read_rows

VALUES = np.random.default_rng(1).random((5, 7, 4), np.float32)
NM = (450.0, 550.0, 650.0, 850.0)
SCENE = np.ones((5, 7), np.float32)
SCENE[:2, :3] = 0

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def geotiff(path, values, **profile):
    """As by GDAL: the file, once, before its values are written."""
    height, width, bands = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", width=width, height=height, count=bands, dtype="float32", **profile
    ) as file:
        for i, nm in enumerate(NM):
            file.set_band_description(i + 1, f"{nm:g} nm")
        yield file
        file.write(values.transpose(2, 0, 1))


@pytest.mark.parametrize("layout", ["pixel", "band", "by tifffile"])
def test_a_band_of_transparency_is_where_there_is_data(tmp_path, layout):
    """Orthophotos of several bands end with one; Metashape and Pix4D mark it by ExtraSamples, GDAL by its colour."""
    values, path = np.dstack([VALUES, SCENE * 65535]), tmp_path / "x.tif"
    if layout == "by tifffile":
        samples = [0, 0, 0, "unassalpha"]
        tifffile.imwrite(path, values, photometric="minisblack", planarconfig="contig", extrasamples=samples)
    else:
        for file in geotiff(path, values, interleave=layout, photometric="minisblack", alpha="unspecified"):
            file.colorinterp = [ColorInterp.gray, *[ColorInterp.undefined] * 3, ColorInterp.alpha]
    expected = np.where(SCENE[..., None] == 0, np.nan, VALUES)
    cube = read_cube(path)
    np.testing.assert_array_equal(cube.values, expected)
    assert layout == "by tifffile" or cube.wavelength_nm == NM
    assert any("transparency" in note for note in cube.facts.notes)
    assert outline(path, CubeOptions()).facts == cube.facts
    np.testing.assert_array_equal(read_rows(path, CubeOptions(), 1, 4).values, expected[1:4])


@pytest.mark.parametrize("last", [VALUES[..., 3], SCENE * 0.5, SCENE * 0])
def test_a_fourth_band_that_a_program_took_for_transparency_stays_one(tmp_path, last):
    """GDAL and tifffile mark near infrared so, as the last of four channels."""
    values = np.dstack([VALUES[..., :3], last])
    tifffile.imwrite(tmp_path / "x.tif", values, photometric="rgb", planarconfig="contig", extrasamples=["unassalpha"])
    cube = read_cube(tmp_path / "x.tif")
    np.testing.assert_array_equal(cube.values, values)
    assert any("kept as a band" in note for note in cube.facts.notes)


@pytest.mark.parametrize("how", ["labels of ImageJ", "PageName", "ImageDescription"])
def test_names_of_pages_are_those_of_bands(tmp_path, how):
    path, names = tmp_path / "x.tif", [f"Band {i} ({nm:g} nm)" for i, nm in enumerate(NM)]
    if how == "labels of ImageJ":
        tifffile.imwrite(path, VALUES.transpose(2, 0, 1), imagej=True, metadata={"axes": "CYX", "Labels": names})
    else:
        with tifffile.TiffWriter(path) as file:
            for i, name in enumerate(names):
                tags = [(285, 2, 0, name, True)] if how == "PageName" else []
                text = name if how == "ImageDescription" else "one scene"
                page = np.ascontiguousarray(VALUES[..., i])
                file.write(page, photometric="minisblack", metadata=None, description=text, extratags=tags)
    cube = read_cube(path)
    assert cube.wavelength_nm == NM and cube.facts.band_names == tuple(names)
    assert cube.facts.tags == ({"description": "one scene"} if how == "PageName" else {})


def test_settings_that_a_microscope_writes_of_each_page_are_no_names(tmp_path):
    with tifffile.TiffWriter(tmp_path / "x.tif") as file:
        for i in range(4):
            page, text = np.ascontiguousarray(VALUES[..., i]), f"frame = {i}\nzoom = 2"
            file.write(page, photometric="minisblack", metadata=None, description=text)
    facts = read_cube(tmp_path / "x.tif").facts
    assert facts.band_names == () and facts.tags == {"description": "frame = 0\nzoom = 2"}


@pytest.mark.parametrize("scale", [None, 1.0])
def test_complex_numbers_are_refused(tmp_path, scale):
    tifffile.imwrite(tmp_path / "x.tif", VALUES.transpose(2, 0, 1) + 1j, photometric="minisblack")
    with pytest.raises(BadDataError, match="complex64, not real"):
        read_cube(tmp_path / "x.tif", CubeOptions(scale=scale))


@pytest.mark.parametrize("suffix", [".tif", ".nc", ".zarr", ".hdr", ".npz"])
def test_units_of_values_go_on(tmp_path, suffix):
    for file in geotiff(tmp_path / "x.tif", VALUES):
        file.units = ["W/m2/sr/um"] * 4
    cube = read_cube(tmp_path / "x.tif")
    assert cube.facts.tags == {"units": "W/m2/sr/um"}
    write_cube(tmp_path / f"y{suffix}", cube)
    assert read_cube(tmp_path / f"y{suffix}").facts.tags["units"] == "W/m2/sr/um"
    assert "units" not in read_cube(tmp_path / "x.tif", CubeOptions(scale=0.5)).facts.tags
    if suffix == ".tif":
        with rasterio.open(tmp_path / "y.tif") as seen:
            assert seen.units == ("W/m2/sr/um",) * 4 and "units" not in seen.tags()


def test_percent_are_shares(tmp_path):
    for file in geotiff(tmp_path / "x.tif", VALUES * 50):
        file.units = ["%"] * 4
        file.scales, file.offsets = [2.0] * 4, [1.0] * 4
    cube = read_cube(tmp_path / "x.tif")
    np.testing.assert_allclose(cube, VALUES + 0.01, rtol=1e-5)
    assert cube.facts.tags == {} and "percent" in cube.facts.notes[0]


def test_what_gdal_says_twice_of_bands_is_not_kept_in_the_old_order(tmp_path):
    """Of ENVI files it writes names, with wavelengths, of `Band_1` and so on for the whole, too."""
    lines = ["samples = 7", "lines = 5", "bands = 4", "data type = 4", "interleave = bsq", "band names = {d, c, b, a}"]
    lines += ["wavelength units = Micrometers", "wavelength = {0.85, 0.65, 0.55, 0.45}", "header offset = 0"]
    (tmp_path / "x.hdr").write_text("\n".join(["ENVI", *lines]))
    VALUES[..., ::-1].transpose(2, 0, 1).tofile(tmp_path / "x.img")
    rasterio.shutil.copy(tmp_path / "x.img", tmp_path / "x.tif", driver="GTiff")
    cube = read_cube(tmp_path / "x.tif")
    np.testing.assert_array_equal(cube.values, VALUES)
    assert cube.wavelength_nm == NM and cube.facts.tags == {}
    write_cube(tmp_path / "y.tif", cube)
    with rasterio.open(tmp_path / "y.tif") as seen:
        assert seen.descriptions[0] == "a (0.45 Micrometers)" and not seen.tags().keys() & {"Band_1", "Band_4"}


def test_a_unit_of_wavelengths_may_be_said_of_the_whole(tmp_path):
    for file in geotiff(tmp_path / "x.tif", VALUES):
        file.descriptions = ("a", "b", "c", "d")
        file.update_tags(wavelength_units="Micrometers")
        for i, nm in enumerate(NM):
            file.update_tags(i + 1, wavelength=nm / 1000)
    assert read_cube(tmp_path / "x.tif").wavelength_nm == NM


@pytest.mark.parametrize(("scale", "kept"), [(None, True), (1e-2, False), (1.0, True)])
def test_statistics_of_numbers_that_were_scaled_do_not_go_on(tmp_path, scale, kept):
    for file in geotiff(tmp_path / "x.tif", VALUES):
        for band in range(1, 5):
            file.update_tags(band, STATISTICS_MAXIMUM="1", sensor="a")
    cube = read_cube(tmp_path / "x.tif", CubeOptions(scale=scale))
    assert cube.facts.band_tags == {"sensor": ("a",) * 4} | ({"STATISTICS_MAXIMUM": ("1",) * 4} if kept else {})


@pytest.mark.parametrize("suffix", [".nc", ".hdr", ".tif", ".npz"])
def test_owners_of_a_photo_and_of_its_edition_go_into_every_format(tmp_path, suffix):
    """EXIF parts the two by NUL, at which texts of HDF5 end."""
    owners = [(33432, 2, 11, b"Ann\0Museum\0", True)]
    layout = {"photometric": "minisblack", "planarconfig": "separate", "metadata": None}
    tifffile.imwrite(tmp_path / "x.tif", VALUES.transpose(2, 0, 1), extratags=owners, **layout)
    cube = read_cube(tmp_path / "x.tif")
    write_cube(tmp_path / f"y{suffix}", cube)
    said = read_cube(tmp_path / f"y{suffix}").facts.tags["copyright"]
    assert said.strip("{}") == cube.facts.tags["copyright"] == "Ann\nMuseum"


SAID = {
    "in nm": {"wavelength_nm": NM, "fwhm": (5.0, 5.0, 5.0, 5.0), "sensor": "X10"},
    "in µm": {"Wavelengths": [nm / 1000 for nm in NM], "wavelength_units": "um", "fwhm": [0.005] * 4, "sensor": "X10"},
}


@pytest.mark.parametrize("how", SAID)
@pytest.mark.parametrize("axes", ["CYX", "YXC", "YXS"])
def test_what_its_user_tells_tifffile_counts(tmp_path, how, axes):
    """imwrite(…, metadata=…): without the axes rows would be pages, and bands columns."""
    values, path = VALUES if axes != "CYX" else VALUES.transpose(2, 0, 1), tmp_path / "x.tif"
    said = {"axes": axes, **SAID[how]}
    tifffile.imwrite(path, values, photometric="minisblack", description="leaf 3", metadata=said)
    cube = read_cube(path)
    np.testing.assert_array_equal(cube.values, VALUES)
    assert (
        cube.wavelength_nm == NM
        and cube.facts.notes == ()
        and cube.facts.tags == {"sensor": "X10", "description": "leaf 3"}
    )
    np.testing.assert_allclose(cube.facts.fwhm_nm, 5)
    assert outline(path, CubeOptions()).facts == cube.facts
    np.testing.assert_array_equal(read_rows(path, CubeOptions(), 1, 4).values, VALUES[1:4])


@pytest.mark.parametrize("axes", ["TZC", "YX", "YXYX", ""])
def test_axes_that_are_none_say_nothing(tmp_path, axes):
    text = json.dumps({"shape": [4, 5, 7], "axes": axes, "wavelength_nm": [1, 2]})
    tifffile.imwrite(
        tmp_path / "x.tif", VALUES.transpose(2, 0, 1), photometric="minisblack", description=text, metadata=None
    )
    cube = read_cube(tmp_path / "x.tif")
    np.testing.assert_array_equal(cube.values, VALUES)
    assert cube.wavelength_nm == ()
