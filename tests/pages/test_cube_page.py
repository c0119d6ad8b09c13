"""The page of `glmha view`, as people use it, in a real browser."""

import csv
import io
import json
import time
import urllib.error
import urllib.request
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.cube import Cube, write_cube
from glmha_cli.io.cubes.overviews import reduced
from glmha_cli.pages.cubes import page_values, require_alike, spectra
from glmha_cli.pages.page import CUBES, rendered
from glmha_cli.pages.server import PageServer
from tests.cli.in_process import run_here
from tests.pages.test_browser import one, requests, until

selenium = pytest.importorskip("selenium")
from selenium.webdriver import ActionChains, Keys  # noqa: E402

NM = tuple(range(400, 701, 10))
H, W = 24, 40
HOSTILE = "</script><script>document.title='owned'</script>.npz"


def scene(shift: float = 0.0) -> Cube:
    """Smooth spectra that differ from pixel to pixel; the first pixel has no data."""
    y, x, nm = np.mgrid[:H, :W, : len(NM)]
    values = 0.5 + 0.3 * np.sin(x / 9 + nm / 12 + shift) * np.cos(y / 7) + shift / 20
    values[0, 0] = np.nan
    return Cube(values=values.astype(np.float32), wavelength_nm=NM)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Of one cube, and of a result beside its truth."""
    folder = tmp_path_factory.mktemp("view")
    write_cube(folder / "a.npz", scene(0.5))
    write_cube(folder / "truth.npz", scene())
    assert run_here("view", folder / "a.npz", "-o", folder / "one.html").returncode == 0
    assert run_here("view", folder / "a.npz", folder / "truth.npz", "-o", folder / "two.html").returncode == 0
    return folder


def open_page(browser, url, *, width=1200, height=1000, dark=False):
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.get("about:blank")
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(url)
    until(lambda: one(browser, "#viewer.ready"))


def look_at(browser, path, **window):
    open_page(browser, path.as_uri(), **window)


def pane(browser, number=0):
    return browser.find_elements("css selector", ".pane > canvas")[number]


def at(browser, x, y, number=0):
    """Where the middle of a pixel is, from the middle of its pane, as the driver counts."""
    size = pane(browser, number).size
    return round((x + 0.5) / W * size["width"] - size["width"] / 2), round(
        (y + 0.5) / H * size["height"] - size["height"] / 2
    )


def click(browser, x, y, number=0):
    ActionChains(browser).move_to_element_with_offset(
        pane(browser, number), *at(browser, x, y, number)
    ).click().perform()


def drag(browser, start, end, number=0, key=None):
    chain = ActionChains(browser)
    canvas = pane(browser, number)
    if key:
        chain.key_down(key)
    chain.move_to_element_with_offset(canvas, *at(browser, *start, number)).click_and_hold()
    chain.move_to_element_with_offset(canvas, *at(browser, *end, number)).release()
    if key:
        chain.key_up(key)
    chain.perform()


def areas(browser):
    return browser.execute_script(
        "return cubePage.areas.map(({x0, y0, x1, y1, spectra}) => ({x0, y0, x1, y1, spectra}))"
    )


def picture(browser, number=0):
    """The pixels of a pane's picture, as they are painted."""
    flat = browser.execute_script("const {rgba} = cubePage.panes[arguments[0]].paint(); return [...rgba]", number)
    return np.array(flat, np.uint8).reshape(H, W, 4)


def test_nothing_is_asked_for_and_nothing_goes_wrong(browser, pages):
    for name in ("one.html", "two.html"):
        look_at(browser, pages / name)
        click(browser, 5, 5)
        until(lambda: areas(browser))
        assert requests(browser) <= {(pages / name).as_uri()} and browser.get_log("browser") == []


def test_the_policy_lets_no_other_request_out(browser, pages):
    look_at(browser, pages / "one.html")
    browser.execute_script("fetch('http://127.0.0.1:9/x').catch(() => 0)")
    refused = until(lambda: [entry["message"] for entry in browser.get_log("browser")])
    assert all("Content Security Policy" in message for message in refused)


def test_hostile_names_are_text(browser, tmp_path):
    values = page_values([HOSTILE], [scene()])
    (tmp_path / "p.html").write_text("".join(rendered("cubes.html", values, assets=CUBES)))
    look_at(browser, tmp_path / "p.html")
    assert browser.title == HOSTILE and one(browser, "figcaption b").text == HOSTILE


