"""Cubes as agencies and makers of cameras deliver them, laid out as their specifications say."""

import h5py
import numpy as np
import pytest
import scipy.io
import tifffile

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.cube import CubeOptions, files_read, read_cube

H, W, NM = 24, 20, np.linspace(400, 700, 7)
CUBE = np.random.default_rng(0).uniform(0.1, 0.9, (H, W, 7)).astype(np.float32)


def prisma(path, *, level=2):
    with h5py.File(path, "w") as file:
        fields = file.create_group("HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields")
        for name, shift in (("Vnir", 0), ("Swir", 290)):
            stored = np.round(CUBE.transpose(0, 2, 1)[:, ::-1] * 65535).astype("u2")
            stored[0, :, 0] = 0
            centres = (NM + shift)[::-1].astype("f4")
            centres[-1] = 0  # a band that is not used
            fields.create_dataset(f"{name.upper()}_Cube", data=stored)
            fields.create_dataset(f"{name.upper()}_PIXEL_L2_ERR_MATRIX", data=np.zeros(stored.shape, "u1"))
            file.attrs[f"List_Cw_{name}"], file.attrs[f"List_Fwhm_{name}"] = centres, np.full(7, 9.5, "f4")
            if level == 2:
                file.attrs[f"L2Scale{name}Min"], file.attrs[f"L2Scale{name}Max"] = np.float32(0.05), np.float32(0.85)
            else:
                file.attrs[f"ScaleFactor_{name}"], file.attrs[f"Offset_{name}"] = np.float32(100), np.float32(0.5)
        file.attrs["Epsg_Code"] = np.int64(32633)
        file.attrs["Product_ULcorner_easting"], file.attrs["Product_ULcorner_northing"] = 500015.0, 4649985.0
        file.attrs["Product_Name"] = np.bytes_("PRS_L2D_STD_20240506")
    return path


def test_prisma_is_both_detectors_in_order_of_wavelength(tmp_path):
    cube = read_cube(prisma(tmp_path / "x.he5"))
    assert cube.shape == (H, W, 12), "7 bands each, of which one has no wavelength"
    assert list(cube.wavelength_nm) == sorted([*NM[1:], *(NM[1:] + 290)])
    assert set(cube.facts.fwhm_nm) == {9.5} and cube.facts.tags["Product_Name"] == "PRS_L2D_STD_20240506"
    np.testing.assert_allclose(cube[2, 3, 0], 0.05 + 0.8 * CUBE[2, 3, 1], atol=1e-4)
    assert np.isnan(cube[0, 0]).all() and not np.isnan(cube[1:]).any(), "0 in all bands: no data"
    place = cube.facts.georeference
    assert place.crs == "EPSG:32633" and place.transform == (500000.0, 30.0, 0.0, 4650000.0, 0.0, -30.0)


def test_prisma_of_level_1_is_radiance(tmp_path):
    cube = read_cube(prisma(tmp_path / "x.he5", level=1))
    np.testing.assert_allclose(cube[2, 3, 0], np.round(CUBE[2, 3, 1] * 65535) / 100 - 0.5, rtol=1e-5)


def test_prisma_of_one_detector_by_name(tmp_path):
    name = "HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields/VNIR_Cube"
    cube = read_cube(prisma(tmp_path / "x.he5"), CubeOptions(key=name, axes="hbw", scale=1 / 65535))
    np.testing.assert_allclose(cube[2, 3], CUBE[2, 3, ::-1], atol=1e-4)


