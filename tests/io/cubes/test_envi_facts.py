"""What ENVI headers say beside the numbers: applied, kept or named, as its documentation means it."""

import gzip

import numpy as np
import pytest

from glmha_cli.errors import BadDataError, NoInputError
from glmha_cli.io.cubes.cube import Cube, CubeOptions, files_read, read_cube, write_cube

WAVELENGTHS = (450.0, 500.0, 550.0, 600.0, 650.0, 700.0)
VALUES = np.random.default_rng(1).random((5, 7, 6)).astype(np.float32)


def envi(folder, values=VALUES, *lines, data_type=4, wavelengths=WAVELENGTHS, unit="Nanometers", data="x.img"):
    h, w, b = values.shape
    head = [f"samples = {w}", f"lines = {h}", f"bands = {b}", "interleave = bsq", f"data type = {data_type}"]
    head += [f"wavelength = {{{', '.join(map(str, wavelengths))}}}"] if wavelengths else []
    head += [f"wavelength units = {unit}"] if unit else []
    (folder / "x.hdr").write_text("\n".join(["ENVI", *head, *lines]), encoding="utf-8")
    np.ascontiguousarray(values.transpose(2, 0, 1)).tofile(folder / data)
    return folder / "x.hdr"


def six(number):
    return "{" + ", ".join([str(number)] * 6) + "}"


def test_gains_and_offsets_are_applied(tmp_path):
    lines = f"data gain values = {six(0.1)}", f"data offset values = {six(0.5)}"
    np.testing.assert_allclose(read_cube(envi(tmp_path, VALUES * 10, *lines)), VALUES + 0.5, rtol=1e-5)
    stored = np.round(VALUES * 10000).astype("<u2")
    read = read_cube(envi(tmp_path, stored, f"data gain values = {six(1e-4)}", data_type=12))
    np.testing.assert_allclose(read, VALUES, atol=1e-4)


def test_each_band_has_its_own_gain(tmp_path):
    gains = np.arange(1, 7)
    lines = ("data gain values = {" + ", ".join(map(str, gains)) + "}",)
    np.testing.assert_allclose(read_cube(envi(tmp_path, VALUES, *lines)), VALUES * gains, rtol=1e-6)
    with pytest.raises(BadDataError, match="5 values of gain for 6 bands"):
        read_cube(envi(tmp_path, VALUES, "data gain values = {1, 2, 3, 4, 5}"))


def test_gains_of_one_are_no_scale(tmp_path):
    with pytest.raises(BadDataError, match="uint16 without a stated scale") as caught:
        read_cube(envi(tmp_path, VALUES.astype("<u2"), f"data gain values = {six(1.0)}", data_type=12))
    assert "--scale" in caught.value.hint


@pytest.mark.parametrize("suffix", [".hdr", ".tif", ".nc", ".mat", ".npz"])
def test_what_is_no_data_stays_no_data(tmp_path, suffix):
    stored = np.round(VALUES * 10000).astype("<i2")
    stored[0, 0], stored[1, 2, 3] = -9999, -9999
    lines = "reflectance scale factor = 10000", "data ignore value = -9999"
    cube = read_cube(envi(tmp_path, stored, *lines, data_type=2))
    assert np.isnan(cube[0, 0]).all() and cube.missing.sum() == 7 and cube.facts.nodata == -9999
    write_cube(tmp_path / f"y{suffix}", cube)
    again = read_cube(tmp_path / f"y{suffix}")
    np.testing.assert_array_equal(again, cube)
    assert again.facts.nodata == -9999
    if suffix == ".hdr":
        assert "data ignore value = -9999" in (tmp_path / "y.hdr").read_text()
        assert np.fromfile(tmp_path / "y.img", "<f4")[0] == -9999


