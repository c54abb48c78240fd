"""The report: one safe file that says what became of every case, worst first."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from batch.sample_runs import Sample, leaking, nothing, unsure, write_sample_run
from PromptOnceLib.batch.report import write_report, write_run_tables
from PromptOnceLib.batch.report.run_results import read_run
from PromptOnceLib.batch.run_folder.records import CASES, Failure, set_review
from PromptOnceLib.errors import RunFolderError

EVIL = "<img src=x onerror=alert(1)> & \"quoted\" 'too' {{ style }} {% raw %}"
FAILURE = Failure(case="broken", code="bad_volume", message=EVIL)
VOID = {"meta", "img", "input"}


class Page(HTMLParser):
    """Elements of a page, with the text of each; fails where an element is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        self.texts.setdefault(tag, [])
        if tag not in VOID:
            self._open.append(tag)
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self._open):
            self.texts[tag][-1] += data

    def attributes(self, tag: str, name: str) -> list[str | None]:
        return [found[name] for element, found in self.elements if element == tag and name in found]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("batch") / "run"
    samples = [Sample("fine", "GE", nothing), Sample("leaking", "<b>", leaking), Sample("unsure", "GE", unsure, False)]
    write_sample_run(folder, samples, [FAILURE], waiting=["waiting"])
    return folder


