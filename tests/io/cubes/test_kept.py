"""A georeferenced ENVI cube and a GeoTIFF cube through every format: what is kept, where `kept.KEPT` says so, and what
other libraries find there; what has no place is named when it is lost."""

import json
from dataclasses import fields
from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio
import scipy.io
import spectral
import tifffile
import xarray
import zarr
from rasterio.transform import Affine

from glmha_cli.io.cubes.cube import FORMATS, SUFFIXES, read_cube, write_cube
from glmha_cli.io.cubes.kept import KEPT
from glmha_cli.io.cubes.model import Cube, Facts
from glmha_cli.lookup import resolve

NM = (450.0, 500.0, 550.5, 600.0, 650.0, 700.0)
VALUES = np.random.default_rng(0).random((5, 7, 6)).astype(np.float32)
GRID = (500000.0, 10.0, 0.0, 4649776.0, 0.0, -10.0)
FULL = (".tif", ".hdr", ".mat", ".npz", ".h5", ".nc", ".zarr")
ALIASES = {".tiff": ".tif", ".img": ".hdr", ".hdf5": ".h5"}
DOCS = Path(__file__).parents[3] / "docs" / "cubes.md"

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def name_of(suffix: str) -> str:
    return resolve(FORMATS, suffix, "format").name


def envi(folder: Path) -> Path:
    values = VALUES.copy()
    values[0, 0] = -9999
    (folder / "in.hdr").write_text(
        "\n".join(
            [
                "ENVI", "samples = 7", "lines = 5", "bands = 6", "interleave = bip", "data type = 4",
                f"wavelength = {{{', '.join(map(str, NM))}}}", "wavelength units = Nanometers",
                "fwhm = {5, 5, 5.25, 5, 5, 5}", "bbl = {1, 1, 0, 1, 1, 0}", "band names = {a, b, c, d, e, f}",
                "data ignore value = -9999", "sensor type = HySpex", "acquisition time = 2024-05-06T07:08:09Z",
                "map info = {UTM, 1, 1, 500000, 4649776, 10, 10, 31, North, WGS-84}",
                "solar irradiance = {1, 2, 3, 4, 5, 6}",
            ]
        )
    )  # fmt: skip
    values.tofile(folder / "in.img")
    return folder / "in.hdr"


def geotiff(folder: Path) -> Path:
    values = VALUES.copy()
    values[0, 0] = -9999
    profile = {"driver": "GTiff", "count": 6, "height": 5, "width": 7, "dtype": "float32", "nodata": -9999}
    place = {"crs": "EPSG:32631", "transform": Affine.from_gdal(*GRID)}
    with rasterio.open(folder / "in.tif", "w", **profile, **place) as dataset:
        dataset.write(values.transpose(2, 0, 1))
        dataset.descriptions = tuple("abcdef")
        dataset.update_tags(sensor="HySpex", campaign="Ötztal 2024")
        for i, nm in enumerate(NM):
            dataset.update_tags(i + 1, ns="IMAGERY", CENTRAL_WAVELENGTH_UM=f"{nm / 1000}", FWHM_UM="0.00525")
            dataset.update_tags(i + 1, wavelength=nm, wavelength_units="Nanometers", solar=i, bbl=int(i != 2))
    return folder / "in.tif"


SOURCES = {"ENVI": envi, "GeoTIFF": geotiff}


def same_fact(key: str, found: object, expected: object) -> bool:
    if key == "georeference":
        return found is not None and found.transform == expected.transform and same_crs(found.crs, expected.crs)
    if key == "tags":
        return {name.lower(): text for name, text in expected.items()}.items() <= dict(
            (name.lower(), text) for name, text in found.items()
        ).items()
    return found == expected


def same_crs(first: str, second: str) -> bool:
    def crs(text):
        is_code = text.startswith("EPSG:")
        return rasterio.crs.CRS.from_epsg(int(text[5:])) if is_code else rasterio.crs.CRS.from_wkt(text)

    return crs(first).to_epsg() == crs(second).to_epsg() == 32631


