"""A real browser, and pages to look at in it."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glmha_cli.batch.jobs import Job
from glmha_cli.batch.report import Outcome, Summary
from glmha_cli.batch.report_page import ReportPage
from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.read import Photo
from tests.conftest import ROOT

HOSTILE = "<img src=x onerror=\"document.title='owned'\">&'\u202egnp.png"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars"
)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Headless Chromium, which logs what it asks for and what goes wrong."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("needs a browser: apt-get install chromium chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in [*FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


def photo_of(name: str, size: tuple[int, int] | None = None) -> Photo:
    with Image.open(ROOT / "examples" / name) as image:
        image = image.convert("RGB")
        return Photo(colours=np.asarray(image.resize(size, Image.Resampling.BICUBIC) if size else image), bit_depth=8)


def write_report(
    path: Path, *, names=("rain 1.png", "rain 2.png", HOSTILE), failed=("broken.png",), total=None
) -> Path:
    """A report of photos as large as the example, but the first, which is enlarged, and of failures."""
    page = ReportPage(path, settings={"task": "derain", "scale": "auto"}, overwrite=True, say=lambda text: None)
    page.started(Summary(task="derain", total=total or len(names) + len(failed), single=False, dry_run=False))
    for i, name in enumerate((*names, *failed)):
        job = Job(Path("in") / name, Path("out") / name, Path(name))
        if name in failed:
            page.summary.add(
                outcome := Outcome(job=job, status="failed", error=BadDataError("no <b>end</b>", "copy it"))
            )
        else:
            pair = [photo_of(f"derain/{side}.png", None if i else (1500, 1000)) for side in ("rainy", "clean")]
            page.restored(job, *pair)
            height, width = pair[0].colours.shape[:2]
            outcome = Outcome(job=job, status="ok", seconds=3.0 - i, details={"height": height, "width": width})
            page.summary.add(outcome)
        page.settled(outcome)
    page.finished()
    return page.path


@pytest.fixture(scope="session")
def report(tmp_path_factory) -> Path:
    return write_report(tmp_path_factory.mktemp("report") / "report.html")