def test_a_measured_value_that_equals_the_number_for_no_data_is_kept(tmp_path):
    stored = np.round(VALUES * 100).astype("<i2")
    stored[0, 0], stored[1, 1] = 0, 50
    cube = read_cube(envi(tmp_path, stored, f"data offset values = {six(-50)}", "data ignore value = 0", data_type=2))
    assert np.isnan(cube[0, 0]).all() and (cube[1, 1] == 0).all()
    write_cube(tmp_path / "y.tif", cube)
    np.testing.assert_array_equal(read_cube(tmp_path / "y.tif"), cube)


def test_nothing_but_missing_data_is_no_cube(tmp_path):
    with pytest.raises(BadDataError, match="holds no data"):
        read_cube(envi(tmp_path, np.full_like(VALUES, -1), "data ignore value = -1"))


UNITS = {
    "Nanometer": 1, "nanometres": 1, "NM": 1, "nm": 1, "Micrometer": 1e-3, "µm": 1e-3, "μm": 1e-3, "um": 1e-3,
    "Microns": 1e-3, "Millimeters": 1e-6, "Meters": 1e-9, "Angstroms": 10,
}  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
def test_units_however_they_are_spelt(tmp_path, unit):
    header = envi(tmp_path, wavelengths=[nm * UNITS[unit] for nm in WAVELENGTHS], unit=unit)
    assert read_cube(header).wavelength_nm == WAVELENGTHS


@pytest.mark.parametrize("unit", ["", "Unknown", "Index", "GHz"])
def test_a_unit_that_is_missing_or_none_is_asked_for(tmp_path, unit):
    header = envi(tmp_path, wavelengths=[nm / 1000 for nm in WAVELENGTHS], unit=unit)
    cube = read_cube(header)
    assert cube.wavelength_nm == () and "--unit" in cube.facts.notes[0]
    assert read_cube(header, CubeOptions(unit="um")).wavelength_nm == WAVELENGTHS


def test_widths_place_bad_bands_and_names_are_kept(tmp_path):
    lines = (
        "fwhm = {5, 5, 5.25, 5, 5, 5}",
        "map info = {UTM, 1, 1, 500000, 4649776, 10, 10, 31, North, WGS-84}",
        "bbl = {1, 1, 0, 1, 1, 0}",
        "band names = {a, b, c, d, e, f}",
        "default bands = {6, 3, 1}",
        "sensor type = HySpex",
        "acquisition time = 2024-05-06T07:08:09Z",
        "solar irradiance = {1, 2, 3, 4, 5, 6}",
    )
    write_cube(tmp_path / "y.hdr", read_cube(envi(tmp_path, VALUES, *lines)))
    text = (tmp_path / "y.hdr").read_text().splitlines()
    for line in lines:
        assert line in text


def test_no_width_is_invented(tmp_path):
    write_cube(tmp_path / "y.hdr", read_cube(envi(tmp_path)))
    assert "fwhm" not in (tmp_path / "y.hdr").read_text()


@pytest.mark.parametrize("suffix", [".bin", ".rfl", ".float", ".cube", ".hyspex", ".BIL", "", ".sli"])
def test_the_data_file_may_have_any_name(tmp_path, suffix):
    header = envi(tmp_path, data=f"x{suffix}")
    for side in (".xml", ".png", ".txt", ".tif"):
        header.with_suffix(side).write_text("beside")
    for named in (header, tmp_path / f"x{suffix}"):
        np.testing.assert_array_equal(read_cube(named), VALUES)
        assert set(files_read(named)) == {header, tmp_path / f"x{suffix}"}


def test_several_data_files_are_asked_about(tmp_path):
    header = envi(tmp_path, data="x.rfl")
    (tmp_path / "x.unc").write_bytes((tmp_path / "x.rfl").read_bytes())
    with pytest.raises(BadDataError, match="x.rfl, x.unc"):
        read_cube(header)
    np.testing.assert_array_equal(read_cube(tmp_path / "x.rfl"), VALUES)
    (tmp_path / "x.rfl").unlink(), (tmp_path / "x.unc").unlink()
    with pytest.raises(NoInputError, match="no data file"):
        read_cube(header)