def test_the_spectrum_of_a_pixel_is_that_of_the_cube(browser, pages):
    look_at(browser, pages / "one.html")
    click(browser, 7, 3)
    (area,) = until(lambda: areas(browser))
    assert [area[name] for name in ("x0", "y0", "x1", "y1")] == [7, 3, 8, 4]
    np.testing.assert_allclose(area["spectra"][0]["mean"], scene(0.5)[3, 7], atol=2e-5)
    assert "x 7, y 3" in one(browser, "#areas li").text


def test_a_region_has_mean_and_spread(browser, pages):
    look_at(browser, pages / "one.html")
    drag(browser, (10, 4), (19, 11))
    (area,) = until(lambda: areas(browser))
    assert [area[name] for name in ("x0", "y0", "x1", "y1")] == [10, 4, 20, 12]
    pixels = scene(0.5)[4:12, 10:20].reshape(-1, len(NM))
    np.testing.assert_allclose(area["spectra"][0]["mean"], pixels.mean(axis=0), atol=2e-5)
    np.testing.assert_allclose(area["spectra"][0]["spread"], pixels.std(axis=0), atol=2e-5)
    assert "10 x 8 px" in one(browser, "#areas li").text and "±" in one(browser, "#areas li").text


def test_pixels_without_data_are_left_out(browser, pages):
    look_at(browser, pages / "one.html")
    drag(browser, (0, 0), (2, 2))
    (area,) = until(lambda: areas(browser))
    pixels = scene(0.5)[:3, :3].reshape(-1, len(NM))
    np.testing.assert_allclose(area["spectra"][0]["mean"], np.nanmean(pixels, axis=0), atol=2e-5)
    click(browser, 0, 0)
    until(lambda: len(areas(browser)) == 2)
    assert set(areas(browser)[1]["spectra"][0]["mean"]) == {None} and browser.get_log("browser") == []


def test_the_observer_sees_what_preview_shows(browser, pages):
    look_at(browser, pages / "one.html")
    assert run_here("preview", pages / "a.npz", pages / "a.png", "--overwrite", "-q").returncode == 0
    expected = np.asarray(Image.open(pages / "a.png").convert("RGB")).astype(int)
    shown = picture(browser)
    assert shown[0, 0, 3] < 255, "no data is no colour"
    assert np.abs(shown[..., :3].astype(int) - expected).reshape(-1, 3)[1:].max() <= 1


def test_three_bands_and_one(browser, pages):
    look_at(browser, pages / "one.html")
    browser.execute_script(
        "arguments[0].value = 'bands'; arguments[0].dispatchEvent(new Event('change'))", one(browser, "[name=mode]")
    )
    assert one(browser, "#rgb-controls").is_displayed()
    browser.execute_script(
        "arguments[0].value = 30; arguments[0].dispatchEvent(new Event('change'))", one(browser, "[name=red]")
    )
    red = scene(0.5)[10, 20, 30]
    assert picture(browser)[10, 20, 0] == pytest.approx(255 * (1.055 * red ** (1 / 2.4) - 0.055), abs=1.5)
    browser.execute_script(
        "arguments[0].value = 12; arguments[0].dispatchEvent(new Event('input'))", one(browser, "[name=band]")
    )
    assert one(browser, "#band-name").text == "520 nm" and not one(browser, "#rgb-controls").is_displayed()
    band = scene(0.5)[..., 12]
    brightness = picture(browser)[..., 1].astype(float)
    inner = ~np.isnan(band)
    assert np.corrcoef(band[inner], brightness[inner])[0, 1] > 0.98


def test_bands_play_until_they_are_stopped(browser, pages):
    look_at(browser, pages / "one.html")
    button, band = one(browser, "[data-do=play]"), lambda: browser.execute_script("return cubePage.band")
    first = band()
    button.click()
    until(lambda: band() >= first + 2)
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    stopped = band()
    time.sleep(0.4)
    assert band() == stopped and button.get_attribute("aria-pressed") == "false"


