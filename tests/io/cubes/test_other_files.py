"""Nothing is opened but the named file and its partners in the same folder, whatever a file says of others."""

import os

import numpy as np
import pytest
import tifffile

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.cube import Cube, read_cube, write_cube
from glmha_cli.io.tiff_file import open_tiff

SECRET = np.random.default_rng(0).random((16, 16), np.float32)
OME = """<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:00000000-0000-0000-0000-000000000001">
<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="float" SizeX="16" SizeY="16" SizeC="2"
SizeZ="1" SizeT="1"><Channel ID="Channel:0:0" SamplesPerPixel="1"/><Channel ID="Channel:0:1" SamplesPerPixel="1"/>
<TiffData IFD="0" FirstC="0" PlaneCount="1"><UUID FileName="cube.tif">urn:uuid:00000000-0000-0000-0000-000000000001
</UUID></TiffData><TiffData IFD="0" FirstC="1" PlaneCount="1"><UUID FileName="../private/secret.tif">
urn:uuid:00000000-0000-0000-0000-000000000002</UUID></TiffData></Pixels></Image></OME>"""


@pytest.fixture
def folders(tmp_path):
    for name in ("unpacked", "private"):
        (tmp_path / name).mkdir()
    tifffile.imwrite(tmp_path / "private" / "secret.tif", SECRET, photometric="minisblack", metadata=None)
    return tmp_path


def test_an_ome_tiff_is_its_own_pixels(folders):
    own = np.full((16, 16), 0.5, np.float32)
    path = folders / "unpacked" / "cube.tif"
    tifffile.imwrite(path, own, photometric="minisblack", description=OME, metadata=None)
    np.testing.assert_array_equal(read_cube(path).values, own[..., None])


def test_no_series_that_may_lead_out_of_the_file_is_read(folders):
    path = folders / "unpacked" / "cube.tif"
    tifffile.imwrite(path, SECRET, photometric="minisblack", metadata=None)
    with open_tiff(path) as tif:
        for kind in ("ome", "mmstack", "ndtiff", "scanimage", "fluoview", "lsm", "philips", "scn"):
            assert not getattr(tif, f"is_{kind}"), kind


@pytest.mark.parametrize("linked", ["x.img", "x.hdr"])
def test_half_an_envi_pair_that_is_a_link_out_of_the_folder_is_not_followed(folders, linked):
    cube = Cube(values=SECRET[..., None], wavelength_nm=())
    write_cube(folders / "private" / "x.hdr", cube)
    write_cube(folders / "unpacked" / "x.hdr", cube)
    (folders / "unpacked" / linked).unlink()
    os.symlink(folders / "private" / linked, folders / "unpacked" / linked)
    named = folders / "unpacked" / ("x.hdr" if linked == "x.img" else "x.img")
    with pytest.raises(BadDataError, match="link to another folder"):
        read_cube(named)


def test_an_envi_pair_that_is_linked_as_a_whole_is_read(folders):
    cube = Cube(values=SECRET[..., None], wavelength_nm=())
    write_cube(folders / "private" / "x.hdr", cube)
    for name in ("x.hdr", "x.img"):
        os.symlink(folders / "private" / name, folders / "unpacked" / name)
    np.testing.assert_array_equal(read_cube(folders / "unpacked" / "x.hdr").values, cube.values)


def test_sidecars_of_gdal_are_not_read(folders):
    path = folders / "unpacked" / "x.tif"
    write_cube(path, Cube(values=SECRET[..., None], wavelength_nm=(550.0,)))
    band = '<PAMRasterBand band="1"><Scale>9</Scale><NoDataValue>0.5</NoDataValue></PAMRasterBand>'
    path.with_name("x.tif.aux.xml").write_text(f"<PAMDataset>{band}</PAMDataset>")
    for suffix in (".ovr", ".msk"):
        path.with_name(f"x.tif{suffix}").write_bytes((folders / "private" / "secret.tif").read_bytes())
    np.testing.assert_array_equal(read_cube(path).values, SECRET[..., None])


@pytest.mark.parametrize("name", ["x.npy", "x.img", "x.tif"])
def test_a_file_that_shrinks_while_it_is_read_is_bad_data(tmp_path, monkeypatch, name):
    """Mapped into memory it would end the process (SIGBUS)."""
    path = tmp_path / name
    write_cube(path, Cube(values=np.zeros((300, 300, 3), np.float32), wavelength_nm=()))
    if name == "x.tif":
        tifffile.imwrite(path, np.zeros((3, 300, 300), np.float32), photometric="minisblack", metadata=None)
    for module in (
        "glmha_cli.io.cubes.npy_file",
        "glmha_cli.io.cubes.formats.envi",
        "glmha_cli.io.cubes.formats.tiff_picture",
    ):

        def cut_and_check(checked, shape, itemsize):
            os.truncate(path, 5000)

        monkeypatch.setattr(f"{module}.require_plausible", cut_and_check)
    with pytest.raises(BadDataError, match="truncated|damaged"):
        read_cube(path)