@pytest.mark.parametrize("order", [[5, 4, 3, 2, 1, 0], [3, 0, 5, 1, 4, 2]])
def test_bands_out_of_order_are_sorted_with_all_that_is_said_of_them(tmp_path, order):
    said = {
        "fwhm": [1, 2, 3, 4, 5, 6],
        "bbl": [1, 1, 0, 1, 0, 1],
        "band names": "abcdef",
        "gain": [7, 8, 9, 10, 11, 12],
    }
    lines = [f"{name} = {{{', '.join(str(items[i]) for i in order)}}}" for name, items in said.items()]
    cube = read_cube(envi(tmp_path, VALUES[..., order], *lines, wavelengths=[WAVELENGTHS[i] for i in order]))
    np.testing.assert_array_equal(cube, VALUES)
    facts = cube.facts
    assert facts.wavelength_nm == WAVELENGTHS and facts.fwhm_nm == (1, 2, 3, 4, 5, 6)
    assert facts.band_names == tuple("abcdef") and facts.good_bands == (True, True, False, True, False, True)
    assert facts.band_tags["gain"] == ("7", "8", "9", "10", "11", "12")
    assert any("sorted" in note for note in facts.notes)


def test_equal_wavelengths_stay_in_their_order_and_are_named(tmp_path):
    cube = read_cube(envi(tmp_path, wavelengths=[450, 500, 500, 600, 650, 700]))
    np.testing.assert_array_equal(cube, VALUES)
    assert any("same wavelength" in note for note in cube.facts.notes)


def test_side_data_that_do_not_fit_the_bands_are_left_out_and_named(tmp_path):
    cube = read_cube(envi(tmp_path, VALUES, "fwhm = {5, 5}", "bbl = {1}"))
    assert cube.facts.fwhm_nm == cube.facts.good_bands == ()
    assert len([note for note in cube.facts.notes if "for 6 bands: left out" in note]) == 2