@pytest.mark.parametrize("name", ["rmse", "angle", "correlation", "difference"])
def test_a_result_beside_the_truth(browser, pages, name):
    look_at(browser, pages / "two.html")
    one_cube, truth = (cube.values.astype(np.float64) for cube in (scene(0.5), scene()))
    centred = [values - values.mean(axis=2, keepdims=True) for values in (one_cube, truth)]
    norms = np.linalg.norm(one_cube, axis=2) * np.linalg.norm(truth, axis=2)
    expected = {
        "rmse": np.sqrt(((one_cube - truth) ** 2).mean(axis=2)),
        "angle": np.degrees(np.arccos((one_cube * truth).sum(axis=2) / norms)),
        "correlation": (centred[0] * centred[1]).sum(axis=2)
        / np.prod([np.linalg.norm(c, axis=2) for c in centred], axis=0),
        "difference": (one_cube - truth)[..., 15],
    }[name]
    found = browser.execute_script(
        "const values = differenceOf(arguments[0], cubePage.cubes[0], cubePage.cubes[1], 15);"
        "return [...values].map((value) => (Number.isFinite(value) ? value : null))",
        name,
    )
    found = np.array(found, float).reshape(H, W)
    assert np.isnan(found[0, 0])
    varied = truth.std(axis=2) > 0.05  # a flat spectrum correlates with nothing
    np.testing.assert_allclose(found[varied], expected[varied], atol=5e-3 if name == "angle" else 3e-4)
    browser.execute_script(
        "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))",
        one(browser, "[name=comparison]"),
        name,
    )
    titles = [each.text for each in browser.find_elements("css selector", "figcaption b")]
    assert titles[:2] == ["a.npz", "truth.npz"] and len(titles) == 3


def test_a_region_says_how_well_two_cubes_agree(browser, pages):
    look_at(browser, pages / "two.html")
    drag(browser, (10, 4), (19, 11), number=1)
    until(lambda: areas(browser))
    means = [cube[4:12, 10:20].reshape(-1, len(NM)).mean(axis=0) for cube in (scene(0.5), scene())]
    text = one(browser, "#areas li").text
    said = float(text.split("correlation ")[1].split(",")[0])
    assert (
        said == pytest.approx(np.corrcoef(*means)[0, 1], abs=6e-4)
        and "solid: a.npz, dashed: truth.npz" in one(browser, "#lines").text
    )


def test_zoom_is_linked_and_moves(browser, pages):
    look_at(browser, pages / "two.html")
    one(browser, "[data-do=in]").click()
    one(browser, "[data-do=in]").click()
    assert one(browser, "#zoom").text == "225 %"
    sight = lambda: browser.execute_script("return [cubePage.sight.x, cubePage.sight.y]")  # noqa: E731
    before = sight()
    drag(browser, (20, 12), (25, 12), key=Keys.SHIFT)
    assert sight()[0] < before[0] and areas(browser) == [], "moved, and no region taken"
    places = browser.execute_script("return cubePage.panes.map((pane) => pane.toCanvas(20, 12).map(Math.round))")
    assert all(np.abs(np.subtract(place, places[0])).max() <= 1 for place in places[1:])
    one(browser, "[data-do=fit]").click()
    assert one(browser, "#zoom").text == "100 %" and sight() == [W / 2, H / 2]


