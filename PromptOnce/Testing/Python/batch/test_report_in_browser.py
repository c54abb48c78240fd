"""The report in a real browser: sorting by click and by keyboard, filter, details, two widths.

Needs Chromium and the Python package playwright; neither is part of the project's test environment.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batch.sample_runs import Sample, leaking, nothing, unsure, write_sample_run
from PromptOnceLib.batch.report import write_report
from PromptOnceLib.batch.run_folder.records import Failure

pytestmark = pytest.mark.slow
playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright to test the report in a browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("there is no Chromium on the path to test the report in")
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with playwright.sync_playwright() as library:
        running = library.chromium.launch(executable_path=chromium, chromium_sandbox=not is_root)
        yield running
        running.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("batch") / "run"
    samples = [Sample("case 10", "GE", nothing), Sample("case 9", "Siemens", leaking), Sample("case 1", "GE", unsure)]
    write_sample_run(folder, samples, [Failure(case="broken", code="bad_volume", message="It is empty.")])
    return write_report(folder)


@pytest.fixture(params=[1400, 380])
def page(browser: Any, report: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The report opened; fails the test for any error, any refused content and any request."""
    opened = browser.new_page(viewport={"width": request.param, "height": 800})
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "request", lambda sent: complaints.append(sent.url) if not sent.url.startswith(("file:", "data:")) else None
    )
    opened.goto(report.as_uri())
    yield opened
    opened.close()
    assert complaints == []


def names(page: Any) -> list[str]:
    # Not the inner texts: the page leaves out the painting of rows outside the window, which have none then.
    return [str(name).strip() for name in page.locator("tbody:not([hidden]) th").all_text_contents()]


def title(page: Any, name: str) -> Any:
    return page.get_by_role("columnheader", name=name)


def test_a_click_on_a_title_sorts_and_a_second_one_turns_the_order(page: Any) -> None:
    assert names(page)[0] == "broken"
    title(page, "Case").get_by_role("button").click()
    assert names(page) == ["broken", "case 1", "case 9", "case 10"]
    assert title(page, "Case").get_attribute("aria-sort") == "ascending"
    assert title(page, "Look here first").get_attribute("aria-sort") == "none"
    title(page, "Case").get_by_role("button").click()
    assert names(page) == ["case 10", "case 9", "case 1", "broken"]
    assert title(page, "Case").get_attribute("aria-sort") == "descending"


def test_the_keyboard_sorts_too_and_keeps_the_focus(page: Any) -> None:
    for key in ("Enter", "Space"):
        title(page, "Volume in ml").get_by_role("button").focus()
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.textContent") == "Volume in ml"
        volumes = [float(text) for text in page.locator("td[data-label='Volume in ml']").all_text_contents()[:3]]
        assert volumes == sorted(volumes, reverse=key == "Enter")
        assert names(page)[-1] == "broken"  # it has no volume


def test_words_and_a_state_narrow_the_list_down(page: Any) -> None:
    page.get_by_label("Find").fill("ge CASE")
    assert sorted(names(page)) == ["case 1", "case 10"]
    assert page.locator("#count").inner_text() == "2 of 4 shown"
    page.get_by_label("Find").fill("")
    page.get_by_label("Show").select_option("without a result")
    assert names(page) == ["broken"]


def test_details_unfold_with_both_slices_and_the_curves(page: Any) -> None:
    details = page.locator("tbody").nth(1).locator("details")
    details.locator("summary").focus()
    page.keyboard.press("Enter")
    playwright.expect(details.get_by_role("img")).to_have_count(4)
    widths = details.locator("img").evaluate_all("images => images.map(image => image.naturalWidth)")
    assert min(widths) > 50


def test_the_page_is_no_wider_than_the_window(page: Any) -> None:
    page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
