"""The report of a study: one page that needs nothing else, with tables and figures beside it."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from pathlib import Path

import pytest

from PromptOnceLib.errors import InputError
from PromptOnceLib.studies.design import ArmComparison, StudyArm, StudyData, StudyDesign
from PromptOnceLib.studies.presets import preset
from PromptOnceLib.studies.report.contents import study_contents
from PromptOnceLib.studies.report.study_page import study_page
from PromptOnceLib.studies.report.write_study_report import write_study_report
from PromptOnceLib.studies.rows import ArmRows
from studies.sample_arms import arm

pytest.importorskip("matplotlib", reason="matplotlib is not installed")
pytest.importorskip("scipy", reason="scipy is not installed")

GROUPS = ("Coronacases",)


def small(name: str, seed: int = 0, method: str = "each-slice", start: float = 0.5) -> ArmRows:
    return arm(name, groups=GROUPS, cases=2, slices=12, seed=seed, method=method, start=start)


SAM, SAM2 = small("sam"), small("sam2", 1)
MINE = StudyDesign(
    name="mine",
    title="Mine & <yours>",
    data=(StudyData(set="folder", folder=Path("/data/Jane Doe")),),
    arms=(StudyArm(name="sam", model="nano"), StudyArm(name="sam2", model="nano")),
    comparisons=(ArmComparison(first="sam", second="sam2"),),
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    design = preset("sam-vs-sam2")
    return write_study_report(folder, design, [SAM, SAM2], [("Device", "cpu")], ["1 case failed."])


@pytest.fixture
def _few_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those that one arm has: each takes a tenth of a second and more."""
    for name in ("_draw_pairs", "_draw_positions"):
        monkeypatch.setattr(f"PromptOnceLib.studies.report.contents.{name}", lambda *arguments: None)


def test_the_page_needs_no_other_file_and_no_network(report: Path) -> None:
    page = report.read_text(encoding="utf-8")
    assert "default-src &#39;none&#39;; img-src data:" in page
    assert re.findall(r'src="(?!data:)', page) == []
    links = re.findall(r'href="([^"]+)"', page)
    assert links
    assert [link for link in links if not (report.parent / link).is_file()] == []
    drawings = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    assert len(drawings) == len(list((report.parent / "figures").glob("*.svg")))
    assert base64.b64decode(drawings[0]) == (report.parent / "figures" / "agreement.svg").read_bytes()


def test_the_page_says_what_was_run_and_how_to_repeat_it(report: Path) -> None:
    page = report.read_text(encoding="utf-8")
    for words in (
        "2 arms · 2 cases · 20 slices with reference",
        "Coronacases: 2 cases, 20 slices",
        "Coronacases: window paper:-650/1500",
        "every slice prompted by itself",
        "<dt>Device</dt><dd>cpu</dd>",
        "1 case failed.",
        "study.toml",
        "What the papers print, and this study",
        "sam with model instead of sam_l, sam2 with model instead of large",
    ):
        assert words in page, words


def test_tables_and_figures_lie_beside_the_page(report: Path) -> None:
    tables = {path.name for path in (report.parent / "tables").iterdir()}
    names = ("printed", "results", "results_sam2_against_sam", "state_of_the_art", "paired_tests", "size", "times")
    assert tables == {f"{name}.{ending}" for name in names for ending in ("csv", "md")}
    figures = {path.stem for path in (report.parent / "figures").iterdir()}
    assert figures == {
        "agreement",
        "deltas_sam2_against_sam",
        "deltas_sorted_sam2_against_sam",
        "paired_test_sam2_against_sam",
        "seed_choice_sam",
        "seed_choice_sam2",
        "size_sam",
        "size_sam2",
        "times",
    }


@pytest.mark.usefixtures("_few_figures")
def test_tables_and_figures_of_an_earlier_report_are_removed(tmp_path: Path) -> None:
    write_study_report(tmp_path, MINE, [SAM, SAM2])
    assert (tmp_path / "tables" / "paired_tests.csv").is_file()
    (tmp_path / "tables" / "notes.txt").touch()
    write_study_report(tmp_path, MINE, [SAM])
    assert not [path for path in tmp_path.glob("*/*") if "sam2" in path.name or path.stem == "paired_tests"]
    assert (tmp_path / "tables" / "notes.txt").is_file()
    assert (tmp_path / "figures" / "agreement.svg").is_file()