def table(source: str, folder: Path) -> dict[str, dict[str, bool]]:
    """Key of KEPT -> suffix -> whether it came back from a file of this kind."""
    cube = read_cube(SOURCES[source](folder))
    assert cube.facts.notes == () and all(getattr(cube.facts, key) for key in KEPT), "the source has all of it"
    found = {key: {} for key in KEPT}
    for suffix in SUFFIXES:
        path = folder / f"out{suffix}"
        notes = write_cube(path, cube, overwrite=True)
        again = read_cube(path)
        np.testing.assert_array_equal(again, cube)
        assert np.isnan(again[0, 0]).all()
        for key in KEPT:
            found[key][suffix] = same_fact(key, getattr(again.facts, key), getattr(cube.facts, key))
        assert bool(notes) == (not all(found[key][suffix] for key in KEPT)), f"{suffix}: {notes}"
    return found


@pytest.mark.parametrize("source", SOURCES)
def test_each_format_keeps_what_the_table_says(tmp_path, source):
    found = table(source, tmp_path)
    expected = {key: {suffix: name_of(suffix) in places for suffix in SUFFIXES} for key, places in KEPT.items()}
    assert found == expected


def test_the_table_covers_all_that_a_cube_knows():
    assert {*KEPT, "notes"} == {each.name for each in fields(Facts)}


def test_the_table_of_the_docs_is_that_of_the_code():
    names = dict.fromkeys(name_of(suffix) for suffix in FULL)
    titles = {"tiff": "TIFF", "envi": "ENVI", "mat": "MATLAB", "npz": ".npz", "netcdf": "HDF5, netCDF"}
    titles["zarr"] = "Zarr"
    lines = [f"| | {' | '.join(titles[name] for name in names)} |", f"|---{'|---' * len(names)}|"]
    lines += [f"| `{key}` | {' | '.join(f'`{places[name]}`' for name in names)} |" for key, places in KEPT.items()]
    assert "\n".join(lines) in DOCS.read_text(encoding="utf-8")


def test_what_npy_cannot_hold_is_named(tmp_path):
    (note,) = write_cube(tmp_path / "x.npy", read_cube(envi(tmp_path)))
    for lost in ("wavelengths", "FWHM", "bad bands", "georeference", "tags"):
        assert lost in note


def test_geotiff_tags_go_on_byte_for_byte(tmp_path):
    write_cube(tmp_path / "y.tif", read_cube(geotiff(tmp_path)))
    with tifffile.TiffFile(tmp_path / "in.tif") as first, tifffile.TiffFile(tmp_path / "y.tif") as second:
        for code in (33550, 33922, 34735, 34736, 34737):
            assert (code in first.pages[0].tags) == (code in second.pages[0].tags)
            if code in first.pages[0].tags:
                assert second.pages[0].tags[code].value == first.pages[0].tags[code].value


def test_a_system_that_has_no_code_survives_too(tmp_path):
    wkt = rasterio.crs.CRS.from_proj4("+proj=laea +lat_0=47.3 +lon_0=11.1 +x_0=1234 +ellps=GRS80 +units=m")
    profile = {"driver": "GTiff", "count": 6, "height": 5, "width": 7, "dtype": "float32", "crs": wkt}
    with rasterio.open(tmp_path / "in.tif", "w", transform=Affine.from_gdal(*GRID), **profile) as dataset:
        dataset.write(VALUES.transpose(2, 0, 1))
    write_cube(tmp_path / "a.nc", read_cube(tmp_path / "in.tif"))
    write_cube(tmp_path / "b.hdr", read_cube(tmp_path / "a.nc"))
    write_cube(tmp_path / "c.tif", read_cube(tmp_path / "b.hdr"))
    for path in (tmp_path / "b.img", tmp_path / "c.tif"):
        with rasterio.open(path) as dataset:
            assert dataset.transform == Affine.from_gdal(*GRID)
            assert "Lambert" in dataset.crs.to_wkt() and "47.3" in dataset.crs.to_wkt()


# By other libraries