def enmap(folder):
    stem = folder / "ENMAP01-____L2A-DT000_20240506T070809Z_001_V01_20240507T070809Z"
    stored = np.round(CUBE.transpose(2, 0, 1) * 10000).astype("i2")
    image = stem.with_name(f"{stem.name}-SPECTRAL_IMAGE.TIF")
    tifffile.imwrite(image, stored, photometric="minisblack", planarconfig="separate", metadata=None)
    bands = "".join(
        f'<bandID number="{i + 1}"><wavelengthCenterOfBand>{nm}</wavelengthCenterOfBand><FWHMOfBand>6.5</FWHMOfBand>'
        "<GainOfBand>0.0001</GainOfBand><OffsetOfBand>0</OffsetOfBand></bandID>"
        for i, nm in enumerate(NM)
    )
    text = f"<level_X><specific><bandCharacterisation>{bands}</bandCharacterisation></specific></level_X>"
    stem.with_name(f"{stem.name}-METADATA.XML").write_text(text)
    return image


def test_enmap_is_explained_by_the_file_beside_it(tmp_path):
    image = enmap(tmp_path)
    cube = read_cube(image)
    assert cube.wavelength_nm == tuple(NM) and set(cube.facts.fwhm_nm) == {6.5}
    np.testing.assert_allclose(cube, CUBE, atol=1e-4)
    assert [path.name.rpartition("-")[2] for path in files_read(image)] == ["SPECTRAL_IMAGE.TIF", "METADATA.XML"]


def test_desis_is_explained_by_the_file_beside_it(tmp_path):
    stem = tmp_path / "DESIS-HSI-L2A-DT0339563140_004-20190726T182735-V0210"
    image, stored = stem.with_name(f"{stem.name}-SPECTRAL_IMAGE.tif"), np.round(CUBE.transpose(2, 0, 1) * 10000)
    stored[:, 0, 0] = -32768
    tags = [(42113, 2, 0, "-32768", True)]
    layout = {"photometric": "minisblack", "planarconfig": "separate", "metadata": None}
    tifffile.imwrite(image, stored.astype("i2"), **layout, extratags=tags)
    bands = "".join(
        f"<band><bandNumber>{i + 1}</bandNumber><wavelengthWidthOfBand>3.5</wavelengthWidthOfBand>"
        f"<wavelengths>{nm - 1},{nm},{nm + 1}</wavelengths><wavelengthCenterOfBand>{nm}</wavelengthCenterOfBand>"
        "<gainOfBand>1.0E-4</gainOfBand><offsetOfBand>0.0</offsetOfBand></band>"
        for i, nm in enumerate(NM)
    )
    text = f"<hsi_doc><specific><bandCharacterisation>{bands}</bandCharacterisation></specific></hsi_doc>"
    stem.with_name(f"{stem.name}-METADATA.xml").write_text(text)
    cube = read_cube(image)
    assert cube.wavelength_nm == tuple(NM) and set(cube.facts.fwhm_nm) == {3.5}
    assert np.isnan(cube[0, 0]).all()
    np.testing.assert_allclose(cube[1:], CUBE[1:], atol=1e-4)


def test_enmap_without_its_metadata_has_no_scale(tmp_path):
    image = enmap(tmp_path)
    next(tmp_path.glob("*-METADATA.XML")).unlink()
    with pytest.raises(BadDataError, match="without a stated scale"):
        read_cube(image)


def test_enmap_metadata_that_is_a_link_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "in").mkdir()
    image = enmap(tmp_path / "in")
    metadata = next((tmp_path / "in").glob("*-METADATA.XML"))
    metadata.rename(tmp_path / "secret.xml")
    metadata.symlink_to(tmp_path / "secret.xml")
    with pytest.raises(BadDataError, match="link to another folder"):
        read_cube(image)


def test_emit(tmp_path):
    with h5py.File(tmp_path / "x.nc", "w") as file:
        dataset = file.create_dataset("reflectance", data=CUBE, fillvalue=-9999)
        dataset.attrs["_FillValue"] = np.float32(-9999)
        for i, (name, size) in enumerate((("downtrack", H), ("crosstrack", W), ("bands", 7))):
            file.create_dataset(name, data=np.zeros(size, "f4")).make_scale(name)
            dataset.dims[i].attach_scale(file[name])
        bands = file.create_group("sensor_band_parameters")
        bands.create_dataset("wavelengths", data=NM.astype("f4")).attrs["units"] = "nm"
        bands["fwhm"], bands["good_wavelengths"] = np.full(7, 8.5, "f4"), np.array([1, 1, 1, 0, 1, 1, 1], "f4")
        for name in ("lat", "lon"):
            file[f"location/{name}"] = np.zeros((H, W))
    cube = read_cube(tmp_path / "x.nc")
    assert cube.wavelength_nm == tuple(NM) and cube.facts.good_bands.index(False) == 3
    np.testing.assert_array_equal(cube, CUBE)