@pytest.mark.parametrize(
    ("data", "header"), [("X.DAT", "X.HDR"), ("X.IMG", "X.HDR"), ("x.dat", "x.HDR"), ("X", "X.HDR")]
)
def test_a_pair_in_capitals_is_read_by_either_name(tmp_path, data, header):
    envi(tmp_path, data=data).rename(tmp_path / header)
    for name in (data, header):
        np.testing.assert_array_equal(read_cube(tmp_path / name), VALUES)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("fwhm = {a, b}", "'fwhm' holds no numbers"),
        ("data ignore value = none", "'data ignore value' holds no numbers"),
        ("reflectance scale factor = {1, 2}", "'reflectance scale factor' holds 2 numbers"),
        ("data type = 6", "complex numbers"),
        ("data type = 99", "unknown kind of number"),
        ("major frame offsets = {16, 0}", "frame offsets"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(tmp_path, field, said):
    with pytest.raises(BadDataError, match=said) as caught:
        read_cube(envi(tmp_path, VALUES, field))
    assert caught.value.hint


def test_a_single_number_may_stand_in_braces(tmp_path):
    lines = "reflectance scale factor = {1000.0}", "data ignore value = {7}"
    stored = np.full(VALUES.shape, 500, "<u2")
    stored[2, 3] = 7
    cube = read_cube(envi(tmp_path, stored, *lines, data_type=12))
    assert cube[0, 0, 0] == pytest.approx(0.5) and cube.missing.sum() == 6


@pytest.mark.parametrize("suffix", [".tif", ".npz", ".mat", ".nc"])
def test_a_turned_map_is_where_gdal_sees_it(tmp_path, suffix):
    rasterio = pytest.importorskip("rasterio", reason="compares with GDAL")
    info = "map info = {UTM, 1, 1, 500000, 5400000, 30, 20, 33, North, WGS-84, units=Meters, rotation=30}"
    header = envi(tmp_path, VALUES, info)
    with rasterio.open(tmp_path / "x.img") as seen:
        expected = seen.transform.to_gdal()
    write_cube(tmp_path / f"y{suffix}", read_cube(header))
    place = read_cube(tmp_path / f"y{suffix}").facts.georeference
    np.testing.assert_allclose(place.transform, expected, rtol=1e-9)
    assert place.crs == "EPSG:32633" or "33N" in place.crs


@pytest.mark.parametrize("suffix", [".npz", ".mat", ".nc"])
def test_a_place_without_a_grid_is_named_where_it_is_lost(tmp_path, suffix):
    lines = "geo points = {1, 1, 48, 9, 5, 5, 47, 10}", "coordinate system string = {GEOGCS[x]}"
    notes = write_cube(tmp_path / f"y{suffix}", read_cube(envi(tmp_path, VALUES, *lines)))
    assert any("no plain grid: all but its CRS" in note for note in notes)


def test_a_virtual_mosaic_is_refused(tmp_path):
    (tmp_path / "x.hdr").write_text("ENVI META FILE\nFile : /etc/passwd\n")
    (tmp_path / "x.img").write_bytes(bytes(100))
    with pytest.raises(BadDataError, match="other files, which are not opened"):
        read_cube(tmp_path / "x.hdr")


def test_gains_to_reflectance_go_before_all_others(tmp_path):
    stored = np.round(VALUES * 10000).astype("<i2")
    reflectance = "data reflectance gain values = {1e-4, 2e-4, 1e-4, 1e-4, 1e-4, 1e-4}"
    cube = read_cube(envi(tmp_path, stored, reflectance, data_type=2))
    np.testing.assert_allclose(cube, stored * np.array([1, 2, 1, 1, 1, 1]) * 1e-4, rtol=1e-6)
    assert cube.facts.tags == cube.facts.band_tags == {} and cube.facts.notes == ()
    lines = (
        f"data reflectance gain values = {six(1e-4)}",
        f"data reflectance offset values = {six(-0.1)}",
        f"data gain values = {six(0.05)}",
        "reflectance scale factor = 10000",
    )
    cube = read_cube(envi(tmp_path, stored, *lines, data_type=2))
    np.testing.assert_allclose(cube, stored * 1e-4 - 0.1, rtol=1e-4, atol=1e-6)
    assert cube.facts.notes == (
        "its data gain values, reflectance scale factor: not applied, as its gains to reflectance are",
    )
    cube = read_cube(envi(tmp_path, stored, f"data reflectance gain values = {six(1)}", lines[-1], data_type=2))
    np.testing.assert_allclose(cube, stored * 1e-4, rtol=1e-6)
    with pytest.raises(BadDataError, match="2 values of offset for 6 bands"):
        read_cube(envi(tmp_path, stored, reflectance, "data reflectance offset values = {1, 2}", data_type=2))


@pytest.mark.parametrize("unit", ["Degrees", "Minutes", "Seconds", "seconds", "Radians"])
@pytest.mark.parametrize("turned", ["", ", rotation=30"])
def test_angles_of_a_map_are_where_gdal_sees_them(tmp_path, unit, turned):
    rasterio = pytest.importorskip("rasterio", reason="compares with GDAL")
    place = (0.5, 0.25, 0.001, 0.002) if unit == "Radians" else (36_000, 180_000, 0.1, 0.2)
    numbers = ", ".join(map(str, place))
    header = envi(tmp_path, VALUES, f"map info = {{Geographic Lat/Lon, 1, 1, {numbers}, WGS-84, units={unit}{turned}}}")
    with rasterio.open(tmp_path / "x.img") as seen:
        per_unit = seen.crs.units_factor[1] / rasterio.crs.CRS.from_epsg(4326).units_factor[1]
        expected = np.array(seen.transform.to_gdal()) * per_unit
    found = read_cube(header).facts.georeference
    assert found.crs == "EPSG:4326"
    np.testing.assert_allclose(found.transform, expected, rtol=1e-9, atol=1e-15)
    write_cube(tmp_path / "y.hdr", read_cube(header))
    assert f"units={unit}" in (tmp_path / "y.hdr").read_text(), "back as it was"


def test_seconds_of_arc_in_degrees(tmp_path):
    info = "map info = {Geographic Lat/Lon, 1, 1, 36000, 180000, 0.9, 1.8, WGS-84, units=Seconds}"
    place = read_cube(envi(tmp_path, VALUES, info)).facts.georeference
    assert place.transform == pytest.approx((10, 0.00025, 0, 50, 0, -0.0005))


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("utf-8", "Größe \u2013 é"), ("utf-8-sig", "Größe"), ("latin-1", "Größe é"), ("cp1252", "Größe \u2013 é")],
)
def test_headers_in_utf_8_and_of_windows(tmp_path, encoding, text):
    in_um = [nm / 1000 for nm in WAVELENGTHS]
    header = envi(tmp_path, VALUES, f"description = {{{text}}}", unit="µm", wavelengths=in_um)
    header.write_bytes(header.read_text(encoding="utf-8").encode(encoding))
    cube = read_cube(header)
    assert cube.wavelength_nm == WAVELENGTHS and cube.facts.notes == ()
    assert cube.facts.tags["description"] == text


