"""What stored numbers mean by the CF conventions, in files of netCDF4 and xarray: signs, missing data, scales."""

import netCDF4
import numpy as np
import pytest
import xarray

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.cube import CubeOptions, read_cube, write_cube
from glmha_cli.io.cubes.windows import outline, read_rows

NM = (450.0, 500.0, 550.0, 600.0, 650.0, 700.0)
COUNTS = np.random.default_rng(1).integers(100, 10_000, (5, 7, 6)).astype("i2")
SCALE = {"scale_factor": 1e-4}


def netcdf(path, values, fill=None, **attributes):
    with netCDF4.Dataset(path, "w") as file:
        for name, size in zip(("y", "x", "wavelength"), values.shape, strict=True):
            file.createDimension(name, size)
        file.createVariable("wavelength", "f8", ("wavelength",))[:] = NM
        file["wavelength"].units = "nm"
        array = file.createVariable("refl", values.dtype, ("y", "x", "wavelength"), fill_value=fill)
        array.set_auto_maskandscale(False)
        array.setncatts(attributes)
        array[:] = values
    return path


def assert_read(path, expected):
    """The cube as a whole and by rows."""
    cube = read_cube(path)
    np.testing.assert_allclose(cube, expected, rtol=1e-6)
    assert outline(path, CubeOptions()).facts == cube.facts
    np.testing.assert_array_equal(read_rows(path, CubeOptions(), 0, 2), cube.values[:2])
    return cube


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_bytes_that_are_meant_without_a_sign(tmp_path, suffix):
    counts = np.random.default_rng(1).integers(0, 65_534, (5, 7, 6)).astype("u2")
    counts[1, 2], counts[0, 0, 0] = 65_535, 65_534
    attributes = {"scale_factor": 1 / 65_535, "_Unsigned": "true", "_FillValue": np.int16(-1)}
    data = xarray.Dataset({"refl": (("y", "x", "wavelength"), counts.view("i2"), attributes)}, {"wavelength": list(NM)})
    data["wavelength"].attrs["units"] = "nm"
    if suffix == ".nc":
        data.to_netcdf(tmp_path / "x.nc", engine="netcdf4")
    else:
        pytest.importorskip("zarr", reason="the extra zarr")
        data.to_zarr(tmp_path / "x.zarr", zarr_format=3, consolidated=False)
    expected = np.where(counts == 65_535, np.nan, counts / 65_535)
    cube = assert_read(tmp_path / f"x{suffix}", expected)
    assert cube.facts.nodata == 65_535 and np.nanmax(cube) > 0.99 and np.nanmin(cube) >= 0
    if suffix == ".nc":
        with xarray.open_dataset(tmp_path / "x.nc", engine="netcdf4") as again:
            np.testing.assert_allclose(cube, again["refl"].values, rtol=1e-6)


def test_bytes_that_are_meant_with_a_sign(tmp_path):
    counts = np.arange(-105, 105).reshape(5, 7, 6).astype("i1")
    path = netcdf(
        tmp_path / "x.nc", counts.view("u1"), scale_factor=0.01, _Unsigned="false", missing_value=np.uint8(156)
    )
    assert_read(path, np.where(counts == -100, np.nan, counts * 0.01))


def test_a_valid_range_without_a_sign(tmp_path):
    counts = np.arange(210).reshape(5, 7, 6).astype("u1")
    path = netcdf(
        tmp_path / "x.nc", counts.view("i1"), scale_factor=0.1, _Unsigned="true", valid_range=np.array([2, -56], "i1")
    )
    assert_read(path, np.where((counts < 2) | (counts > 200), np.nan, counts * 0.1))


MISSING = {
    "a list": (None, {"missing_value": np.array([-9999, -999], "i2")}),
    "two names": (np.int16(-9999), {"missing_value": np.int16(-999)}),
    "a range": (None, {"valid_range": np.array([0, 10_000], "i2")}),
    "a least value": (None, {"valid_min": np.int16(0)}),
    "a largest value beside a list": (
        np.int16(-9999),
        {"missing_value": np.int16(-999), "valid_max": np.int16(20_000)},
    ),
    "an unpacked range": (None, {"valid_range": np.array([0.0, 1.0])}),
}


@pytest.mark.parametrize("name", MISSING)
def test_all_that_is_named_is_missing(tmp_path, name):
    fill, attributes = MISSING[name]
    stored, missing = COUNTS.copy(), np.zeros(COUNTS.shape, bool)
    stored[0, 0], stored[3, 2, 1], stored[4, 4, 4] = -9999, -999, 10_000
    missing[0, 0], missing[3, 2, 1] = True, True
    path = netcdf(tmp_path / "x.nc", stored, fill, **SCALE, **attributes)
    cube = assert_read(path, np.where(missing, np.nan, stored * 1e-4))
    says_range = any("no data, as its range says" in note for note in cube.facts.notes)
    assert says_range == any(each.startswith("valid") for each in attributes)
    write_cube(tmp_path / "y.tif", cube)
    np.testing.assert_array_equal(read_cube(tmp_path / "y.tif"), cube)