def test_neon(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        group = file.create_group("SITE/Reflectance")
        group.create_dataset("Reflectance_Data", data=np.round(CUBE * 10000).astype("i2"))
        group["Reflectance_Data"].attrs.update({"Scale_Factor": 10000.0, "Data_Ignore_Value": -9999.0})
        group["Metadata/Spectral_Data/Wavelength"] = NM
        group["Metadata/Spectral_Data/Wavelength"].attrs["Units"] = "nanometers"
        group["Metadata/Coordinate_System/Map_Info"] = np.bytes_(
            "UTM, 1.000, 1.000, 552000.0, 5074000.0, 1.0, 1.0, 10, North, WGS-84, units=Meters"
        )
        group["Metadata/Ancillary/Angles"] = np.zeros((H, W, 2))
    cube = read_cube(tmp_path / "x.h5")
    np.testing.assert_allclose(cube, CUBE, atol=1e-4)
    assert cube.wavelength_nm == tuple(NM) and cube.facts.nodata == -9999
    assert cube.facts.georeference.crs == "EPSG:32610" and cube.facts.georeference.transform[0] == 552000


def test_icvl_has_a_picture_beside_its_cube(tmp_path):
    with h5py.File(tmp_path / "x.mat", "w") as file:
        file["rad"], file["rgb"], file["bands"] = CUBE.T, np.zeros((3, W, H), "f4"), NM[:, None]
        for name in ("rad", "rgb", "bands"):
            file[name].attrs["MATLAB_class"] = np.bytes_("single")
    np.testing.assert_array_equal(read_cube(tmp_path / "x.mat"), CUBE)


def test_wavelengths_as_an_attribute(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["scan"] = CUBE
        file["scan"].attrs.update({"wavelengths": NM / 1000, "wavelength_units": "um"})
    assert read_cube(tmp_path / "x.h5").wavelength_nm == pytest.approx(NM)


def test_axes_by_custom_alone_are_said(tmp_path):
    cube = np.random.default_rng(0).random((24, 20, 18))
    scipy.io.savemat(tmp_path / "x.mat", {"scan": cube})
    assert any("24 x 20 x 18 values are taken as hwb" in note for note in read_cube(tmp_path / "x.mat").facts.notes)
    scipy.io.savemat(tmp_path / "y.mat", {"scan": cube, "wavelengths_nm": np.linspace(400, 700, 18)})
    assert read_cube(tmp_path / "y.mat").facts.notes == ()


def test_widths_and_bad_bands_as_attributes_and_lists_of_two_axes(tmp_path):
    """As Planet's Tanager has them; and as MATLAB's `h5write` writes a vector."""
    values, nm = np.random.default_rng(1).random((6, 5, 7), np.float32), np.linspace(450, 700, 6)
    good = [1, 1, 0, 1, 1, 0]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["toa_radiance"] = values
        file["toa_radiance"].attrs.update(wavelengths=nm, wavelength_units="nm", fwhm=np.full(6, 5.0), bbl=good)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["radiance"], file["wavelength_nm"], file["fwhm"] = values, nm[None], np.full((6, 1), 5.0)
        file["good_bands"] = np.array([good])
    for name in "ab":
        cube = read_cube(tmp_path / f"{name}.h5")
        np.testing.assert_array_equal(cube.values, values.transpose(1, 2, 0))
        assert cube.wavelength_nm == tuple(nm) and cube.facts.fwhm_nm == (5.0,) * 6
        assert cube.facts.good_bands == tuple(map(bool, good))