@pytest.fixture(scope="module")
def two_cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run to copy."""
    folder = tmp_path_factory.mktemp("two") / "run"
    write_sample_run(folder, [Sample("fine"), Sample("odd")])
    return folder


@pytest.fixture(scope="module")
def html(run_folder: Path) -> str:
    return write_report(run_folder).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def names_in_order(page: Page) -> list[str]:
    headers = [found for tag, found in page.elements if tag == "th" and found.get("scope") == "row"]
    return [str(found["data-sort"]) for found in headers]


def test_the_page_is_well_formed_and_in_a_language(page: Page) -> None:
    assert page.attributes("html", "lang") == ["en"]
    assert len(page.texts["h1"]) == 1


def test_nothing_is_fetched_from_anywhere(page: Page, html: str) -> None:
    links = [page.attributes(tag, name) for tag in ("img", "script", "link") for name in ("src", "href")]
    assert all(str(link).startswith("data:image/jpeg;base64,") for group in links for link in group)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", html)
    # What a reader may click on lies in the folder of the run.
    assert all(re.match(r"cases/|\w+\.csv$", str(link)) for link in page.attributes("a", "href"))
    assert page.attributes("a", "href")


def test_the_policy_lets_only_the_pages_own_style_and_script_run(html: str) -> None:
    (policy,) = Page(html).attributes("meta", "content")[:1]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not re.search(r"<[^>]*\s(style|on[a-z]+)=", html.replace(EVIL, ""))


def test_texts_from_outside_stay_texts(page: Page, html: str) -> None:
    assert EVIL not in html
    assert any(EVIL in text for text in page.texts["td"])
    assert "onerror" not in {name for _, found in page.elements for name in found}


def test_failed_cases_come_first_then_those_not_done_then_the_strangest(page: Page) -> None:
    assert names_in_order(page)[:2] == ["broken", "waiting"]
    assert names_in_order(page)[-1] == "fine"
    sorted_by = [found for tag, found in page.elements if tag == "th" and found.get("aria-sort") == "descending"]
    assert len(sorted_by) == 1


def test_the_summary_counts_cases(page: Page) -> None:
    tiles = page.texts["li"][:6]
    assert tiles[0].startswith("segmented3")
    assert tiles[1].startswith("failed1")
    assert tiles[2].startswith("not done1")
    assert tiles[3].startswith("to look at2")
    assert tiles[4].startswith("mean Dice")
    assert not any("median volume" in tile for tile in tiles)  # of two groups, which may be of different organs


@pytest.mark.parametrize(("shape", "shown"), [((9, 40, 40), True), ((1, 40, 40), False)])
def test_volumes_are_shown_of_one_group_and_never_of_pictures(
    tmp_path: Path, shape: tuple[int, int, int], shown: bool
) -> None:
    write_sample_run(tmp_path / "run", [Sample("a"), Sample("b")], shape=shape)
    html = write_report(tmp_path / "run").read_text(encoding="utf-8")
    assert ("median volume" in html) is shown
    assert ("Volume in ml" in html) is shown


def test_every_picture_is_described(page: Page) -> None:
    alternatives = page.attributes("img", "alt")
    assert len(alternatives) == 2 * 3
    assert all(alternatives)
    assert all(page.attributes("svg", "aria-label"))
    assert len(page.attributes("svg", "aria-label")) == len(page.texts["svg"])


def test_every_case_with_a_result_has_curves_and_facts(page: Page) -> None:
    assert len([text for text in page.texts["details"] if "Confidence and agreement by slice" in text]) == 3
    with_reference = [text for text in page.texts["details"] if "Dice / Jaccard of the volume" in text]
    assert len(with_reference) == 2


def test_the_report_of_the_demonstration_model_says_so(page: Page) -> None:
    assert sum(text.startswith("nano is a demonstration model") for text in page.texts["p"]) == 1
    assert "warning" in page.attributes("p", "class")


def test_the_report_holds_no_path(html: str) -> None:
    assert "images/" not in html
    assert "/home/somebody" not in html


def test_a_damaged_case_is_a_failed_one_and_the_rest_is_reported(tmp_path: Path, two_cases: Path) -> None:
    shutil.copytree(two_cases, tmp_path / "run")
    (tmp_path / "run" / CASES / "odd" / "slices.csv").write_bytes(b"\xff\x00")
    run = read_run(tmp_path / "run")
    assert [case.name for case in run.done] == ["fine"]
    assert [case.name for case in run.failed] == ["odd"]
    write_run_tables(tmp_path / "run")
    assert "is not a table" in write_report(tmp_path / "run").read_text(encoding="utf-8")


def test_a_reviewed_case_is_no_longer_to_look_at(tmp_path: Path) -> None:
    write_sample_run(tmp_path / "run", [Sample("a", disturb=leaking)])
    assert read_run(tmp_path / "run").to_look_at == 1
    set_review(tmp_path / "run" / CASES / "a", "corrected")
    assert read_run(tmp_path / "run").to_look_at == 0


def test_a_run_that_has_just_begun_has_a_report(tmp_path: Path) -> None:
    write_sample_run(tmp_path / "run", [], waiting=["a"])
    assert "0 cases of 1 were segmented." in write_report(tmp_path / "run").read_text(encoding="utf-8")


def test_a_folder_that_is_no_run_gets_no_report(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="holds no run"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["record.json", "slices.csv", "thumbnail-seed.png", "thumbnail-look.png"])
@pytest.mark.parametrize("kind", ["folder", "pipe", "noise", "cut", "link to itself"])
def test_one_odd_file_of_a_case_does_not_keep_the_report_away(
    tmp_path: Path, two_cases: Path, name: str, kind: str
) -> None:
    shutil.copytree(two_cases, tmp_path / "run")
    path = tmp_path / "run" / "cases" / "odd" / name
    content = path.read_bytes()
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        if sys.platform == "win32":
            pytest.skip("there are no pipes among files on Windows")
        os.mkfifo(path)
    elif kind == "link to itself":
        path.symlink_to(path)
    else:
        path.write_bytes(content[: len(content) // 2] + (b"\0\xff9" * 5000 if kind == "noise" else b""))
    write_run_tables(tmp_path / "run")
    html = write_report(tmp_path / "run").read_text(encoding="utf-8")
    assert "fine" in html
    assert "odd" in html


def test_a_case_whose_name_no_folder_can_have_counts_as_failed(tmp_path: Path) -> None:
    write_sample_run(tmp_path / "run", [Sample("fine")], [], waiting=["x" * 300])
    assert "1 case of 2" in write_report(tmp_path / "run").read_text(encoding="utf-8")
