"""A report as people see it, in a real Chromium: quiet, legible, sortable, on every screen."""

import json
import shutil
from pathlib import Path

import pytest

from benchmark.record.query import Query
from benchmark.record.studies import recorded_study
from benchmark.report.files import write_report
from benchmark.report.gather import gather
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from tests.benchmark.reported import record_runs

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="Debian's chromium and chromium-driver are not installed"
)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
#: WCAG 2.2: of text (1.4.3) and of what a figure needs to be understood (1.4.11).
CONTRAST_OF_TEXT, CONTRAST_OF_DRAWINGS = 4.5, 3.0

CONTRASTS = """
const parse = (colour) => {
  const context = Object.assign(document.createElement('canvas'), {width: 1, height: 1})
    .getContext('2d', {willReadFrequently: true});
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data];
};
const luminance = (rgb) => rgb.slice(0, 3).map((v) => v / 255)
  .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const behind = (element) => {
  for (let each = element; each; each = each.parentElement) {
    const colour = parse(getComputedStyle(each).backgroundColor);
    if (colour[3] === 255) return colour;
  }
  return [255, 255, 255, 255];
};
const contrast = (a, b) => {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
};
const found = [];
"""
TEXTS = (
    CONTRASTS
    + """
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const seen = new Set();
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement, text = walker.currentNode.data.trim();
  if (!text || element.closest('script, svg') || seen.has(element)) continue;
  seen.add(element);
  const colour = parse(getComputedStyle(element).color);
  found.push([contrast(colour, behind(element)), element.className, text.slice(0, 40)]);
}
return found;
"""
)
GLYPHS = (
    CONTRASTS
    + """
for (const each of document.querySelectorAll('svg use')) {
  const {fill, stroke} = getComputedStyle(each);
  const inks = [fill, stroke].filter((colour) => colour !== 'none');
  if (each.closest('defs') || !inks.length) continue;
  const best = Math.max(...inks.map((colour) => contrast(parse(colour), behind(each))));
  found.push([best, each.closest('figure').id, inks.join(' ')]);
}
return found;
"""
)
FIGURES = """
return [...document.querySelectorAll('figure')].map((figure) => {
  const svg = figure.querySelector('svg'), box = svg.getBoundingClientRect();
  const drawn = [...svg.querySelectorAll('path, use')].filter((each) => {
    const own = each.getBoundingClientRect();
    return own.width + own.height > 0;
  });
  return {name: figure.id, width: box.width, height: box.height, drawn: drawn.length,
    label: svg.getAttribute('aria-label'), caption: figure.querySelector('figcaption').textContent};
});
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """The page of a study whose names attack."""
    folder = tmp_path_factory.mktemp("seen")
    path = record_runs(folder)
    query = Query(Connection(Store(str(folder / "mlruns"))))
    gathered = gather(recorded_study(query, str(path)), query)
    write_report(gathered, folder / "out", for_paper=False)
    return folder / "out" / "report.html"


@pytest.fixture(scope="module")
def browser(report, tmp_path_factory):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


def show(browser, report: Path, width: int = 1000, scheme: str = "light", media: str = "") -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    wanted = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": wanted})
    browser.get(report.as_uri())


def test_it_loads_without_a_word_in_the_console_or_on_the_network(browser, report):
    browser.get("about:blank")
    for log in ("browser", "performance"):
        browser.get_log(log)
    show(browser, report)
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"].endswith("BeSent")]
    assert asked
    assert all(url.startswith(("file:", "data:")) for url in asked), asked
    assert browser.execute_script("return document.title") == '<script>alert("study")</script>'


def test_tables_sort_by_mouse_and_by_keyboard(browser, report):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    show(browser, report)
    table = next(
        each
        for each in browser.find_elements(By.CSS_SELECTOR, "table.sortable")
        if "verdict" in each.text
    )
    headings = table.find_elements(By.CSS_SELECTOR, "thead th")
    names = [each.text.split(" \u2195")[0] for each in headings]
    place = next(i for i, name in enumerate(names) if name.startswith("difference"))
    button = headings[place].find_element(By.TAG_NAME, "button")

    def shown() -> list[float]:
        rows = table.find_elements(By.CSS_SELECTOR, "tbody tr")
        cells = [row.find_elements(By.CSS_SELECTOR, "th, td")[place].text for row in rows]
        return [float(cell.split()[0]) for cell in cells]

    before = shown()
    button.click()
    assert shown() == sorted(before)
    assert headings[place].get_attribute("aria-sort") == "ascending"
    button.send_keys(Keys.ENTER)
    assert shown() == sorted(before, reverse=True)
    assert headings[place].get_attribute("aria-sort") == "descending"
    assert [each.get_attribute("aria-sort") for each in headings].count("none") == len(names) - 1


@pytest.mark.parametrize("width", [390, 1000])
def test_every_figure_is_visible_and_nothing_hangs_over_the_edge(browser, report, width):
    show(browser, report, width)
    figures = browser.execute_script(FIGURES)
    kinds = {each["name"].removeprefix("figure-").split(".")[0] for each in figures}
    assert kinds >= {"forest", "estimation", "slopes", "interaction", "curves"}
    assert kinds >= {"reliability", "cost", "ranks", "profiles"}
    for each in figures:
        assert each["width"] > 250, each
        assert each["height"] > 60, each
        assert each["drawn"] > 5, each
        assert each["label"] == each["caption"]
    page = "return [document.documentElement.scrollWidth, innerWidth]"
    across, window = browser.execute_script(page)
    assert across <= window == width


@pytest.mark.sampled(test=2)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_colour_schemes_can_be_read(browser, report, scheme):
    show(browser, report, scheme=scheme)
    paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
    for script, least in ((TEXTS, CONTRAST_OF_TEXT), (GLYPHS, CONTRAST_OF_DRAWINGS)):
        found = browser.execute_script(script)
        assert len(found) > 100
        assert [each for each in found if each[0] < least] == []


def test_it_prints_in_ink_on_paper_from_a_dark_screen(browser, report):
    show(browser, report, scheme="dark", media="print")
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
    printed = browser.execute_cdp_cmd("Page.printToPDF", {})["data"]
    assert len(printed) > 50_000
