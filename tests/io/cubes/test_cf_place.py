"""Where pixels lie by coordinates alone, as CF has them, in files that netCDF4 writes; and as GDAL sees them."""

import h5py
import netCDF4
import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS

from glmha_cli.io.cubes.cube import read_cube, write_cube

VALUES = np.random.default_rng(1).random((6, 5, 7), np.float32)
METRES = {"y": 4_600_000 - 30 * np.arange(5) - 15.0, "x": 500_000 + 30 * np.arange(7) + 15.0}
DEGREES = {"lat": 40 + 0.25 * np.arange(5), "lon": 10 + 0.5 * np.arange(7)}
GRID = (500_000.0, 30.0, 0.0, 4_600_000.0, 0.0, -30.0)


def netcdf(path, coordinates, units=("m", "m"), mapping=None, dtype="f8"):
    """mapping: attributes of a grid mapping."""
    with netCDF4.Dataset(path, "w") as file:
        for name, size in zip(("wavelength", *coordinates), VALUES.shape, strict=True):
            file.createDimension(name, size)
        file.createVariable("wavelength", "f8", ("wavelength",))[:] = range(450, 750, 50)
        file["wavelength"].units = "nm"
        for (name, numbers), unit in zip(coordinates.items(), units, strict=True):
            if numbers is not None:
                file.createVariable(name, dtype, (name,))[:] = numbers
                file[name].setncatts({"units": unit} if unit else {})
        array = file.createVariable("refl", "f4", ("wavelength", *coordinates))
        array[:] = VALUES
        if mapping is not None:
            file.createVariable("utm", "i4").setncatts(mapping)
            array.grid_mapping = "utm: x y"
    return path


UTM = {"grid_mapping_name": "transverse_mercator", "crs_wkt": CRS.from_epsg(32633).to_wkt()}


pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.mark.parametrize("dtype", ["f8", "f4", "i4"])
@pytest.mark.parametrize("suffix", [".tif", ".hdr", ".npz", ".nc"])
def test_coordinates_of_a_grid_mapping_tell_the_grid(tmp_path, suffix, dtype):
    coordinates = {name: np.floor(numbers) if dtype == "i4" else numbers for name, numbers in METRES.items()}
    cube = read_cube(netcdf(tmp_path / "x.nc", coordinates, mapping=UTM, dtype=dtype))
    assert cube.facts.georeference.transform == GRID and cube.facts.notes == ()
    assert write_cube(tmp_path / f"y{suffix}", cube) == ()
    place = read_cube(tmp_path / f"y{suffix}").facts.georeference
    np.testing.assert_allclose(place.transform, GRID)
    assert place.crs == "EPSG:32633" or "33N" in place.crs
    if suffix == ".tif":
        with rasterio.open(tmp_path / "y.tif") as seen:
            assert seen.transform.to_gdal() == GRID and seen.crs == CRS.from_epsg(32633)


def test_coordinates_without_a_grid_mapping_tell_the_grid(tmp_path):
    place = read_cube(netcdf(tmp_path / "x.nc", METRES)).facts.georeference
    assert place.transform == GRID and place.crs == ""
    units = "degrees_north", "degrees_east"
    for each in (units, ("", "")):
        place = read_cube(netcdf(tmp_path / "y.nc", DEGREES, each)).facts.georeference
        assert place.transform == (9.75, 0.5, 0.0, 39.875, 0.0, 0.25) and place.crs == ""


def test_gdal_sees_the_same_grid(tmp_path):
    if "netCDF" not in rasterio.drivers.raster_driver_extensions().values():
        pytest.skip("GDAL without netCDF")
    path = netcdf(tmp_path / "x.nc", METRES, mapping={"crs_wkt": UTM["crs_wkt"]})
    with netCDF4.Dataset(path, "a") as file:
        file["refl"].grid_mapping = "utm"
        for axis in "yx":
            file[axis].standard_name = f"projection_{axis}_coordinate"
    with rasterio.open(f"netcdf:{path}:refl") as seen:
        assert seen.transform.to_gdal() == read_cube(path).facts.georeference.transform


