"""The report as a reader sees it: opened in a browser, page by page."""

import os
import shutil
import subprocess
import sys
import time

import pytest
import yaml
from scratch import ROOT, Scratch, with_figures

from ewc_lambda.config.study_config import resolve

pytestmark = pytest.mark.workflow

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_chromium = pytest.mark.skipif(
    not (CHROMIUM and DRIVER),
    reason="REPORT NOT LOOKED AT: no chromium and chromedriver (apt-get install chromium "
    "chromium-driver)",
)
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1300,900",
)
FIGURES = {
    "measure_over_lambda": "Measure over lambda",
    "accuracy_over_lambda": "Accuracy and forgetting over lambda",
    "regret": "What a lambda costs on a new network",
    "bracket": "Bracket over rounds.",
    "curves": "Loss and accuracy over epochs",
    "importance": "Importance measures compared",
}
CATEGORIES = {
    "1 Answer": "answer in words",
    "2 Figures": "bracket over rounds",
    "3 Tables": "what the columns mean",
    "4 Config and provenance": "provenance",
}
EXPLORE = "a page to explore"
RULES = {
    *("prepare_data", "create_base_model", "train_first_task", "train_step", "train_reference"),
    *("make_grid", "decide_round", "collect_search", "evaluate_test", "collect_study"),
    *(f"draw_{name}" for name in FIGURES),
    "make_tables",
}


@pytest.fixture(scope="module")
def report(finished):
    """The report of the finished study."""
    done = finished.run("--report", "report.html")
    assert done.status == 0, done.text
    assert "ERROR/" not in done.text
    assert "WARNING/" not in done.text
    return finished.folder / "report.html"


@pytest.fixture(scope="module")
def browser(report, tmp_path_factory):
    """The report in Chromium, as it opens."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(params=[1400, 390])
def page(browser, report, request):
    """The first page, rendered on a desktop and on a phone."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": request.param, "height": 844, "deviceScaleFactor": 1, "mobile": True},
    )
    browser.get(report.as_uri())
    wait(browser, lambda: browser.find_elements("css selector", "h1.title"))
    return browser


def wait(browser, ready, seconds=30):
    """What ``ready`` finds, once it finds something."""
    ends = time.monotonic() + seconds
    while not (found := ready()):
        assert time.monotonic() < ends, browser.find_element("tag name", "body").text
        time.sleep(0.05)
    return found


def click(browser, text):
    """Click the link of this text in the menu."""
    links = [e for e in browser.find_elements("css selector", "nav a") if e.text.strip() == text]
    browser.execute_script("arguments[0].click()", links[0])


def texts(browser, selector):
    return [e.text for e in browser.find_elements("css selector", selector)]


@needs_chromium
def test_the_answer_comes_first_and_can_be_seen(page):
    shown = page.find_element("css selector", ".prose")
    lines = [line for line in shown.text.splitlines() if line]
    assert lines[0] == "small: the answer"
    # Two replicates decide nothing, and the report says so before anything else.
    assert lines[1] == "fisher: the data do not decide which lambda is best."
    words = shown.text
    for word in ("best lambda", "95% interval", "resolved", "gain"):
        assert words.index(word) < words.index("Measure over lambda:")
    title = page.find_element("css selector", "h1.title")
    top = page.execute_script("return arguments[0].getBoundingClientRect().top", title)
    assert 0 <= top < 400, "the answer is below the first screen"


@needs_chromium
def test_every_figure_stands_with_its_caption_on_the_first_page(page):
    for name, caption in FIGURES.items():
        figure = page.find_element("id", name)
        drawing = figure.find_element("tag name", "svg")
        # On a desktop not a third of the width, on a phone all of it.
        least = 650 if width(page) > 1000 else 320
        assert drawing.size["width"] >= least
        assert drawing.size["height"] > 50
        assert figure.find_element("tag name", "figcaption").text.startswith(caption)
    # Matplotlib leaves the words of a legend as comments beside their outlines.
    drawn = page.find_element("id", "measure_over_lambda").get_attribute("innerHTML")
    assert "<!-- best λ, not resolved -->" in drawn
    assert "<!-- best λ, resolved -->" not in drawn


