"""Pages as people use them, in a real browser: by mouse, keyboard and finger, dark and light, small and large."""

import io
import json
import time

import numpy as np
import pytest
from PIL import Image

from tests.cli.in_process import run_here
from tests.pages.conftest import HOSTILE, write_report

selenium = pytest.importorskip("selenium")
from selenium.webdriver import ActionChains, Keys  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402


def look_at(browser, path, *, width=1100, height=900, dark=False):
    """The page, with a window of this size, and its first viewer ready."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.get("about:blank")
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(path.as_uri())
    if one(browser, ".viewer"):
        until(lambda: one(browser, ".viewer.ready"))


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)
    return value


def one(browser, selector):
    found = browser.find_elements(By.CSS_SELECTOR, selector)
    return found[0] if found else None


def line(browser):
    return float(browser.execute_script("return document.querySelector('.slider').value"))


def transforms(browser):
    """Of the pictures under the line, as the browser computes them."""
    return browser.execute_script(
        "return [...document.querySelectorAll('.viewer')[0].querySelectorAll('.side img')]"
        ".map((image) => getComputedStyle(image).transform)"
    )


def names(browser):
    return [
        item.find_element(By.TAG_NAME, "h2").text
        for item in browser.find_elements(By.CSS_SELECTOR, ".item")
        if item.is_displayed()
    ]


def choose(browser, control, value):
    browser.execute_script(
        "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'))",
        one(browser, control),
        value,
    )


def requests(browser):
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return {
        message["params"]["request"]["url"].partition(",")[0]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    }


def shown_pictures(browser):
    return browser.execute_script(
        "return [...document.querySelectorAll('.side img')].map((image) => image.complete && image.naturalWidth > 0)"
    )


@pytest.mark.parametrize("name", ["report.html", "report"])
def test_nothing_is_asked_for_beyond_the_page_and_nothing_goes_wrong(browser, tmp_path, name):
    path = write_report(tmp_path / name)
    look_at(browser, path)
    until(lambda: all(shown_pictures(browser)) and len(shown_pictures(browser)) >= 2)
    allowed = {path.as_uri(), "data:image/jpeg;base64"}
    allowed |= {each.as_uri() for each in (path.parent / "pictures").glob("*")}
    assert requests(browser) <= allowed
    assert browser.get_log("browser") == []


def test_the_policy_lets_no_other_script_or_request_in(browser, report):
    look_at(browser, report)
    browser.execute_script(
        "const script = document.createElement('script');"
        "script.textContent = 'document.title = \"owned\"'; document.body.append(script);"
        "document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.1:9/x.png' }))"
    )
    refused = until(lambda: [entry["message"] for entry in browser.get_log("browser")])
    assert all("Content Security Policy" in message for message in refused) and browser.title != "owned"


def test_a_hostile_name_is_text(browser, report):
    look_at(browser, report)
    shown = HOSTILE.replace("\u202e", "\\u202e")
    assert shown in names(browser) and browser.title == "derain: 4 files"
    assert browser.execute_script("return document.querySelectorAll('img[src=x], .reason b').length") == 0
    assert "no <b>end</b> - copy it" in one(browser, ".reason").text


def test_the_line_moves_by_mouse(browser, report):
    look_at(browser, report)
    slider = one(browser, ".slider")
    ActionChains(browser).move_to_element(slider).click_and_hold().move_by_offset(-200, 0).release().perform()
    expected = 50 - 100 * 200 / slider.size["width"]
    assert abs(line(browser) - expected) < 1 and slider.get_attribute("aria-valuenow") == str(round(line(browser)))


def test_the_line_moves_by_keyboard(browser, report):
    look_at(browser, report)
    browser.execute_script("document.querySelector('.slider').focus()")
    ActionChains(browser).key_down(Keys.ARROW_RIGHT).pause(0.3).key_up(Keys.ARROW_RIGHT).perform()
    assert line(browser) > 51
    ActionChains(browser).send_keys(Keys.HOME).perform()
    assert line(browser) == 0
    ActionChains(browser).send_keys(Keys.END).perform()
    assert line(browser) == 100


def test_the_line_moves_by_finger(browser, report):
    look_at(browser, report)
    box = browser.execute_script(
        "const box = document.querySelector('.slider').getBoundingClientRect();"
        "return [box.left, box.top, box.width, box.height]"
    )
    y = box[1] + box[3] / 2
    start, end = box[0] + 0.5 * box[2], box[0] + 0.8 * box[2]
    for kind, points in (
        ("touchStart", [{"x": start, "y": y}]),
        *(("touchMove", [{"x": start + (end - start) * k / 5, "y": y}]) for k in range(1, 6)),
        ("touchEnd", []),
    ):
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    until(lambda: abs(line(browser) - 80) < 2)


def test_zoom_and_pan_are_in_step(browser, report):
    look_at(browser, report)
    before = transforms(browser)
    assert len(before) == 2 and before[0] == before[1]
    one(browser, "[data-do=in]").click()
    enlarged = transforms(browser)
    assert enlarged[0] == enlarged[1] != before[0]
    slider, at = one(browser, ".slider"), line(browser)
    ActionChains(browser).move_to_element_with_offset(slider, -200, 90).click_and_hold().move_by_offset(
        60, 30
    ).release().perform()
    moved = transforms(browser)
    assert moved[0] == moved[1] != enlarged[0] and line(browser) == at, "the photo moves, the line stays"
    browser.execute_script("document.querySelector('.slider').focus()")
    ActionChains(browser).key_down(Keys.SHIFT).send_keys(Keys.ARROW_UP).key_up(Keys.SHIFT).perform()
    by_key = transforms(browser)
    assert by_key[0] == by_key[1] != moved[0] and line(browser) == at
    ActionChains(browser).send_keys("0").perform()
    assert transforms(browser) == before


def test_100_percent_shows_pixels_as_they_are_stored(browser, report):
    look_at(browser, report)
    assert one(browser, ".percent").text != "100 %"
    one(browser, "[data-do=full]").click()
    assert one(browser, ".percent").text == "100 %"
    assert one(browser, ".views [aria-pressed=true]").text == "Detail 1", "the photo is larger than what is kept of it"
    assert all(transform.startswith("matrix(1, 0, 0, 1,") for transform in transforms(browser))
    sizes = browser.execute_script(
        "return [...document.querySelectorAll('.side img')].slice(0, 2).map((i) => [i.naturalWidth, i.naturalHeight])"
    )
    assert sizes == [[560, 420], [560, 420]]


def test_the_difference_is_black_where_nothing_changed(browser, tmp_path):
    look_at(browser, write_report(tmp_path / "report.html", names=("a.png",), failed=()))
    one(browser, "[data-do=difference]").click()
    assert one(browser, "[data-do=difference]").get_attribute("aria-pressed") == "true"
    assert len(browser.find_elements(By.CSS_SELECTOR, ".difference img")) == 2
    shown = np.asarray(Image.open(io.BytesIO(one(browser, ".stage").screenshot_as_png)).convert("RGB"))
    inner = shown[20:-60, 20:-20]
    assert (inner.max(axis=2) < 40).mean() > 0.3 and inner.max() > 100, "streaks on black"
    one(browser, "[data-do=difference]").click()
    assert one(browser, ".difference") is not None and not one(browser, ".difference").is_displayed()


def test_finding_filtering_and_sorting(browser, report):
    look_at(browser, report)
    shown = HOSTILE.replace("\u202e", "\\u202e")
    assert names(browser) == ["rain 1.png", "rain 2.png", shown, "broken.png"]
    one(browser, "#find").send_keys("RAIN")
    assert names(browser) == ["rain 1.png", "rain 2.png"] and one(browser, "#count").text == "2 of 4 shown"
    one(browser, "#find").send_keys("fall")
    assert names(browser) == [] and one(browser, "#none").is_displayed()
    one(browser, "#reset").click()
    assert len(names(browser)) == 4 and not one(browser, "#none").is_displayed()
    choose(browser, "#show", "failed")
    assert names(browser) == ["broken.png"]
    choose(browser, "#show", "")
    choose(browser, "#sort", "name")
    assert names(browser) == [shown, "broken.png", "rain 1.png", "rain 2.png"]
    choose(browser, "#sort", "pixels")
    assert names(browser)[0] == "rain 1.png" and names(browser)[-1] == "broken.png"


def page_colour(browser):
    return browser.execute_script("return getComputedStyle(document.body).backgroundColor")


def test_dark_and_light_follow_the_system_and_the_button(browser, report):
    look_at(browser, report)
    light = page_colour(browser)
    look_at(browser, report, dark=True)
    dark = page_colour(browser)
    assert light != dark and one(browser, "#theme").get_attribute("aria-pressed") == "true"
    one(browser, "#theme").click()
    assert page_colour(browser) == light and one(browser, "#theme").get_attribute("aria-pressed") == "false"
    browser.execute_script("localStorage.clear()")


@pytest.mark.parametrize("width", [360, 1600])
def test_no_width_needs_scrolling_sideways(browser, report, width):
    look_at(browser, report, width=width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    stage = one(browser, ".stage")
    assert stage.size["width"] >= 0.85 * min(width, 1000)


def test_every_control_has_a_name_and_focus_shows(browser, report):
    look_at(browser, report)
    nameless = browser.execute_script(
        "const controls = document.querySelectorAll('button, select, input, [role=slider], [role=toolbar]');"
        "const name = (each) => each.ariaLabel || each.labels?.length || each.textContent.trim();"
        "return [...controls].filter((each) => !name(each)).map((each) => each.outerHTML)"
    )
    assert nameless == []
    for _ in range(3):
        ActionChains(browser).send_keys(Keys.TAB).perform()
    outline = browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_a_run_that_ended_early_says_so(browser, tmp_path):
    look_at(browser, write_report(tmp_path / "report.html", names=("a.png",), failed=(), total=9))
    assert one(browser, ".banner").text == "The run ended early: 8 of 9 files were not tried."


def test_a_run_without_files_has_a_page_too(browser, tmp_path):
    look_at(browser, write_report(tmp_path / "report.html", names=(), failed=(), total=3))
    assert one(browser, ".empty").is_displayed() and browser.get_log("browser") == []


def test_of_three_photos_any_two_are_compared(browser, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, colour in (("a.png", "red"), ("b.png", "lime"), ("truth.png", "blue")):
        Image.new("RGB", (80, 60), colour).save(name)
    assert run_here("compare", "a.png", "b.png", "truth.png", "-o", "c.html").returncode == 0
    look_at(browser, tmp_path / "c.html")
    shown = lambda: [one(browser, f".{side}").text for side in ("left", "right")]  # noqa: E731
    assert browser.title == "a.png · b.png · truth.png" and shown() == ["a.png", "b.png"]
    right = browser.find_elements(By.CSS_SELECTOR, ".sides select")[1]
    browser.execute_script("arguments[0].value = 2; arguments[0].dispatchEvent(new Event('change'))", right)
    assert shown() == ["a.png", "truth.png"]
    until(lambda: all(shown_pictures(browser)))
    stage = Image.open(io.BytesIO(one(browser, ".stage").screenshot_as_png)).convert("RGB")
    left, right = (stage.getpixel((round(share * stage.width), 40)) for share in (0.4, 0.6))
    assert left[0] > 200 > 60 > left[2] and right[2] > 200 > 60 > right[0]
    assert browser.get_log("browser") == []