LEFT_OUT = {
    "uneven": (METRES | {"x": np.array([0.0, 1, 2, 4, 8, 16, 32])}, ("m", "m"), "y and x are not evenly spaced"),
    "all the same": (METRES | {"x": np.zeros(7)}, ("m", "m"), "y and x are not evenly spaced"),
    "beyond all bounds": (METRES | {"y": np.array([1.7e308, 1, 0, -1, -1.7e308])}, ("m", "m"), "not evenly spaced"),
    "angles of a satellite": (METRES, ("rad", "rad"), "y and x are not in metres or degrees"),
    "counts": ({"y": np.arange(5), "x": np.arange(7)}, ("", ""), "y and x are not in metres or degrees"),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_coordinates_that_tell_no_grid_are_named(tmp_path, name):
    coordinates, units, said = LEFT_OUT[name]
    facts = read_cube(netcdf(tmp_path / "x.nc", coordinates, units)).facts
    assert facts.georeference is None and any(said in note for note in facts.notes)


@pytest.mark.parametrize("names", [("y", "x"), ("row", "column")])
def test_dimensions_without_coordinates_say_nothing(tmp_path, names):
    facts = read_cube(netcdf(tmp_path / "x.nc", dict.fromkeys(names))).facts
    assert facts.georeference is None and facts.notes == ()


def test_lines_and_samples_are_no_place(tmp_path):
    coordinates = {"line": np.arange(5), "sample": np.arange(7)}
    facts = read_cube(netcdf(tmp_path / "x.nc", coordinates, ("1", "1"))).facts
    assert facts.georeference is None and facts.notes == ()


def test_a_grid_mapping_without_wkt_is_named(tmp_path):
    mapping = {"grid_mapping_name": "transverse_mercator", "longitude_of_central_meridian": 15.0}
    facts = read_cube(netcdf(tmp_path / "x.nc", METRES, mapping=mapping)).facts
    assert facts.georeference.transform == GRID and any("not given as WKT" in note for note in facts.notes)


def test_places_of_single_pixels_are_named(tmp_path):
    path = netcdf(tmp_path / "x.nc", dict.fromkeys(("row", "column")))
    with netCDF4.Dataset(path, "a") as file:
        for name in ("lat", "lon"):
            file.createVariable(name, "f8", ("row", "column"))[:] = VALUES[0]
    assert any("single pixels (lat, lon)" in note for note in read_cube(path).facts.notes)


def test_a_coordinate_system_without_a_grid_is_named_where_the_grid_is_missing(tmp_path):
    """GDAL would see a grid of pixels from 0, 0 in a TIFF."""
    path = netcdf(tmp_path / "x.nc", dict.fromkeys(("y", "x")), mapping=UTM)
    for suffix in (".tif", ".npz"):
        notes = write_cube(tmp_path / f"y{suffix}", read_cube(path))
        assert any("all but its CRS is left out" in note for note in notes)


@pytest.mark.parametrize("count", [5, 9])
def test_coordinates_are_those_of_the_array(tmp_path, count):
    """Groups have dimensions of the same names and other lengths."""
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["fine/refl"] = VALUES
        for i, (name, size) in enumerate(zip(("wavelength", "y", "x"), VALUES.shape, strict=True)):
            file[f"scales/{name}"] = np.zeros(size)
            file[f"scales/{name}"].make_scale(name)
            file["fine/refl"].dims[i].attach_scale(file[f"scales/{name}"])
        file["x"], file["y"] = 30.0 * np.arange(count), 30.0 * np.arange(count)
        file["x"].attrs["units"] = file["y"].attrs["units"] = "m"
    facts = read_cube(tmp_path / "x.h5").facts
    assert facts.georeference is None
    assert any("one side alone" in note for note in facts.notes) == (count == 5)


STATED = {"crs_wkt": UTM["crs_wkt"], "GeoTransform": "500000 30 0 4600000 0 -30"}
PARTS = {
    "crop": (slice(1, 4), slice(2, 6), (500_060.0, 30.0, 0.0, 4_599_970.0, 0.0, -30.0)),
    "turned over": (slice(None, None, -1), slice(None), (500_000.0, 30.0, 0.0, 4_599_850.0, 0.0, 30.0)),
    "every second": (slice(None, None, 2), slice(None, None, 2), (499_985.0, 60.0, 0.0, 4_600_015.0, 0.0, -60.0)),
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("units", [("m", "m"), ("", "")])
def test_a_part_of_a_file_lies_where_its_coordinates_say(tmp_path, part, units):
    """xarray leaves it the GeoTransform of the whole."""
    rows, columns, grid = PARTS[part]
    with netCDF4.Dataset(netcdf(tmp_path / "x.nc", METRES, units, STATED)) as whole:
        of_part = {"y": whole["y"][rows], "x": whole["x"][columns]}
        values = whole["refl"][:, rows, columns]
    with netCDF4.Dataset(tmp_path / "part.nc", "w") as file:
        for name, numbers in ({"wavelength": np.arange(450, 750, 50)} | of_part).items():
            file.createDimension(name, len(numbers))
            file.createVariable(name, "f8", (name,))[:] = numbers
        file.createVariable("refl", "f4", ("wavelength", "y", "x"))[:] = values
        file.createVariable("utm", "i4").setncatts(STATED)
        file["refl"].grid_mapping = "utm"
    facts = read_cube(tmp_path / "part.nc").facts
    assert facts.georeference.transform == grid and any("GeoTransform" in note for note in facts.notes)


@pytest.mark.parametrize(
    "coordinates",
    [METRES, {"y": np.arange(5), "x": np.arange(7)}, {name: numbers - 15 for name, numbers in METRES.items()}],
    ids=["the same", "counts", "corners"],
)
@pytest.mark.parametrize("stated", [STATED["GeoTransform"], list(GRID), ["500000", "30", "0", "4600000", "0", "-30"]])
def test_a_geotransform_counts_as_text_and_as_numbers(tmp_path, coordinates, stated):
    path = netcdf(tmp_path / "x.nc", coordinates, ("", ""), UTM | {"GeoTransform": stated})
    facts = read_cube(path).facts
    assert facts.georeference.transform == GRID and facts.notes == ()


def test_a_geotransform_that_is_none_leaves_the_grid_to_the_coordinates(tmp_path):
    path = netcdf(tmp_path / "x.nc", METRES, mapping=UTM | {"GeoTransform": "unknown"})
    assert read_cube(path).facts.georeference.transform == GRID


@pytest.mark.parametrize("name", ["spatial_ref", "crs"])
def test_a_coordinate_system_by_a_name_of_custom_counts_without_a_word_of_the_array(tmp_path, name):
    """`cube * 2` with xarray keeps the coordinate `spatial_ref` of rioxarray, and no `grid_mapping`."""
    path = netcdf(tmp_path / "x.nc", METRES)
    with netCDF4.Dataset(path, "a") as file:
        file.createVariable(name, "i4").setncatts(STATED)
        file["refl"].coordinates = name
    place = read_cube(path).facts.georeference
    assert place.transform == GRID and "33N" in place.crs