def test_it_works_by_keyboard(browser, pages):
    look_at(browser, pages / "one.html")
    band = lambda: browser.execute_script("return cubePage.band")  # noqa: E731
    first = band()
    ActionChains(browser).send_keys("]").send_keys("]").send_keys("[").perform()
    assert band() == first + 1 and browser.execute_script("return cubePage.mode") == "band"
    ActionChains(browser).send_keys("o").send_keys("+").perform()
    assert browser.execute_script("return cubePage.mode") == "observer" and one(browser, "#zoom").text == "150 %"
    ActionChains(browser).send_keys("0").perform()
    browser.execute_script("arguments[0].focus()", pane(browser))
    ActionChains(browser).send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_UP, Keys.ENTER).perform()
    (area,) = until(lambda: areas(browser))
    assert (area["x0"], area["y0"]) == (W // 2 + 2, H // 2 - 1)
    ActionChains(browser).send_keys(Keys.DELETE).perform()
    assert areas(browser) == [] and one(browser, "#no-areas").is_displayed()


def saved(folder, name):
    return until(lambda: (folder / name).read_bytes() if (folder / name).is_file() else b"")


def test_spectra_and_pictures_are_saved(browser, pages, tmp_path):
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    look_at(browser, pages / "two.html")
    click(browser, 7, 3)
    drag(browser, (10, 4), (19, 11))
    until(lambda: len(areas(browser)) == 2)
    one(browser, "[data-do=csv]").click()
    rows = list(csv.reader(io.StringIO(saved(tmp_path, "spectra.csv").decode())))
    assert rows[0][:2] == ["wavelength_nm", "1 (x 7, y 3) a.npz mean"] and len(rows[0]) == 1 + 2 * 2 * 2
    table = np.array(rows[1:], float)
    np.testing.assert_array_equal(table[:, 0], NM)
    np.testing.assert_allclose(table[:, 3], scene()[3, 7], atol=2e-5)
    one(browser, "[data-do=picture]").click()
    image = Image.open(io.BytesIO(saved(tmp_path, "cube.png")))
    assert image.width > 2 * image.height
    one(browser, "[data-do=plot]").click()
    assert Image.open(io.BytesIO(saved(tmp_path, "spectra.png"))).width > 300


@pytest.mark.parametrize("width", [360, 1600])
@pytest.mark.parametrize("name", ["one.html", "two.html"])
def test_no_width_needs_scrolling_sideways(browser, pages, name, width):
    look_at(browser, pages / name, width=width)
    click(browser, 5, 5)
    until(lambda: areas(browser))
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_every_control_has_a_name(browser, pages):
    look_at(browser, pages / "two.html", dark=True)
    click(browser, 5, 5)
    until(lambda: areas(browser))
    nameless = browser.execute_script(
        "const name = (each) => each.ariaLabel || each.labels?.length || each.textContent.trim();"
        "const controls = [...document.querySelectorAll('button, select, input, .pane > canvas')];"
        "return controls.filter((each) => !name(each)).map((each) => each.outerHTML)"
    )
    assert nameless == []


# Large cubes


def test_blocks_are_means_of_what_has_data():
    cube = np.arange(5 * 7 * 2, dtype=np.float32).reshape(5, 7, 2)
    cube[0, 0] = np.nan
    small = reduced(cube, 2)
    assert small.shape == (3, 4, 2)
    assert small[0, 0, 0] == np.nanmean(cube[:2, :2, 0]) and small[2, 3, 1] == cube[4, 6, 1]


@pytest.fixture
def served(monkeypatch):
    monkeypatch.setattr("glmha_cli.pages.cubes.PAGE_VALUES", H * W * len(NM) // 4)
    cube = scene()
    page = "".join(
        rendered("cubes.html", page_values(["a"], [cube], served=True), assets=CUBES._replace(connects=True))
    )
    answer = lambda query: spectra([cube], {name: int(text) for name, text in query.items()})  # noqa: E731
    with PageServer(page, {"spectra": answer}) as server:
        import threading

        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class Watched:
    """A cube that notes which rows are asked for."""

    def __init__(self, cube):
        self.cube, self.shape, self.facts, self.read = cube, cube.shape, cube.facts, []

    def rows(self, start, stop):
        self.read.append((start, stop))
        return self.cube.rows(start, stop)


def test_only_the_rows_of_an_area_are_read_and_some_at_a_time(monkeypatch):
    cube = Watched(scene(0.5))
    monkeypatch.setattr("glmha_cli.io.cubes.windows.BLOCK_BYTES", 4 * W * len(NM) * 3)
    ((one,), area) = spectra([cube], {"x0": 3, "x1": 8, "y0": 10, "y1": 17}), cube.cube[10:17, 3:8]
    assert cube.read == [(10, 13), (13, 16), (16, 17)]
    np.testing.assert_allclose(one["mean"], area.mean(axis=(0, 1)), rtol=1e-6)
    np.testing.assert_allclose(one["spread"], area.std(axis=(0, 1)), rtol=1e-5)
    gaps = Watched(scene())
    ((found,), pixels) = spectra([gaps], {"x0": 0, "x1": 2, "y0": 0, "y1": 5}), gaps.cube[0:5, 0:2]
    np.testing.assert_allclose(found["mean"], np.nanmean(pixels, axis=(0, 1)), rtol=1e-6)
    np.testing.assert_allclose(found["spread"], np.nanstd(pixels, axis=(0, 1)), rtol=1e-5)


def test_a_page_of_blocks_is_that_of_the_whole(monkeypatch):
    monkeypatch.setattr("glmha_cli.pages.cubes.PAGE_VALUES", H * W * len(NM) // 9)
    whole = page_values(["a"], [scene()])
    monkeypatch.setattr("glmha_cli.io.cubes.windows.BLOCK_BYTES", 4 * W * len(NM) * 5)
    cube = Watched(scene())
    assert page_values(["a"], [cube]) == whole and cube.read[:2] == [(0, 8), (8, 16)], "whole blocks of 4 x 4 pixels"


def test_a_cube_without_data_is_named():
    empty = Cube(values=np.full((4, 5, 31), np.nan, np.float32), wavelength_nm=NM)
    with pytest.raises(BadDataError, match="'a': holds no data"):
        page_values(["a"], [empty])


def test_a_served_page_has_the_spectra_of_all_pixels(browser, served):
    open_page(browser, served.url)
    assert browser.execute_script("return cubePage.facts.reduced") == 2
    canvas = pane(browser)
    ActionChains(browser).move_to_element(canvas).click().perform()
    (area,) = until(lambda: areas(browser))
    pixels = scene()[2 * area["y0"] : 2 * area["y1"], 2 * area["x0"] : 2 * area["x1"]].reshape(-1, len(NM))
    np.testing.assert_allclose(area["spectra"][0]["mean"], pixels.mean(axis=0), rtol=1e-6)
    assert area["spectra"][0]["spread"] != [0] * len(NM) and "2 x 2 px" in one(browser, "#areas li").text
    assert all(url.startswith(served.url) for url in requests(browser))


def test_the_server_answers_to_its_own_address_alone(served):
    def status(url, host=None):
        request = urllib.request.Request(url, headers={"Host": host} if host else {})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    assert served.server_address[0] == "127.0.0.1" and status(served.url) == 200
    root = served.url[: served.url.index("/", 8) + 1]
    assert status(root) == 404 and status(f"{root}spectra?x0=0&y0=0&x1=1&y1=1") == 404
    assert status(served.url, host="evil.example") == 404
    assert status(f"{served.url}spectra?x0=a&y0=0&x1=1&y1=1") == 400 and status(f"{served.url}other") == 404
    with urllib.request.urlopen(f"{served.url}spectra?x0=1&y0=1&x1=2&y1=2", timeout=10) as answer:
        np.testing.assert_allclose(json.load(answer)[0]["mean"], scene()[1, 1], rtol=1e-6)


# The verb


def test_view_refuses_what_cannot_be_compared(tmp_path):
    write_cube(tmp_path / "a.npz", scene())
    write_cube(tmp_path / "b.npz", Cube(values=np.ones((5, 6, 31), np.float32), wavelength_nm=NM))
    write_cube(tmp_path / "c.npz", Cube(values=scene().values, wavelength_nm=tuple(nm + 5 for nm in NM)))
    sizes = run_here("view", tmp_path / "a.npz", tmp_path / "b.npz", "-o", tmp_path / "x.html")
    assert sizes.returncode == 65 and "24 x 40 x 31" in sizes.stderr and "5 x 6 x 31" in sizes.stderr
    assert "wavelengths" in run_here("view", tmp_path / "a.npz", tmp_path / "c.npz", "-o", tmp_path / "x.html").stderr
    assert run_here("view", tmp_path / "a.npz", "-o", tmp_path / "x.png").returncode == 2
    assert run_here("view", *[tmp_path / "a.npz"] * 4).returncode == 2 and not (tmp_path / "x.html").exists()


def test_view_writes_a_page_of_the_cubes_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    write_cube(tmp_path / "data" / "scan.npz", scene())
    assert run_here("view", "data/scan.npz").returncode == 0 and (tmp_path / "scan.html").is_file()
    assert run_here("view", "data/scan.npz").returncode == 73


def test_wavelengths_are_alike_but_for_their_rounding():
    first, rounded = scene(), scene()
    rounded.facts = replace(rounded.facts, wavelength_nm=tuple(nm + 0.05 for nm in NM))
    require_alike(["a", "b"], [first, rounded])
    rounded.facts = replace(rounded.facts, wavelength_nm=tuple(nm + 1 for nm in NM))
    with pytest.raises(BadDataError, match="different wavelengths"):
        require_alike(["a", "b"], [first, rounded])
