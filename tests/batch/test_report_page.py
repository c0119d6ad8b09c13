"""`--report` as the command line takes it."""

import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glmha_cli.batch import Reporter
from glmha_cli.batch.report import Reporters
from tests.cli.in_process import run_here
from tests.conftest import ROOT
from tests.signalled import run_signalled


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """Two photos and a broken one in in/."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for i, name in enumerate(["a.png", "b.jpg"]):
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (40, 60, 3), np.uint8)).save(f"in/{name}")
    Path("in/c.png").write_bytes(Path("in/a.png").read_bytes()[:90])
    return tmp_path


@pytest.fixture
def derain(tiny_model):
    return lambda *arguments: run_here("derain", *arguments, "--model", tiny_model)


def rows(page="r.html") -> dict[str, str]:
    return dict(re.findall(r'data-name="([^"]*)" data-status="(\w*)"', Path(page).read_text(encoding="utf-8")))


def test_a_report_has_every_file_and_why_one_failed(here, derain):
    result = derain("in", "out", "--report", "r.html", "--strength", 0.5)
    assert result.returncode == 1 and "report: r.html" in result.stderr
    assert rows() == {"a.png": "done", "b.jpg": "done", "c.png": "failed"}
    page = Path("r.html").read_text(encoding="utf-8")
    assert "in/c.png" in page and "truncated" in page and "strength" in page
    assert page.count("data:image/jpeg;base64,") == 4


def test_a_folder_has_its_pictures_beside_it(here, derain):
    assert derain("in", "out", "--report", "look").returncode == 1
    assert len(list(Path("look/pictures").iterdir())) == 4 and "data:image" not in Path("look/index.html").read_text()
    assert set(re.findall(r'src="([^"]*)"', Path("look/index.html").read_text())) == {
        f"pictures/{number:06}.jpg" for number in range(1, 5)
    }


@pytest.mark.parametrize("report", ["r.html", "look"])
def test_a_report_that_is_there_is_not_replaced(here, derain, report):
    assert derain("in/a.png", "a.png", "--report", report).returncode == 0
    assert derain("in/b.jpg", "b.jpg", "--report", report).returncode == 73 and not Path("b.jpg").exists()
    assert derain("in/b.jpg", "b.jpg", "--report", report, "--overwrite").returncode == 0
    assert rows(report if report.endswith("html") else f"{report}/index.html") == {"b.jpg": "done"}


def test_a_report_keeps_out_of_a_folder_of_pictures_that_is_no_reports(here, derain):
    Path("data/pictures").mkdir(parents=True)
    photo = Path("in/a.png").read_bytes()
    Path("data/pictures/000001.png").write_bytes(photo)
    Path("data/pictures/000001.jpg").write_bytes(Path("in/b.jpg").read_bytes())
    for more in ((), ("--overwrite",)):
        result = derain("data/pictures", "out", "--keep-ext", "--report", "data", *more)
        assert result.returncode == 73 and "'data/pictures' exists already" in result.stderr
    Path("data/index.html").write_text("<html>not of a report</html>")
    assert derain("data/pictures", "out", "--report", "data", "--overwrite").returncode == 73
    assert Path("data/pictures/000001.jpg").read_bytes() == Path("in/b.jpg").read_bytes() and not Path("out").exists()


def test_a_report_that_was_cut_off_can_be_written_again(here, derain, monkeypatch):
    with monkeypatch.context() as patch:  # as a kill before the page is written leaves it
        patch.setattr("glmha_cli.batch.report_page.write_page", lambda *_, **__: None)
        derain("in/a.png", "a.png", "--report", "look")
    assert Path("look/pictures/000001.jpg").exists() and "not come to its end" in Path("look/index.html").read_text()
    assert derain("in/b.jpg", "b.jpg", "--report", "look").returncode == 73
    assert derain("in/b.jpg", "b.jpg", "--report", "look", "--overwrite").returncode == 0
    assert rows("look/index.html") == {"b.jpg": "done"}


def test_a_single_failure_has_a_report_too(here, derain):
    assert derain("in/c.png", "c.png", "--report", "r.html").returncode == 65
    assert rows() == {"c.png": "failed"}


def test_a_dry_run_and_a_refused_one_write_none(here, derain):
    assert derain("in", "out", "--report", "r.html", "--dry-run").returncode == 0
    assert derain("in", "in", "--report", "r.html").returncode == 2
    assert derain("in", "out", "--report", "no/r.html").returncode == 73
    assert not Path("r.html").exists() and not Path("out").exists()


def test_a_resumed_run_shows_what_was_skipped(here, derain):
    derain("in", "out", "--record", "run.jsonl")
    derain("in", "out", "--record", "run.jsonl", "--resume", "--report", "r.html")
    assert rows() == {"a.png": "skipped", "b.jpg": "skipped", "c.png": "failed"}


def test_a_cube_is_shown_by_its_colours(here):
    result = run_here("rgb2hsi", ROOT / "examples/rgb2hsi/photo.png", "cube.tif", "--report", "r.html")
    assert result.returncode == 0, result.stderr
    assert rows() == {"photo.png": "done"} and Path("r.html").read_text().count("data:image/jpeg") == 2


def test_a_measurement_is_shown_beside_its_cube(here):
    sci = ROOT / "examples/sci"
    result = run_here("sci", sci / "measurement.mat", "cube.tif", "--mask", sci / "mask.mat", "--report", "r.html")
    assert result.returncode == 0, result.stderr
    assert rows() == {"measurement.mat": "done"} and Path("r.html").read_text().count("data:image/jpeg") == 2


def test_an_interrupted_run_has_a_report(here, tiny_model):
    for i in range(40):
        Image.new("RGB", (30, 20)).save(f"in/{i:02}.png")
    done = run_signalled(signal.SIGTERM, 4, "derain", "in", "out", "--model", tiny_model, "--report", "r.html")
    assert done.returncode == 143 and "report: r.html" in done.stderr, done.stderr
    shown = [name for name, status in rows().items() if status == "done"]
    assert sorted(shown) == sorted(os.listdir("out")) and "The run ended early" in Path("r.html").read_text()


def test_all_reporters_are_told_all():
    told = []

    class Told(Reporter):
        def note(self, text):
            told.append(text)

    Reporters(Told(), Reporter(), Told()).note("a")
    assert told == ["a", "a"]
