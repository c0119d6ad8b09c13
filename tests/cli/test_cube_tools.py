"""convert, preview and spectrum on real files."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import spectral
from PIL import Image

from glmha_cli.io.cubes.cube import Cube, read_cube, write_cube
from glmha_cli.physics.colour import render, rendering_weights
from glmha_cli.physics.wavelengths import RGB2HSI_NM, SCI_NM
from tests.cli.in_process import run_here
from tests.conftest import ROOT, run_glmha


@pytest.fixture
def cube_file(tmp_path):
    values = np.random.default_rng(0).random((12, 20, 31), dtype=np.float32)
    values[0, 0] = 1
    path = tmp_path / "cube.tif"
    write_cube(path, Cube(values=values, wavelength_nm=RGB2HSI_NM))
    return path


def test_convert_keeps_values_and_wavelengths(cube_file, tmp_path):
    out = tmp_path / "cube.hdr"
    result = run_glmha("convert", cube_file, out, "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["bands"] == 31
    opened = spectral.open_image(str(out))
    np.testing.assert_array_equal(np.asarray(opened.load()), read_cube(cube_file).values)
    assert tuple(opened.bands.centers) == RGB2HSI_NM
    assert run_glmha("convert", cube_file, out).returncode == 73


def test_preview_is_what_the_observer_sees(cube_file, tmp_path):
    out = tmp_path / "preview.png"
    assert run_glmha("preview", cube_file, out).returncode == 0
    with Image.open(out) as image:
        shown = np.asarray(image)
    np.testing.assert_allclose(shown / 255, render(read_cube(cube_file).values), atol=1.01 / 255)
    assert shown[0, 0].tolist() == [255, 255, 255], "a white diffuser is white"


@pytest.mark.parametrize("grid", [RGB2HSI_NM, SCI_NM, tuple(range(380, 801, 5))])
def test_ones_are_white_on_any_grid(grid):
    np.testing.assert_allclose(np.ones((1, len(grid))) @ rendering_weights(grid), 1)


def test_preview_of_three_bands(cube_file, tmp_path):
    out = tmp_path / "bands.png"
    assert run_glmha("preview", cube_file, out, "--bands", "0,15,30").returncode == 0
    with Image.open(out) as image:
        assert image.size == (20, 12)
    wrong = run_glmha("preview", cube_file, tmp_path / "x.png", "--bands", "0,15,31")
    assert wrong.returncode == 2 and "0..30" in wrong.stderr


def test_a_photo_is_no_cube_and_the_verb_that_makes_one_is_named(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "in.png")
    result = run_here("preview", tmp_path / "in.png", tmp_path / "out.png")
    assert result.returncode == 2 and "glmha rgb2hsi" in result.stderr and ".mat 5" not in result.stderr


def test_preview_without_wavelengths_shows_three_bands_and_says_so(tmp_path):
    """A lab's cube, which often names none, is to be seen without options."""
    np.save(tmp_path / "a.npy", np.random.default_rng(0).random((3, 4, 5), np.float32))
    result = run_here("preview", tmp_path / "a.npy", tmp_path / "a.png")
    assert result.returncode == 0 and "note:" in result.stderr and "--bands 4,2,0" in result.stderr
    run_here("preview", tmp_path / "a.npy", tmp_path / "b.png", "--bands", "4,2,0")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_what_a_file_does_not_say_is_said_by_options(tmp_path):
    counts = np.random.default_rng(0).integers(0, 4096, (3, 4, 5)).astype(np.uint16)
    np.savez(tmp_path / "a.npz", one=counts, two=counts[::-1])
    assert "--key" in run_here("convert", tmp_path / "a.npz", tmp_path / "b.npy").stderr
    asked = ["--key", "two", "--axes", "bhw", "--scale", "12bit"]
    assert run_here("convert", tmp_path / "a.npz", tmp_path / "b.npy", *asked).returncode == 0
    np.testing.assert_allclose(np.load(tmp_path / "b.npy"), counts[::-1].transpose(1, 2, 0) / 4095, rtol=1e-6)
    assert run_here("spectrum", tmp_path / "a.npz", "--at", "0,0", *asked, "--csv").stdout.count("\n") == 4
    assert run_here("convert", tmp_path / "a.npz", tmp_path / "c.npy", "--axes", "xyz").returncode == 2


def test_gaps_are_black_in_a_preview_and_null_in_json(cube_file, tmp_path):
    cube = read_cube(cube_file)
    cube.values[2, 3] = np.nan
    write_cube(tmp_path / "gap.tif", cube)
    result = run_here("preview", tmp_path / "gap.tif", tmp_path / "gap.png")
    assert result.returncode == 0 and "1 pixels without data" in result.stderr
    with Image.open(tmp_path / "gap.png") as image:
        assert np.asarray(image)[2, 3].tolist() == [0, 0, 0]
    shown = json.loads(run_here("spectrum", tmp_path / "gap.tif", "--at", "3,2", "--json").stdout)
    assert shown["values"] == [None] * 31


