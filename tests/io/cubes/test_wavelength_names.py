"""Wavelengths where only names of bands tell them, and lists in headers as people write them."""

import time

import numpy as np
import pytest
import scipy.io
import tifffile
import xarray

from glmha_cli.io.cubes.cube import read_cube
from glmha_cli.io.cubes.formats.gdal_items import read_items, said_of_bands
from glmha_cli.io.cubes.wavelengths import in_names

VALUES = np.random.default_rng(0).random((5, 7, 3)).astype(np.float32)


@pytest.mark.parametrize(
    "names",
    [
        ["450 nm", "550 nm", "650.5 nm"],
        ["450nm", "550nm", "650.5nm"],
        ["Band 1 (450 Nanometers)", "Band 2 (550 Nanometers)", "Band 3 (650.5 Nanometers)"],
        ["blue 0.45 µm", "green .55 um", "red 0.6505 micrometers"],
    ],
)
def test_names_that_end_with_wavelengths(names):
    assert in_names(names) == [450, 550, 650.5]


@pytest.mark.parametrize(
    "names", [[], ["450 nm", "", "650 nm"], ["Band 1", "Band 2"], ["10 m", "20 m"], ["B2 (10 m)", "x 3 nm"]]
)
def test_names_that_do_not_tell(names):
    assert in_names(names) == []


def test_descriptions_of_a_geotiff_tell_wavelengths(tmp_path):
    items = "".join(
        f'<Item name="DESCRIPTION" sample="{i}" role="description">Band {i + 1} ({450 + 100 * i}.5 Nanometers)</Item>'
        for i in range(3)
    )
    tags = [(42112, 2, None, f"<GDALMetadata>{items}</GDALMetadata>", True)]
    tifffile.imwrite(
        tmp_path / "x.tif",
        VALUES.transpose(2, 0, 1),
        photometric="minisblack",
        planarconfig="separate",
        metadata=None,
        extratags=tags,
    )
    cube = read_cube(tmp_path / "x.tif")
    assert cube.wavelength_nm == (450.5, 550.5, 650.5) and cube.facts.band_names[0] == "Band 1 (450.5 Nanometers)"


def test_a_wavelength_of_gdal_without_a_unit_is_said():
    text = "".join(f'<Item name="wavelength" sample="{i}">{450 + i}</Item>' for i in range(3))
    said = said_of_bands(read_items(f"<GDALMetadata>{text}</GDALMetadata>")[0], 3)
    assert said["wavelengths"] == [450, 451, 452] and said["unit"] == ""


@pytest.mark.parametrize(
    "field",
    [
        "wavelength = {450\t550\t650}\nwavelength units = {Nanometers}",
        "wavelength = {\n450 ; blue\n, 550\n, 650,}\nwavelength units = nm",
        "band names = {b 450 nm, g 550 nm, r 650 nm}",
    ],
)
def test_lists_in_envi_headers(tmp_path, field):
    (tmp_path / "x.hdr").write_text(
        f"ENVI\nsamples = 7\nlines = 5\nbands = 3\ndata type = 4\ninterleave = bip\n{field}\n"
    )
    VALUES.tofile(tmp_path / "x.img")
    assert read_cube(tmp_path / "x.hdr").wavelength_nm == (450, 550, 650)


def test_a_range_is_no_wavelength():
    assert in_names(["400-450 nm", "450-500 nm"]) == in_names(["400\u2013450 nm", "450\u2013500 nm"]) == []
    assert in_names(["450-500.5 nm", "500-550.5 nm"]) == in_names(["0.45-0.5 um", "0.5-0.55 um"]) == []
    assert in_names(["450.0\u2013500.0 nm"]) == in_names(["1.2.550 nm"]) == []


def test_a_hyphen_behind_a_word_is_no_sign():
    assert in_names(["band-450 nm", "band -3 nm", "b_550.5 nm"]) == [450, -3, 550.5]


@pytest.mark.parametrize("part", ["1", "1.", ".1", "1 ", "1a", "+1", "1-", " ", "1 nm "])
def test_long_names_cost_time_by_their_length(part):
    """Not by its third power: 800 digits took seconds."""
    start = time.process_time()
    assert in_names([part * 100_000 + "!"]) == []
    assert time.process_time() - start < 2


ITEMS = {
    "wavelengths": [("wavelength", "500"), ("wavelength_units", "nm")],
    "wavelengths in µm": [("CENTRAL_WAVELENGTH_UM", "0.5")],
    "band widths": [("FWHM_UM", "0.01")],
    "bad bands": [("bbl", "0")],
}


@pytest.mark.parametrize("what", ITEMS)
def test_what_a_tiff_says_of_some_bands_alone_is_named(tmp_path, what):
    domain = ' domain="IMAGERY"' if "UM" in ITEMS[what][0][0] else ""
    items = "".join(
        f'<Item name="{name}" sample="{i}"{domain}>{text}</Item>' for i in range(2) for name, text in ITEMS[what]
    )
    tags = [(42112, 2, None, f"<GDALMetadata>{items}</GDALMetadata>", True)]
    values = VALUES.transpose(2, 0, 1)
    tifffile.imwrite(
        tmp_path / "x.tif", values, photometric="minisblack", planarconfig="separate", metadata=None, extratags=tags
    )
    facts = read_cube(tmp_path / "x.tif").facts
    assert facts.wavelength_nm == facts.fwhm_nm == facts.good_bands == ()
    (note,) = facts.notes
    assert f"names the {what.removesuffix(' in µm')}" in note and "of 2 of its 3 bands: left out" in note


NAMES = [f"Band {i} ({nm:g} nm)" for i, nm in enumerate((450, 550, 650))]


@pytest.mark.parametrize(
    "kind",
    ["list of .npz", "bytes of .npz", "cell of .mat", "list of .nc", "coordinate of .nc", "attribute of .nc"],
)
def test_names_in_files_of_named_arrays_tell_wavelengths(tmp_path, kind):
    """The attribute is as rioxarray keeps GDAL's descriptions."""
    values, path = np.random.default_rng(1).random((5, 7, 3), np.float32), tmp_path / f"x{kind.split()[-1]}"
    if path.suffix == ".npz":
        np.savez(path, cube=values, band_names=np.array(NAMES, "S" if "bytes" in kind else "U"))
    elif path.suffix == ".mat":
        scipy.io.savemat(path, {"cube": values, "band_names": np.array(NAMES, object)})
    else:
        name = "wavelength" if "coordinate" in kind else "band_names"
        said = {"long_name": NAMES} if "attribute" in kind else {}
        dimension = name if "coordinate" in kind else "band"
        lists = {} if said else {name: (dimension, NAMES)}
        xarray.Dataset({"cube": (("y", "x", dimension), values, said)}, lists).to_netcdf(path, engine="netcdf4")
    cube = read_cube(path)
    np.testing.assert_array_equal(cube.values, values)
    assert cube.wavelength_nm == (450, 550, 650) and cube.facts.band_names == tuple(NAMES)