def test_compressed_data_are_named(tmp_path):
    header = envi(tmp_path, VALUES, "file compression = 1")
    (tmp_path / "x.img").write_bytes(gzip.compress((tmp_path / "x.img").read_bytes()))
    with pytest.raises(BadDataError, match="compressed data, which are not read") as caught:
        read_cube(header)
    assert "file compression = 0" in caught.value.hint
    cube = read_cube(envi(tmp_path, VALUES, "file compression = 0"))
    np.testing.assert_array_equal(cube, VALUES)
    assert cube.facts.tags == {}


@pytest.mark.parametrize("unit", ["Meters", "Km", "Feet", "Yards", "Miles", "Nautical Miles"])
@pytest.mark.parametrize("datum", ["WGS-84", "North America 1983", "North America 1927"])
def test_zones_of_utm_are_where_gdal_sees_them(tmp_path, unit, datum):
    rasterio = pytest.importorskip("rasterio", reason="compares with GDAL")
    header = envi(tmp_path, VALUES, f"map info = {{UTM, 1, 1, 300, 3000, 2, 3, 11, North, {datum}, units={unit}}}")
    with rasterio.open(tmp_path / "x.img") as seen:
        expected = np.array(seen.transform.to_gdal()) * seen.crs.linear_units_factor[1]
        named = seen.crs.to_epsg()
    place = read_cube(header).facts.georeference
    np.testing.assert_allclose(place.transform, expected, rtol=1e-9, atol=1e-12)
    code = {"WGS-84": 32611, "North America 1983": 26911, "North America 1927": 26711}[datum]
    assert place.crs == f"EPSG:{code}" and named in (code, None), "GDAL has no code for units but metres"


@pytest.mark.parametrize("suffix", [".tif", ".npz", ".mat", ".nc"])
def test_a_system_that_is_lost_is_named(tmp_path, suffix):
    header = envi(tmp_path, VALUES, "map info = {State Plane (NAD 83), 1, 1, 5e5, 4e6, 2, 2, 0401, units=Feet}")
    notes = write_cube(tmp_path / f"y{suffix}", read_cube(header))
    assert any("State Plane (NAD 83), 0401" in note and "left out" in note for note in notes)
    assert read_cube(tmp_path / f"y{suffix}").facts.georeference.transform == (5e5, 2, 0, 4e6, 0, -2)
    assert write_cube(tmp_path / "z.hdr", read_cube(header)) == ()


def test_braces_may_begin_below_the_name_of_a_field(tmp_path):
    header = envi(tmp_path, VALUES)
    header.write_text(header.read_text().replace("wavelength = {", "wavelength = \r\n  {"), newline="")
    assert read_cube(header).wavelength_nm == WAVELENGTHS