def test_limits_hold_themselves(tmp_path):
    """Unpacked ones that no binary number meets (0.7 / 1e-4 is below 7000), and float32 beside a limit of float64."""
    counts = np.tile(np.array([7000, 7001, 1000, 999, 3000, 4000], "i2"), (5, 7, 1))
    path = netcdf(tmp_path / "a.nc", counts, **SCALE, valid_min=0.1, valid_max=0.7)
    assert_read(path, np.where((counts > 7000) | (counts < 1000), np.nan, counts * 1e-4))
    values = np.tile(np.array([0.1, 0.2, 0.3, 0.4, 0.7, 0.71], "f4"), (5, 7, 1))
    path = netcdf(tmp_path / "b.nc", values, valid_range=np.array([0.1, 0.7]))
    assert_read(path, np.where(values > 0.705, np.nan, values))


def test_a_range_of_packed_values_that_fall(tmp_path):
    path = netcdf(tmp_path / "x.nc", COUNTS, scale_factor=-1e-4, add_offset=1.0, valid_min=0.25)
    assert_read(path, np.where(COUNTS > 7500, np.nan, 1 - COUNTS * 1e-4))


def test_more_numbers_for_no_data_than_anyone_has_are_refused(tmp_path):
    few = netcdf(tmp_path / "few.nc", COUNTS, missing_value=np.arange(100, 130, dtype="i2"), **SCALE)
    np.testing.assert_array_equal(np.isnan(read_cube(few)), COUNTS < 130)
    many = netcdf(tmp_path / "many.nc", COUNTS, missing_value=np.arange(399, dtype="i2"), **SCALE)
    with pytest.raises(BadDataError, match="399 numbers for no data"):
        read_cube(many)


def test_a_scale_that_is_given_goes_before_one_that_fits_no_band(tmp_path):
    path = netcdf(tmp_path / "x.nc", COUNTS, scale_factor=[1.0, 2.0])
    with pytest.raises(BadDataError, match="2 values of gain for 6 bands"):
        read_cube(path)
    np.testing.assert_allclose(read_cube(path, CubeOptions(scale=0.5)), COUNTS * 0.5)


def test_each_band_has_its_own_scale(tmp_path):
    scales, offsets = np.arange(1, 7) * 1e-4, np.arange(6) / 10
    stored = COUNTS.copy()
    stored[2, 2] = -9999
    path = netcdf(tmp_path / "x.nc", stored, np.int16(-9999), scale_factor=scales, add_offset=offsets)
    assert_read(path, np.where(stored == -9999, np.nan, stored * scales + offsets))
    for attributes in ({"scale_factor": scales[:5]}, {**SCALE, "add_offset": offsets[:2]}):
        with pytest.raises(BadDataError, match=r"names \d values of (gain|offset) for 6 bands"):
            read_cube(netcdf(tmp_path / "y.nc", stored, **attributes))


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "u2"])
def test_what_was_never_written_is_missing(tmp_path, dtype):
    """NetCDF User's Guide: without `_FillValue` the default fill value of the type stands there."""
    with netCDF4.Dataset(tmp_path / "x.nc", "w") as file:
        for name, size in zip(("y", "x", "wavelength"), COUNTS.shape, strict=True):
            file.createDimension(name, size)
        array = file.createVariable("refl", dtype, ("y", "x", "wavelength"), chunksizes=(5, 7, 6))
        array.set_auto_maskandscale(False)
        array.setncatts(SCALE)
        array[:3] = COUNTS[:3]
    expected = COUNTS * 1e-4
    expected[3:] = np.nan
    assert assert_read(tmp_path / "x.nc", expected).facts.nodata is None


@pytest.mark.parametrize("suffix", [".nc", ".h5", ".zarr"])
def test_units_of_values_go_on(tmp_path, suffix):
    cube = read_cube(netcdf(tmp_path / "x.nc", COUNTS.astype("f4"), units="W m-2 sr-1 um-1"))
    assert cube.facts.tags == {"units": "W m-2 sr-1 um-1"}
    write_cube(tmp_path / f"y{suffix}", cube)
    assert read_cube(tmp_path / f"y{suffix}").facts == cube.facts
    if suffix == ".nc":
        with netCDF4.Dataset(tmp_path / "y.nc") as seen:
            assert seen["cube"].units == "W m-2 sr-1 um-1" and "units" not in seen.ncattrs()


@pytest.mark.parametrize("unit", ["%", "percent"])
def test_percent_are_shares(tmp_path, unit):
    path = netcdf(tmp_path / "x.nc", COUNTS, fill=np.int16(0), units=unit, scale_factor=0.01, add_offset=1.0)
    assert assert_read(path, COUNTS * 1e-4 + 0.01).facts.tags == {}
    np.testing.assert_allclose(read_cube(path, CubeOptions(scale=0.5)), COUNTS * 0.5, rtol=1e-6)