@needs_chromium
def test_each_figure_and_table_has_a_page_with_its_caption(page):
    paths = page.execute_script("return Object.keys(results)")
    names = {path.rsplit("/", 1)[1] for path in paths}
    assert {f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")} <= names
    for path in paths:
        page.execute_script("app.showResultInfo(arguments[0])", path)
        nav = page.find_element("tag name", "nav")
        wait(page, lambda nav=nav, path=path: path in nav.text)
        wait(page, lambda nav=nav: "DESCRIPTION" in nav.text)
        caption = nav.find_element("css selector", ".prose").text
        assert len(caption) > 40, path
        stem = path.rsplit("/", 1)[1].rsplit(".", 1)[0]
        if path.endswith((".png", ".svg")):
            assert caption.startswith(FIGURES[stem])


@needs_chromium
def test_a_picture_opens(page):
    path = page.execute_script(
        "return Object.keys(results).find(p => p.endsWith('measure_over_lambda.png'))"
    )
    page.execute_script(
        "app.setView({content: 'img', contentPath: results[arguments[0]].data_uri})", path
    )
    picture = wait(page, lambda: page.find_elements("css selector", "img[src^='data:image/png']"))
    assert wait(page, lambda: int(picture[0].get_attribute("naturalWidth"))) > 1000


@needs_chromium
def test_config_and_provenance_are_there(page, finished):
    blocks = {
        title: page.find_element("xpath", f"//h1[.='{title}']/following::pre[1]").text
        for title in ("Config", "Provenance")
    }
    given = yaml.safe_load((finished.folder / "config/config.yaml").read_text())
    shown = yaml.safe_load(blocks["Config"])
    assert {key: shown[key] for key in given} == given
    origin = yaml.safe_load(blocks["Provenance"])
    assert len(origin["study_file_sha256"]) == len(origin["code_sha256"]) == 64
    assert origin["versions"]["torch"].startswith("2.")


@needs_chromium
def test_run_times_of_every_rule_are_drawn(page):
    click(page, "Statistics")
    drawn = wait(
        page, lambda: page.find_elements("css selector", "#runtimes canvas, #runtimes svg")
    )
    assert drawn[0].size["height"] > 100
    values = page.execute_script("return runtimes_spec.data.values")
    assert {value["rule"] for value in values} - {"all"} == RULES
    assert all(value["runtime"] > 0 for value in values)


def width(browser):
    return browser.execute_script("return innerWidth")


def console(browser):
    return [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def check_width(browser):
    """Nothing is cut at the right: what is wide scrolls in a frame of its own."""
    reach = browser.execute_script("return document.documentElement.scrollWidth")
    assert reach <= width(browser)
    cut = browser.execute_script(
        "return [...document.querySelectorAll('.prose p, .prose pre, figcaption, figure svg')]"
        ".filter(each => each.getBoundingClientRect().right > innerWidth + 1)"
        ".map(each => each.textContent.slice(0, 60))"
    )
    assert cut == []


@needs_chromium
def test_every_link_of_the_menu_works_and_the_console_has_no_error(page):
    names = [text for text in texts(page, "nav li a") if text.strip()]
    assert {"Workflow", "Statistics", "About", "2 Figures", "3 Tables"} <= set(names)
    for name in names:
        click(page, name)
        time.sleep(0.3)
        check_width(page)
        assert console(page) == [], name
        page.execute_script("app.setView({navbarMode: 'menu'})")
        wait(page, lambda: "Statistics" in texts(page, "nav li a"))


@needs_chromium
def test_every_link_of_the_first_page_works(page):
    names = texts(page, "#beside a")
    assert names == [*CATEGORIES, "Workflow", "Statistics", EXPLORE]
    for number, name in enumerate(names):
        page.execute_script("app.setView({content: 'rulegraph'})")
        link = wait(page, lambda: page.find_elements("css selector", "#beside a"))[number]
        page.execute_script("arguments[0].click()", link)
        wait(page, lambda name=name: arrived(page, name))
        assert console(page) == [], name
        check_width(page)


def arrived(page, name):
    """Whether a link of the first page has led where it says."""
    if name in CATEGORIES:
        # Not the list of the category before.
        return CATEGORIES[name] in page.find_element("tag name", "nav").text
    if name == "Statistics":
        return page.find_elements("css selector", "#runtimes canvas, #runtimes svg")
    if name == "Workflow":
        graph = page.find_element("id", "rulegraph")
        return page.execute_script("return arguments[0].getBoundingClientRect().top", graph) < 500
    frames = page.find_elements("tag name", "iframe")
    if not frames:
        return False
    page.switch_to.frame(frames[0])
    drawn = page.execute_script("return window.Bokeh?.documents.length")
    page.switch_to.default_content()
    return drawn


@needs_chromium
def test_the_menu_leaves_the_page_its_room(page):
    menu = page.find_element("tag name", "nav").rect
    share = menu["width"] if width(page) > 1000 else menu["height"] / 844 * width(page)
    assert share < 0.35 * width(page)
    check_width(page)


@needs_chromium
def test_the_page_to_explore_shows_the_trials_that_are_picked(browser, finished):
    browser.get((finished.study / "tables/explore.html").as_uri())
    wait(browser, lambda: browser.execute_script("return window.Bokeh?.documents.length"))
    models = "const models = [...Bokeh.documents[0]._all_models.values()];"
    pick = (
        f"{models} models.filter(each => each.type == 'CheckboxButtonGroup')"
        ".forEach(each => each.active = arguments[0])"
    )
    seen = (
        f"{models} return models.filter(each => each.type == 'ColumnDataSource' && "
        "each.data.replicate).map(each => Array.from(each.data.y).filter(v => !isNaN(v)).length)"
    )
    # What follows from a button follows a moment later.
    browser.execute_script(pick, [])
    wait(browser, lambda: set(browser.execute_script(seen)) == {0})
    browser.execute_script(pick, [0])
    wait(browser, lambda: min(browser.execute_script(seen)) > 0)
    asked = "return performance.getEntriesByType('resource').map(each => each.name)"
    assert [name for name in browser.execute_script(asked) if name.startswith("http")] == []
    assert console(browser) == []


def test_a_report_is_called_after_its_study_and_leaves_out_an_empty_comparison(tmp_path, finished):
    one = finished.copy(tmp_path / "project")
    other = {"study": "alone", "importance": ["fisher"]}
    done = one.run("--config", *(f"{key}={value}" for key, value in other.items()))
    assert done.status == 0, done.text
    call = [sys.executable, "-m", "ewc_lambda", "report", "alone"]
    said = subprocess.run(call, cwd=one.folder, env={**os.environ, **one.environment})
    assert said.returncode == 0
    page = (one.folder / "alone_report.html").read_text()
    for name in FIGURES:
        assert (f'id=\\"{name}\\"' in page) == (name != "importance"), name


def test_a_study_that_other_code_made_is_reported_from_its_file_alone(tmp_path, finished):
    """Who has pulled asks for a page, not for a week of training, and is not refused it."""
    old = finished.copy(tmp_path / "project")
    script = old.folder / "workflow/scripts/train_steps.py"
    script.write_text(script.read_text().replace("def main(", "CHANGED = True\n\n\ndef main(", 1))
    before = {path: path.stat().st_mtime_ns for path in old.study.rglob("*")}
    call = [sys.executable, "-m", "ewc_lambda", "report", "small"]
    environment = {**os.environ, **old.environment}
    said = subprocess.run(call, cwd=old.folder, env=environment, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert "small/study.h5 alone, and nothing is trained: made by other code" in said.stdout
    assert "small: the answer" in (old.folder / "small_report.html").read_text()
    assert {path: path.stat().st_mtime_ns for path in old.study.rglob("*")} == before


def test_the_config_in_the_report_is_one_that_runs(finished):
    stored = yaml.safe_load((finished.study / "tables/config.yaml").read_text())
    given = resolve(yaml.safe_load((finished.folder / "config/config.yaml").read_text()))
    assert resolve(stored) == given


def test_a_report_before_there_are_results_says_what_makes_them(tmp_path):
    scratch = with_figures(Scratch.create(tmp_path / "project"))
    done = scratch.run("--report", "report.html")
    assert done.status != 0
    assert "results/small/study.h5 is missing" in done.text
    assert "make report" in done.text
    assert "Traceback" not in done.text
    assert (ROOT / "Makefile").read_text().count("\nreport:") == 1
