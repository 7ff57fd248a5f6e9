"""The report in a real browser: filters, keyboard, panel of origins, no errors, no requests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser
from made_results import SETS, make_results

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
_READY = "document.querySelector('#browser')?.dataset.ready === 'yes'"
_FORM = "document.querySelector('#browser form')"
_STATUS = "document.querySelector('#browser [data-part=status]').textContent"
_TAGS = "[...document.querySelectorAll('#browser .head .tag')].map(tag => tag.textContent)"
_FOCUSED = "document.activeElement.dataset.title || document.activeElement.textContent"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    results = make_results(folder)
    results.report(folder / "report.html", results=folder)
    return folder / "report.html"


@pytest.fixture(scope="module")
def started() -> Iterator[Browser]:
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture
def page(started: Browser, report: Path) -> Iterator[Browser]:
    """The report, freshly opened; whatever a test does, the console must stay silent."""
    started.errors.clear()
    started.requests.clear()
    started.open(report)
    started.wait_for(_READY)
    yield started
    assert started.errors == []
    assert [url for url in started.requests if not url.startswith(("file:", "data:"))] == []


def choose(page: Browser, **values: str) -> None:
    for name, value in values.items():
        page.run(f"{_FORM}.elements.{name}.value = {value!r}")
    page.run(f"{_FORM}.dispatchEvent(new Event('input', {{bubbles: true}}))")


def test_filters_leave_what_they_say(page: Browser) -> None:
    assert page.run(_STATUS) == f"Answers 1 to 12 of {40 * len(SETS)}"  # of the last run
    choose(page, run="")
    assert page.run(_STATUS) == f"Answers 1 to 12 of {3 * 40 * len(SETS)}"
    choose(page, run="0", parsed="no")
    assert set(page.run(_TAGS)) == {"? unread"}
    choose(page, parsed="", correct="yes", run="2", set="0")
    assert set(page.run(_TAGS)) == {"✓ right"}
    assert page.run("document.querySelector('#browser .sample').innerText").startswith("direction/")
    right = int(page.run(_STATUS).split()[-1])
    choose(page, correct="no")
    assert right + int(page.run(_STATUS).split()[-1]) == 40
    choose(page, correct="", set="", run="", text="evil.example")
    assert int(page.run(_STATUS).split()[-1]) == 14 * len(SETS)  # every third answer of the base
    choose(page, text="no such words")
    assert page.run(_STATUS) == "No answer fits these filters."
    page.run(f"{_FORM}.querySelector('button[type=reset]').click()")
    page.wait_for(f"{_STATUS}.endsWith('of {40 * len(SETS)}')")


def test_answers_are_text_and_pictures_load_with_their_marks(page: Browser) -> None:
    choose(page, run="0")
    page.wait_for(
        "[...document.querySelectorAll('#browser img')].every(i => i.naturalWidth === 80)"
    )
    assert (
        page.run("document.querySelectorAll('#browser .sample script, .sample code img').length")
        == 0
    )
    assert page.run("document.querySelectorAll('#browser g.gold > *').length") >= 12
    assert page.run("document.querySelectorAll('#browser g.given > *').length") > 0
    choose(page, run="2", set="3")  # tours
    assert page.run("document.querySelectorAll('.sample g.gold:not(.edge) line').length") == 12 * 4
    shifts = "[...document.querySelectorAll('.sample g')].map(g => g.getAttribute('transform'))"
    assert set(page.run(shifts)) == {"translate(0 0)"}
    choose(page, set="2")  # paths on a grid of four by four
    assert set(page.run(shifts)) == {"translate(-42 -42)", "translate(42 42)"}
    page.run("document.querySelector('.sample details').open = true")
    page.wait_for("document.querySelectorAll('.sample details div').length === 3")


def test_pages_turn_by_button_and_by_arrow_key(page: Browser) -> None:
    page.run("document.querySelector('#browser [data-step=\"1\"]').focus()")
    page.press("Enter")
    assert page.run(_STATUS).startswith("Answers 13 to 24")
    page.press("ArrowRight", "ArrowRight", "ArrowLeft")
    assert page.run(_STATUS).startswith("Answers 25 to 36")


def test_the_keyboard_reaches_the_origin_of_a_number(page: Browser) -> None:
    page.press("Tab")
    assert page.run(_FOCUSED) == "Skip to the matrix"
    page.press("Enter", "Tab")
    page.wait_for("document.activeElement.matches('table.heat td')")
    assert page.run(_FOCUSED) == "tiny, base on direction"
    page.press("ArrowDown", "ArrowDown", "ArrowRight")
    assert page.run(_FOCUSED) == "tiny, full on distance"
    page.press("Enter")
    text = page.run("document.querySelector('dialog[open]').innerText")
    for expected in ("tiny, full on distance", "dataset hash", "data-distance", "parser version",
                     "prompt hash", "scores/tiny/full/seed2/distance.parquet"):  # fmt: skip
        assert expected in text
    page.press("Escape")
    page.wait_for("!document.querySelector('dialog[open]')")
    assert page.run(_FOCUSED) == "tiny, full on distance"


def test_the_panel_leads_to_the_wrong_answers(page: Browser) -> None:
    page.run("document.querySelector('[data-row=\"tiny/direction\"][data-set=tsp]').click()")
    page.run("document.querySelector('dialog [data-part=wrong]').click()")
    page.wait_for(
        f"{_FORM}.elements.correct.value === 'no' && document.activeElement.name === 'run'"
    )
    assert page.run(f"{_FORM}.elements.set.selectedOptions[0].textContent") == "tsp"
    assert "✓ right" not in page.run(_TAGS)
    page.run("document.querySelector('[data-row=\"oracle/none\"]').click()")
    assert page.run("document.querySelector('dialog [data-part=wrong]').hidden")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_sticks_out_and_text_stands_out(
    page: Browser, report: Path, width: int, dark: bool
) -> None:
    page.open(report, width=width, dark=dark)
    page.wait_for(_READY)
    assert page.run("document.documentElement.scrollWidth") == width
    ground = page.run("getComputedStyle(document.body).backgroundColor")
    lightness = [int(part) for part in ground[4:-1].split(",")]
    assert (max(lightness) < 60) if dark else (min(lightness) > 200)