def test_bad_bands_are_left_out_of_a_preview(cube_file, tmp_path):
    cube = read_cube(cube_file)
    good = tuple(i != 15 for i in range(31))
    spoilt = cube.values.copy()
    spoilt[..., 15] = 1e6
    for name, values in (("a", cube.values), ("b", spoilt)):
        marked = Cube(values=values, wavelength_nm=RGB2HSI_NM, good_bands=good)
        write_cube(tmp_path / f"{name}.tif", marked)
        run_here("preview", tmp_path / f"{name}.tif", tmp_path / f"{name}.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("wavelengths", [(550,), range(400, 581, 10), range(500, 701, 10), range(700, 1001, 10)])
def test_wavelengths_without_red_green_or_blue_show_no_colours(tmp_path, wavelengths):
    path = tmp_path / "a.npz"
    np.savez(path, cube=np.ones((3, 4, len(wavelengths)), np.float32), wavelength_nm=np.array(wavelengths, float))
    result = run_glmha("preview", path, tmp_path / "a.png")
    assert result.returncode == 65 and "do not cover" in result.stderr and "--bands" in result.stderr


def test_a_plot_does_not_replace_the_cube(cube_file):
    before = cube_file.read_bytes()
    result = run_here("spectrum", cube_file, "--at", "1,1", "--plot", cube_file, "--overwrite")
    assert result.returncode == 2 and "is an input" in result.stderr and cube_file.read_bytes() == before


def test_spectrum_as_csv_table_and_plot(cube_file, tmp_path):
    values = read_cube(cube_file).values
    result = run_glmha("spectrum", cube_file, "--at", "3,2", "--at", "0,0", "--csv", "--plot", tmp_path / "plot.png")
    assert result.returncode == 0, result.stderr
    header, *rows = csv.reader(result.stdout.splitlines())
    assert header == ["wavelength_nm", "3,2", "0,0"] and len(rows) == 31
    np.testing.assert_allclose([float(row[1]) for row in rows], values[2, 3])
    assert [float(row[0]) for row in rows] == list(RGB2HSI_NM)
    with Image.open(tmp_path / "plot.png") as plot:
        colours = np.asarray(plot.convert("RGB")).reshape(-1, 3)
    assert len(colours) > 300 * 300
    shown = np.round(255 * render(read_cube(cube_file).values[2:3, 3:4]))[0, 0]
    assert (np.abs(colours - shown).max(axis=1) <= 1).sum() > 100, "the curve has its pixel's colour"
    assert "1.0000" in run_glmha("spectrum", cube_file, "--at", "0,0").stdout
    assert "\r" not in run_here("spectrum", cube_file, "--at", "0,0", "--csv").stdout


@pytest.mark.parametrize(("name", "code", "begins"), [("a.pdf", 0, b"%PDF"), ("a.xyz", 2, b""), ("a", 2, b"")])
def test_a_plot_is_what_its_name_says(cube_file, tmp_path, name, code, begins):
    result = run_here("spectrum", cube_file, "--at", "1,1", "--plot", tmp_path / name)
    assert result.returncode == code and (tmp_path / name).exists() == (code == 0), result.stderr
    assert code or (tmp_path / name).read_bytes().startswith(begins)


def test_a_plot_without_wavelengths_is_by_number_of_band(tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).random((3, 4, 5), np.float32))
    result = run_here("spectrum", tmp_path / "a.npy", "--at", "1,1", "--plot", tmp_path / "a.png", "--csv")
    assert result.returncode == 0 and result.stdout.startswith('band,"1,1"'), result.stderr
    assert (tmp_path / "a.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("beforehand", "code", "message"),
    [
        ("import os; os.environ['MPLBACKEND'] = 'module://of_a_notebook'", 0, "plot: "),
        ("sys.modules['matplotlib'] = None", 2, "plotting needs the package matplotlib"),
    ],
)
def test_a_plot_where_its_library_is_missing_or_is_told_of_windows_that_are(
    cube_file, tmp_path, beforehand, code, message
):
    program = f"import sys; {beforehand}; from glmha_cli.cli.app import main; main()"
    arguments = ["spectrum", cube_file, "--at", "1,1", "--plot", tmp_path / "a.png"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], env=environment, capture_output=True, text=True
    )
    assert result.returncode == code and message in result.stderr, result.stderr
    assert "Traceback" not in result.stderr and (tmp_path / "a.png").exists() == (code == 0)


@pytest.mark.parametrize("bands", ["5,1,²", "5,1,-1", "5,1"])
def test_bands_that_are_none(cube_file, tmp_path, bands):
    result = run_here("preview", cube_file, tmp_path / "a.png", "--bands", bands)
    assert result.returncode == 2 and "--bands takes three" in result.stderr


@pytest.mark.parametrize("quantity", ["", "counts", "W $\\frac{1$ m", "in $ and \x1b[2J"])
def test_a_plot_of_a_cube_without_wavelengths_and_of_any_quantity(tmp_path, quantity):
    """A $ in what a file says of its values begins no formula."""
    pytest.importorskip("matplotlib")
    values = np.random.default_rng(0).random((6, 7, 5), np.float32)
    write_cube(tmp_path / "a.tif", Cube(values=values, wavelength_nm=(), tags={"units": quantity} if quantity else {}))
    result = run_here("spectrum", tmp_path / "a.tif", "--at", "1,1", "--plot", tmp_path / "a.png")
    assert result.returncode == 0 and Image.open(tmp_path / "a.png").size[0] > 300, result.stderr


@pytest.mark.parametrize("at", ["20,0", "0,12", "a,b", "1", "-1,0", "²,0"])
def test_a_pixel_that_is_not_there(cube_file, at):
    result = run_glmha("spectrum", cube_file, f"--at={at}")
    assert result.returncode == 2 and "--at" in result.stderr and "Traceback" not in result.stderr