@pytest.mark.usefixtures("_few_figures")
def test_text_is_escaped_and_folders_stay_out() -> None:
    contents = study_contents(MINE, [SAM, SAM2])
    contents.figures.clear()
    page = study_page(MINE, [SAM, SAM2], contents)
    assert "Mine &amp; &lt;yours&gt;" in page
    assert "Jane" not in page
    assert "<dt>Data</dt><dd>folder</dd>" in page


@pytest.mark.usefixtures("_few_figures")
def test_the_demonstration_model_is_named_as_such() -> None:
    nano = replace(SAM, model="nano")
    contents = study_contents(MINE, [nano])
    contents.figures.clear()
    page = study_page(MINE, [nano], contents)
    assert "nano is a demonstration model, too weak for real work" in page
    assert "Without any result, and therefore not on this page: sam2." in page
    assert "demonstration model" not in study_page(MINE, [replace(SAM, model="large")], contents)


def test_an_arm_without_values_and_a_group_of_one_arm_are_left_out_and_said() -> None:
    bare = replace(SAM2, rows=tuple(replace(row, dice=None, jaccard=None, hausdorff_mm=None) for row in SAM2.rows))
    contents = study_contents(MINE, [SAM, bare])
    assert contents.left_out == ["sam2 has no slice that could be compared with a reference."]
    assert "agreement" in [one.name for one in contents.figures]
    more = arm("sam", groups=("Coronacases", "Montgomery"), cases=2, slices=12)
    contents = study_contents(MINE, [more, SAM2])
    assert contents.left_out == ["The group Montgomery is left out: sam2 has no results in it."]
    (results,) = [table for table in contents.tables if table.name == "results"]
    assert {row[0] for row in results.rows} == {"Coronacases"}
    assert study_contents(MINE, [bare]).tables == []


def test_propagated_arms_are_drawn_along_the_volume_and_by_their_prompted_slice() -> None:
    design = preset("single-prompt")
    arms = [small(one.name, i, one.method, one.position) for i, one in enumerate(design.arms)]
    names = [one.name for one in study_contents(design, arms).figures]
    assert "seed_choice_sam" in names
    assert "along_volume_sam2-single-prompt" in names
    assert "seed_effect" in names


def test_strategies_stand_beside_each_other_only_where_they_are_what_differs() -> None:
    box = replace(SAM, name="box", strategy="S5")
    once = replace(SAM2, name="once", method="propagate")
    design = MINE.model_copy(
        update={"arms": tuple(StudyArm(name=one.name, method=one.method) for one in (SAM, box, once))}
    )
    assert "strategies" in [table.name for table in study_contents(design, [SAM, box]).tables]
    mixed = study_contents(design, [SAM, box, once])
    assert "strategies" not in [table.name for table in mixed.tables]
    assert "agreement" in [one.name for one in mixed.figures]


def test_groups_whose_names_differ_in_signs_alone_have_figures_of_their_own() -> None:
    one, box = arm("sam", groups=("CT+", "CT-")), arm("box", strategy="S5", groups=("CT+", "CT-"))
    design = MINE.model_copy(update={"arms": tuple(StudyArm(name=a.name) for a in (one, box)), "comparisons": ()})
    names = [figure.name for figure in study_contents(design, [one, box]).figures]
    assert [name for name in names if name.startswith("strategies")] == ["strategies_CT", "strategies_CT-2"]


def test_single_pictures_are_not_drawn_along_a_volume() -> None:
    pictures = [
        replace(one, rows=tuple(replace(row, case=f"{row.case}-{row.slice}", slice=0, slices=1) for row in one.rows))
        for one in (SAM, SAM2)
    ]
    contents = study_contents(MINE, pictures)
    assert not [one.name for one in contents.figures if one.name.startswith(("seed", "along"))]
    (tests,) = [table for table in contents.tables if table.name == "paired_tests"]
    assert {row[4] for row in tests.rows} == {"slices"}  # which are the cases


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "tables").write_text("a file")
    with pytest.raises(InputError, match="tables could not be written"):
        write_study_report(tmp_path, MINE, [SAM, SAM2])