def test_tags_that_a_header_has_no_place_for_are_named(tmp_path):
    tags = {"Bands": "visible", "file type": "L2A", "site": "field"}
    notes = write_cube(tmp_path / "x.hdr", Cube(values=VALUES, wavelength_nm=WAVELENGTHS, tags=tags))
    assert notes == ("tags that ENVI has fields of its own for are left out: Bands, file type",)
    assert read_cube(tmp_path / "x.hdr").facts.tags["site"] == "field"


def test_a_stretch_of_numbers_that_were_scaled_does_not_go_on(tmp_path):
    lines = "default stretch = 0 5000 linear", "z plot range = {0, 9000}", "z plot titles = {nm, Reflectance}"
    header = envi(tmp_path, VALUES, "reflectance scale factor = 10000", *lines)
    assert read_cube(header).facts.tags == {"z plot titles": "{nm, Reflectance}"}
    assert len(read_cube(envi(tmp_path, VALUES, *lines)).facts.tags) == 3


@pytest.mark.parametrize("suffix", [".tif", ".nc", ".npz"])
def test_units_of_values_mean_the_same_in_every_format(tmp_path, suffix):
    """Percent become shares when they are first read, not when another format is read back."""
    cube = read_cube(envi(tmp_path, VALUES * 100, "units = %"))
    np.testing.assert_allclose(cube.values, VALUES, rtol=1e-6)
    assert cube.facts.tags == {} and "percent" in cube.facts.notes[0]
    write_cube(tmp_path / f"y{suffix}", cube)
    np.testing.assert_array_equal(read_cube(tmp_path / f"y{suffix}").values, cube.values)
    counts = envi(tmp_path, VALUES, "units = DN")
    assert read_cube(counts).facts.tags == {"units": "DN"}
    assert read_cube(counts, CubeOptions(scale=0.5)).facts.tags == {}


def test_names_and_tags_that_some_bands_lack_stay_with_their_bands(tmp_path):
    names, places = ("Blue", "", "Red", "", "NIR", ""), ("", "a", "", "b", "c", "")
    cube = Cube(values=VALUES, wavelength_nm=(), band_names=names, band_tags={"filter": places})
    assert write_cube(tmp_path / "x.hdr", cube) == ()
    facts = read_cube(tmp_path / "x.hdr").facts
    assert facts.band_names == ("Blue", "Band 2", "Red", "Band 4", "NIR", "Band 6")
    assert facts.band_tags["filter"] == places and not facts.notes


@pytest.mark.parametrize("line", ["samples = 7 ; columns", "bands = {6}", "lines = 5.0", "byte order = 0 ; Intel"])
def test_numbers_of_a_layout_are_read_as_all_others(tmp_path, line):
    np.testing.assert_array_equal(read_cube(envi(tmp_path, VALUES, line)), VALUES)


@pytest.mark.parametrize("line", ["interleave = tiled", "byte order = Intel", "lines = 5.5", "samples = ?", "bands ="])
def test_a_layout_that_cannot_be_is_named(tmp_path, line):
    with pytest.raises(BadDataError, match=line.partition(" =")[0]) as caught:
        read_cube(envi(tmp_path, VALUES, line))
    assert caught.value.hint == "correct the header, a text file"


@pytest.mark.parametrize("name", ["samples", "lines", "bands", "data type", "interleave"])
def test_a_layout_that_is_missing_is_named(tmp_path, name):
    header = envi(tmp_path, VALUES)
    header.write_text("".join(line for line in header.read_text().splitlines(True) if not line.startswith(name)))
    with pytest.raises(BadDataError, match=f"field '{name}' is missing"):
        read_cube(header)


def test_tags_of_bands_become_no_fields_of_envis_own(tmp_path):
    cube = Cube(values=VALUES, wavelength_nm=WAVELENGTHS, band_tags={"fwhm": ("0.01",) * 6, "wavelength": ("1",) * 6})
    assert any("fwhm, wavelength" in note for note in write_cube(tmp_path / "x.hdr", cube))
    found = read_cube(tmp_path / "x.hdr")
    assert found.wavelength_nm == WAVELENGTHS and found.facts.fwhm_nm == ()
