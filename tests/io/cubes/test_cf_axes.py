"""Which axis is which in files of netCDF4, by attributes or names, and coordinates packed or in single precision."""

import netCDF4
import numpy as np
import pytest

from glmha_cli.io.cubes.cube import read_cube

VALUES = np.random.default_rng(1).random((5, 7, 6), np.float32)
NM = (400.1, 450.0, 500.3, 550.0, 600.7, 650.0)
SIDES = {"h": 5, "w": 7, "b": 6}


def netcdf(path, dimensions, coordinates=None):
    """dimensions: name -> axis. coordinates: name -> (dtype, numbers, attributes)."""
    with netCDF4.Dataset(path, "w") as file:
        for name, axis in dimensions.items():
            file.createDimension(name, SIDES[axis])
        for name, (dtype, numbers, attributes) in (coordinates or {}).items():
            each = file.createVariable(name, dtype, (name,) if name in dimensions else (list(dimensions)[-1],))
            each.setncatts(attributes)
            each[:] = numbers  # which packs them
        array = file.createVariable("refl", "f4", tuple(dimensions))
        array[:] = VALUES.transpose(["hwb".index(axis) for axis in dimensions.values()])
    return path


@pytest.mark.parametrize(
    "names",
    [("width", "height", "band"), ("x", "height", "band"), ("nx", "ny", "band"), ("pixels", "scans", "bands")],
)
def test_columns_before_rows_by_their_names(tmp_path, names):
    path = netcdf(tmp_path / "x.nc", dict(zip(names, "whb", strict=True)))
    np.testing.assert_array_equal(read_cube(path).values, VALUES)


def test_the_axis_that_is_neither_rows_nor_columns_is_that_of_the_bands(tmp_path):
    path = netcdf(tmp_path / "x.nc", {"layer": "b", "easting": "w", "northing": "h"})
    np.testing.assert_array_equal(read_cube(path).values, VALUES)


@pytest.mark.parametrize(
    ("across", "down"),
    [
        ({"axis": "X"}, {"axis": "Y"}),
        ({"standard_name": "projection_x_coordinate"}, {"standard_name": "projection_y_coordinate"}),
        ({"units": "degrees_east"}, {"units": "degrees_north"}),
    ],
)
@pytest.mark.parametrize("spectral", [{"units": "um"}, {"units": "m", "standard_name": "radiation_wavelength"}])
def test_axes_by_attributes_of_coordinates(tmp_path, across, down, spectral):
    """CF-1.10, section 4: names mean nothing."""
    factor = 1e-3 if spectral["units"] == "um" else 1e-9
    coordinates = {
        "i": ("f8", 10 + 2.0 * np.arange(7), {"units": "m"} | across),
        "k": ("f8", np.array(NM) * factor, spectral),
        "j": ("f8", 50 - 2.0 * np.arange(5), {"units": "m"} | down),
    }
    cube = read_cube(netcdf(tmp_path / "x.nc", {"i": "w", "k": "b", "j": "h"}, coordinates))
    np.testing.assert_array_equal(cube.values, VALUES)
    np.testing.assert_allclose(cube.wavelength_nm, NM)
    assert cube.facts.georeference.transform == (9.0, 2.0, 0.0, 51.0, 0.0, -2.0)


@pytest.mark.parametrize("coordinate", ["x", "y", "both"])
def test_places_under_a_microscope_are_no_wavelengths(tmp_path, coordinate):
    places = {"x": ("f8", np.arange(7), {"units": "um"}), "y": ("f8", np.arange(5), {"units": "micrometer"})}
    told = {name: each for name, each in places.items() if coordinate in (name, "both")}
    cube = read_cube(netcdf(tmp_path / "x.nc", {"x": "w", "y": "h", "band": "b"}, told))
    np.testing.assert_array_equal(cube.values, VALUES)
    assert cube.wavelength_nm == ()


def test_coordinates_that_are_packed(tmp_path):
    coordinates = {
        "y": ("i2", 50 - 2.0 * np.arange(5), {"units": "m", "scale_factor": 0.5, "add_offset": 10.0}),
        "x": ("i2", 10 + 2.0 * np.arange(7), {"units": "m", "scale_factor": 0.5}),
        "wavelength": ("i2", NM, {"units": "nm", "scale_factor": 0.1}),
        "fwhm": ("u1", 6 * [4.5], {"units": "nm", "scale_factor": 0.5}),
    }
    cube = read_cube(netcdf(tmp_path / "x.nc", {"y": "h", "x": "w", "wavelength": "b"}, coordinates))
    np.testing.assert_allclose(cube.wavelength_nm, NM)
    assert cube.facts.fwhm_nm == (4.5,) * 6
    assert cube.facts.georeference.transform == (9.0, 2.0, 0.0, 51.0, 0.0, -2.0)


@pytest.mark.parametrize(("name", "attributes"), [("fwhm", {"units": "nm"}), ("fwhm_nm", {})])
def test_widths_have_a_unit_of_their_own(tmp_path, name, attributes):
    coordinates = {
        "wavelength": ("f4", np.array(NM) / 1000, {"units": "um"}),
        name: ("f4", 6 * [4.7], attributes),
    }
    cube = read_cube(netcdf(tmp_path / "x.nc", {"y": "h", "x": "w", "wavelength": "b"}, coordinates))
    assert cube.wavelength_nm == NM and cube.facts.fwhm_nm == (4.7,) * 6, "0.4001 of single precision is 400.1 nm"