@pytest.mark.parametrize("source", SOURCES)
def test_rasterio_reads_all_formats_that_gdal_knows(tmp_path, source):
    cube = read_cube(SOURCES[source](tmp_path))
    for suffix, opened in {".tif": "x.tif", ".hdr": "x.img"}.items():
        write_cube(tmp_path / f"x{suffix}", cube, overwrite=True)
        with rasterio.open(tmp_path / opened) as dataset:
            assert dataset.crs.to_epsg() == 32631 and dataset.transform == Affine.from_gdal(*GRID)
            assert dataset.nodata == -9999 and dataset.descriptions[0].startswith("a")
            masked = dataset.read(masked=True)
            assert masked.mask[:, 0, 0].all() and not masked.mask[:, 1:].any()
            if suffix == ".tif":
                assert dataset.tags(3)["wavelength"] == "550.5" and dataset.tags(3)["bbl"] == "0"
                assert float(dataset.tags(3, ns="IMAGERY")["FWHM_UM"]) == pytest.approx(0.00525)


@pytest.mark.parametrize("source", SOURCES)
def test_spectral_reads_envi(tmp_path, source):
    write_cube(tmp_path / "x.hdr", read_cube(SOURCES[source](tmp_path)))
    image = spectral.open_image(str(tmp_path / "x.hdr"))
    assert tuple(image.bands.centers) == NM and image.bands.bandwidths[2] == 5.25
    assert list(map(int, image.metadata["bbl"])) == [
        int(good) for good in read_cube(tmp_path / "x.hdr").facts.good_bands
    ]
    assert image.metadata["map info"][0] == "UTM" and image.metadata["data ignore value"] == "-9999"


@pytest.mark.parametrize("suffix", [".nc", ".h5"])
def test_xarray_and_h5py_read_netcdf(tmp_path, suffix):
    write_cube(tmp_path / f"x{suffix}", read_cube(envi(tmp_path)))
    with xarray.open_dataset(tmp_path / f"x{suffix}", engine="netcdf4") as dataset:
        cube = dataset["cube"]
        assert cube.dims == ("wavelength", "y", "x") and tuple(dataset["wavelength"].values) == NM
        assert dataset["wavelength"].attrs["units"] == "nm"
        np.testing.assert_array_equal(cube.values[:, 1:], VALUES.transpose(2, 0, 1)[:, 1:])
        assert np.isnan(cube.values[:, 0, 0]).all(), "by _FillValue"
        assert dataset.attrs["sensor type"] == "HySpex" and dataset.attrs["Conventions"] == "CF-1.10"
        assert float(cube.sel(wavelength=550.5, x=500005, y=4649771, method="nearest").isnull())
        assert dataset["fwhm"].dims == ("wavelength",) and dataset["band_name"].values[0] == "a"
        assert "UTM zone 31N" in dataset["crs"].attrs["crs_wkt"]
    with h5py.File(tmp_path / f"x{suffix}") as file:
        assert file["cube"].shape == (6, 5, 7) and tuple(file["wavelength"]) == NM


def test_xarray_and_zarr_read_zarr(tmp_path):
    write_cube(tmp_path / "x.zarr", read_cube(envi(tmp_path)))
    with xarray.open_zarr(tmp_path / "x.zarr", consolidated=False) as dataset:
        cube = dataset["cube"]
        assert cube.dims == ("wavelength", "y", "x") and tuple(dataset["wavelength"].values) == NM
        assert dataset["wavelength"].attrs["units"] == "nm" and dataset["fwhm"].dims == ("wavelength",)
        np.testing.assert_array_equal(cube.values[:, 1:], VALUES.transpose(2, 0, 1)[:, 1:])
        assert np.isnan(cube.values[:, 0, 0]).all(), "by _FillValue"
        assert dataset.attrs["sensor type"] == "HySpex" and cube.attrs["band_names"] == list("abcdef")
        assert float(cube.sel(wavelength=550.5, x=500005, y=4649771, method="nearest").isnull())
        assert "UTM zone 31N" in dataset["crs"].attrs["crs_wkt"]
    group = zarr.open_group(tmp_path / "x.zarr", mode="r")
    assert group["cube"].shape == (6, 5, 7) and group["cube"].metadata.zarr_format == 3
    assert group["cube"][0, 0, 0] == -9999


