"""Lights by name against colour-science, and what the right one is worth for reflectances that rgb2hsi has not seen."""

import colour
import numpy as np
import pytest

from benchmarks.illuminants import errors, samples
from glmha_cli import load
from glmha_cli.errors import BadDataError, NoInputError, UsageError
from glmha_cli.io.spectrum_file import read_spectrum
from glmha_cli.physics import illuminants
from glmha_cli.physics.colour import D65, project_onto_photo, render
from glmha_cli.physics.illuminants import light_of, measured, power_of
from glmha_cli.tasks.lights import named_light, named_power

SHAPE = colour.SpectralShape(400, 700, 5)


@pytest.mark.parametrize("name", ["D50", "D55", "D75", "A", *(f"F{i}" for i in range(1, 13))])
def test_lights_are_those_of_the_cie(name):
    theirs = colour.SDS_ILLUMINANTS[name.replace("F", "FL")].copy().align(SHAPE).values
    np.testing.assert_allclose(power_of(name) / power_of(name)[32], theirs / theirs[32], atol=2e-4)


def test_the_table_of_the_observer():
    theirs = colour.MSDS_CMFS["CIE 1931 2 Degree Standard Observer"].copy().align(SHAPE).values
    np.testing.assert_allclose(illuminants._OBSERVER, theirs, atol=1e-7)


def test_d65_by_the_formula_is_that_of_the_table():
    by_formula = light_of(tuple(power_of("D65").tolist()))
    np.testing.assert_allclose(by_formula.to_rgb, D65.to_rgb, atol=0.004)
    assert named_light("d65") is D65


@pytest.mark.parametrize("name", ["D50", "A", "F2", "F11"])
def test_white_is_white_in_any_light_and_photos_come_back(name):
    light, rng = named_light(name), np.random.default_rng(0)
    np.testing.assert_allclose(render(np.ones((1, 1, 31)), light), 1, atol=1e-12)
    photo = 0.2 + 0.6 * rng.random((40, 40, 3))
    photo = photo.mean(axis=2, keepdims=True) + 0.6 * (photo - photo.mean(axis=2, keepdims=True))
    cube = project_onto_photo(rng.random((40, 40, 31)), photo, light)
    assert cube.min() >= 0 and cube.max() <= 1
    np.testing.assert_allclose(render(cube, light), photo, atol=1 / 512)


@pytest.mark.parametrize("name", ["A", "F2"])
def test_the_right_light_gives_better_spectra(name):
    """Of the samples of the CIE and others that rgb2hsi has not learnt: by its spectra, and by its colours in D65."""
    model, truth = load("rgb2hsi"), samples()
    (error, difference), (right, right_difference) = (errors(model, truth, name, told) for told in ("D65", name))
    assert right < 0.9 * error, (right, error)
    assert right_difference < 0.5 * difference, (right_difference, difference)


def test_a_measured_light_is_what_it_measures(tmp_path):
    nm = np.arange(380, 781)
    planck = (560 / nm) ** 5 * np.expm1(1.435e7 / (2848 * 560)) / np.expm1(1.435e7 / (2848 * nm))
    lines = "\n".join(f"{wavelength};{value}" for wavelength, value in zip(nm, planck, strict=True))
    (tmp_path / "lamp.csv").write_text(f"\ufeffwavelength;power\n{lines}\n", encoding="utf-8")
    np.testing.assert_allclose(named_light(str(tmp_path / "lamp.csv")).to_rgb, named_light("A").to_rgb, atol=5e-4)


TABLES = {
    "decimal commas behind semicolons": ("{nm};{power}", ",", "utf-8"),
    "decimal commas in both, behind tabs": ("{nm},0\t{power}\t1,5", ",", "cp1252"),
    "decimal commas behind spaces": ("  {nm},00   {power}", ",", "utf-16"),
    "commas and spaces": ("{nm}, {power}, 0.5", ".", "utf-8"),
    "commas": ("{nm},{power}", ".", "cp1252"),
    "whole numbers behind commas": ("{nm},{power} W", ".", "utf-8"),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_as_instruments_of_many_countries_write_them(tmp_path, name):
    line, mark, encoding = TABLES[name]
    nm, power = np.arange(380, 781, 5), np.linspace(0.25, 40.5, 81).round(3)
    pairs = zip(nm, power, strict=True)
    lines = [line.format(nm=each, power=f"{value:.3f}".replace(".", mark)) for each, value in pairs]
    text = "\r\n".join(["Wellenlänge [nm] Leistung [µW/cm²]", *lines])
    (tmp_path / "lamp.txt").write_bytes(text.encode(encoding))
    for found, expected in zip(read_spectrum(tmp_path / "lamp.txt"), (nm, power), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_line_counts_wherever_it_lies():
    nm, power = np.arange(390, 711.0), np.zeros(321)
    power[nm == 437] = 1
    assert measured(nm, power).sum() * 5 == pytest.approx(1)


@pytest.mark.parametrize("name", ["", "D", "D20", "D999", "F0", "F13", "B", "white"])
def test_no_such_light(name):
    with pytest.raises(UsageError, match="no light|no daylight"):
        named_power(name)


BROKEN = {
    "empty": ("", "lines of two numbers"),
    "one column": ("\n".join(map(str, range(400, 700, 5))), "lines of two numbers"),
    "twice": ("400,1\n" * 30, "twice"),
    "negative": ("\n".join(f"{nm},-1" for nm in range(400, 701, 5)), "none"),
    "infinite": ("\n".join(f"{nm},inf" for nm in range(400, 701, 5)), "none"),
    "gap": ("\n".join(f"{nm},1" for nm in range(450, 701, 5)), "covers 450 to 700"),
    "dark": ("\n".join(f"{nm},{int(nm > 640)}" for nm in range(400, 701, 5)), "no power where the eye sees"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_table_is_named(tmp_path, name):
    text, match = BROKEN[name]
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(BadDataError, match=match) as caught:
        named_light(str(tmp_path / "x.csv"))
    assert "x.csv" in caught.value.message
    with pytest.raises(NoInputError):
        named_power(str(tmp_path / "y.csv"))