def test_what_xarray_writes_as_zarr_is_read(tmp_path):
    values = np.round(VALUES * 1000) / 2 + 1
    data = xarray.DataArray(values, dims=("y", "x", "wavelength"), coords={"wavelength": np.array(NM) / 1000})
    data["wavelength"].attrs["units"] = "µm"
    dataset = xarray.Dataset({"reflectance": data, "quality": (("y", "x"), np.ones((5, 7)))}, attrs={"sensor": "EMIT"})
    encoding = {"reflectance": {"scale_factor": 0.5, "add_offset": 1.0, "_FillValue": -1, "dtype": "int16"}}
    dataset.to_zarr(tmp_path / "x.zarr", encoding=encoding, zarr_format=3, consolidated=False)
    cube = read_cube(tmp_path / "x.zarr")
    np.testing.assert_allclose(cube, values, rtol=1e-6)
    assert cube.wavelength_nm == NM and cube.facts.tags == {"sensor": "EMIT"}


def test_scipy_reads_mat(tmp_path):
    write_cube(tmp_path / "x.mat", read_cube(envi(tmp_path)))
    content = scipy.io.loadmat(tmp_path / "x.mat")
    assert content["fwhm_nm"].ravel().tolist() == [5, 5, 5.25, 5, 5, 5] and content["nodata"].item() == -9999
    assert content["good_bands"].ravel().tolist() == [1, 1, 0, 1, 1, 0]
    assert content["transform"].ravel().tolist() == list(GRID) and content["crs"].item() == "EPSG:32631"
    assert content["band_names"].item().split("\n") == list("abcdef")
    assert json.loads(content["tags"].item())["sensor type"] == "HySpex"


def test_other_netcdf_is_read_by_its_conventions(tmp_path):
    data = xarray.DataArray(
        np.round(VALUES * 1000) / 2 + 1, dims=("y", "x", "wavelength"), coords={"wavelength": np.array(NM) / 1000}
    )
    data["wavelength"].attrs["units"] = "µm"
    dataset = xarray.Dataset({"reflectance": data, "quality": (("y", "x"), np.ones((5, 7)))}, attrs={"sensor": "EMIT"})
    encoding = {
        "reflectance": {"scale_factor": 0.5, "add_offset": 1.0, "_FillValue": -1, "dtype": "int16", "zlib": True}
    }
    dataset.to_netcdf(tmp_path / "x.nc", engine="netcdf4", encoding=encoding)
    with xarray.open_dataset(tmp_path / "x.nc", engine="netcdf4") as again:
        expected = again["reflectance"].values
    cube = read_cube(tmp_path / "x.nc")
    np.testing.assert_allclose(cube, expected, rtol=1e-6)
    assert cube.wavelength_nm == NM and cube.facts.tags == {"sensor": "EMIT"}


def test_names_that_xml_cannot_hold_do_not_spoil_a_tiff(tmp_path):
    facts = {"tags": {"sensor\x01 \ufffe": "a\x02b"}, "band_names": ("one\x03", "two")}
    cube = Cube(values=np.ones((4, 5, 2), np.float32), wavelength_nm=(500.0, 600.0), **facts)
    write_cube(tmp_path / "a.tif", cube)
    again = read_cube(tmp_path / "a.tif")
    assert again.facts.band_names == ("one", "two") and again.facts.tags["sensor "] == "ab"


def test_damaged_gdal_metadata_costs_itself_alone(tmp_path):
    write_cube(tmp_path / "a.tif", Cube(values=np.ones((4, 5, 2), np.float32), wavelength_nm=(500.0, 600.0)))
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(content.replace(b"</GDALMetadata>", b"</GDALMetadatb>"))
    cube = read_cube(tmp_path / "a.tif")
    assert cube.shape == (4, 5, 2) and any("GDAL metadata" in note for note in cube.facts.notes)


@pytest.mark.parametrize("suffix", FULL)
def test_texts_that_are_no_utf_8_go_into_every_format(tmp_path: Path, suffix: str) -> None:
    """Programs in C, IDL and MATLAB write HDF5 with texts in the code page of the West."""
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["cube"] = VALUES
        file["wavelength"] = np.array(NM) / 1000
        file["wavelength"].attrs["units"] = np.bytes_(b"\xb5m")
        file.attrs["place"] = np.bytes_(b"Z\xfcrich")
        file.attrs.create("operator", b"Jos\xe9", dtype=h5py.string_dtype("utf-8"))
    write_cube(tmp_path / f"y{suffix}", read_cube(tmp_path / "x.h5"))
    cube = read_cube(tmp_path / f"y{suffix}")
    assert cube.wavelength_nm == NM and cube.facts.tags.items() >= {"place": "Zürich", "operator": "José"}.items()
