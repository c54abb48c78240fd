"""Studies from beginning to end, with a worker that needs no model."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from worker.disks import disk_frames
from worker.fake_engine import EMBED_SECONDS, LIMIT
from worker.fake_process import INSTEAD, fake_python
from worker.gate import Gate

from PromptOnceLib.batch.report.run_results import read_run
from PromptOnceLib.errors import CancelledError, CheckpointError, InputError, ModelError, RunFolderError
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.studies import run_study as running
from PromptOnceLib.studies.arm_plans import SEEDS
from PromptOnceLib.studies.design import ArmComparison, StudyArm, StudyData, StudyDesign
from PromptOnceLib.studies.figures.times import times_figure
from PromptOnceLib.studies.presets import PRESETS
from PromptOnceLib.studies.report import contents
from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.run_study import StudyOutcome, run_study

pytestmark = pytest.mark.usefixtures("_fake_worker")

SLICES = 4
HELD = (1, 2)


@pytest.fixture(autouse=True, scope="module")
def _undrawn() -> Iterator[None]:
    """Figures take seconds, and have tests of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contents, "_draw", lambda *arguments: None)
        yield


def write_disks(folder: Path) -> StudyData:
    """Three volumes of a bright disk in two groups, with references of which the worker finds most."""
    for number, name in enumerate(("first/a", "first/b", "second/c")):
        frames = disk_frames(slices=SLICES, seed=number)
        labels = (frames > LIMIT).astype(np.uint8)
        labels[:, :, :38] = 0
        labels[[0, 3]] = 0
        for part, array in (("images", frames), ("labels", labels)):
            path = folder / part / f"{name}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            sitk.WriteImage(sitk.GetImageFromArray(array), str(path))
    return StudyData(set="folder", folder=folder)


@pytest.fixture
def disks(tmp_path: Path) -> StudyData:
    """Data that a test may change."""
    return write_disks(tmp_path / "data")


@dataclass(frozen=True)
class Finished:
    """A study that ran to its end. begun: what was told of each arm."""

    design: StudyDesign
    folder: Path
    outcome: StudyOutcome
    begun: list[tuple[str, int, int, int]]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """One study for all tests that leave it as it is, or copy it."""
    folder, begun = tmp_path_factory.mktemp("finished"), []
    design = design_of(write_disks(folder / "data"), metrics=("jaccard", "dice", "hausdorff"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(INSTEAD, str(fake_python(folder)))
        outcome = run(
            design,
            folder / "out",
            on_arm=lambda arm, number, count, cases: begun.append((arm.name, number, count, cases)),
        )
    return Finished(design, folder / "out", outcome, begun)


def design_of(data: StudyData, *arms: StudyArm, **settings: object) -> StudyDesign:
    chosen = arms or (
        StudyArm(name="each", model="nano"),
        StudyArm(name="once", model="nano", method="propagate"),
    )
    pairs = tuple(ArmComparison(first=chosen[0].name, second=arm.name) for arm in chosen[1:])
    return StudyDesign.model_validate(
        {"name": "mine", "data": (data,), "arms": chosen, "comparisons": pairs, "axis": "k", **settings}
    )


def run(design: StudyDesign, folder: Path, **settings: object) -> StudyOutcome:
    return run_study(design, folder, **settings)


def files_of(folder: Path) -> dict[str, bytes]:
    """Everything that is made of all arms together."""
    parts = ("results", "tables", "figures")
    found = [path for part in parts for path in (folder / part).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in (*found, folder / "index.html")}


def test_all_arms_segment_the_same_cases_and_the_page_says_what_came_out(finished: Finished) -> None:
    out, outcome = finished.folder, finished.outcome
    assert outcome.succeeded
    assert finished.begun == [("each", 1, 2, 3), ("once", 2, 2, 3)]
    each, once = outcome.rows
    assert [(row.case, row.group) for row in each.rows if row.slice == 0] == [
        ("a", "first"), ("b", "first"), ("c", "second")
    ]  # fmt: skip
    assert [row.prompted for row in each.rows[:SLICES]] == [index in HELD for index in range(SLICES)]
    assert [row.prompted for row in once.rows[:SLICES]] == [False, False, True, False]
    assert each.rows[1].embed_seconds == EMBED_SECONDS
    assert once.rows[1].embed_seconds is None
    # The fake worker finds the same by both methods.
    assert [(row.dice, row.hausdorff_mm) for row in each.rows if row.reference_pixels] == [
        (row.dice, row.hausdorff_mm) for row in once.rows if row.reference_pixels
    ]
    assert 0.5 < each.rows[1].dice < 1
    assert each.rows[1].hausdorff_mm
    assert outcome.page == out / "index.html"
    page = outcome.page.read_text(encoding="utf-8")
    assert "each" in page
    assert "once" in page
    assert str(out.parent) not in page
    assert {"results.csv", "paired_tests.csv"} <= {path.name for path in (out / "tables").iterdir()}


def test_the_papers_files_have_their_columns_and_leave_empty_what_has_no_reference(finished: Finished) -> None:
    out, outcome = finished.folder, finished.outcome
    with (out / "results" / "each" / "joint_raw_data.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "image", "slice", "jaccard", "dice", "sam_score", "set_image_time", "predict_image_time", "process_image_time"
    ]  # fmt: skip
    assert [row["image"] for row in rows] == ["a"] * SLICES + ["b"] * SLICES + ["c"] * SLICES
    assert (rows[0]["jaccard"], rows[0]["sam_score"]) == ("", "")
    assert float(rows[1]["dice"]) == outcome.rows[0].rows[1].dice
    assert float(rows[1]["process_image_time"]) == pytest.approx(
        float(rows[1]["set_image_time"]) + float(rows[1]["predict_image_time"])
    )
    assert len(list((out / "results" / "once" / "raw_data").iterdir())) == 3
    with (out / "results" / "once" / "results.csv").open() as file:
        by_metric = {row["metric"]: row for row in csv.DictReader(file)}
    dice = [row.dice for row in outcome.rows[1].rows if row.dice is not None]
    assert float(by_metric["dice"]["avg"]) == pytest.approx(np.mean(dice))
    assert float(by_metric["dice"]["std"]) == pytest.approx(np.std(dice, ddof=1))


def test_a_study_that_is_cancelled_keeps_what_is_finished_and_goes_on_to_the_same_results(
    tmp_path: Path, finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    design, out = finished.design, tmp_path / "out"
    with Gate(slices=len(HELD) * 3 + SLICES + 1) as gate:  # in the second case of the second arm
        monkeypatch.setenv(*gate.variable)
        cancelled = run(design, out, should_cancel=gate.stopped)
    monkeypatch.delenv(gate.variable[0])
    assert (cancelled.cancelled, cancelled.succeeded) == (True, False)
    assert [summary.finished for summary in cancelled.arms.values()] == [3, 1]
    assert "once: 2 cases are not done yet" in cancelled.page.read_text(encoding="utf-8")

    again = run(design, out)
    assert again.succeeded
    assert [(summary.reused, summary.finished) for summary in again.arms.values()] == [(3, 0), (1, 2)]
    assert again.rows == _but_load_seconds(finished.outcome, again)
    assert files_of(out).keys() == files_of(finished.folder).keys()


def _but_load_seconds(whole: StudyOutcome, other: StudyOutcome) -> tuple:
    """How long loading took is another thing every time."""
    return tuple(replace(a, load_seconds=b.load_seconds) for a, b in zip(whole.rows, other.rows, strict=True))


def test_a_cancel_before_the_first_arm_computes_nothing(tmp_path: Path, disks: StudyData) -> None:
    with pytest.raises(CancelledError):
        run(design_of(disks), tmp_path / "out", should_cancel=lambda: True)
    assert not (tmp_path / "out" / "arms").exists()


def test_the_same_study_again_computes_nothing_and_writes_the_same(
    tmp_path: Path, finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw_one(found: contents.StudyContents, _: StudyDesign, plain: Sequence[ArmRows], *arguments: Any) -> None:
        found.figure(partial(times_figure, plain))

    monkeypatch.setattr(contents, "_draw", draw_one)
    out = tmp_path / "out"
    shutil.copytree(finished.folder, out)
    first, before = run(finished.design, out), files_of(out)
    assert sum(name.endswith(".svg") for name in before) == 1
    again = run(finished.design, out)
    for outcome in (first, again):
        assert [summary.reused for summary in outcome.arms.values()] == [3, 3]
        assert outcome.rows == finished.outcome.rows
    assert files_of(out) == before


@pytest.mark.slow
def test_an_arm_that_is_added_is_all_that_is_computed(tmp_path: Path, disks: StudyData) -> None:
    out, arms = tmp_path / "out", design_of(disks).arms
    run(design_of(disks, *arms[:1]), out)
    again = run(design_of(disks, *arms), out)
    assert [(summary.reused, summary.finished) for summary in again.arms.values()] == [(3, 0), (0, 3)]


def test_a_shared_seed_is_that_of_the_first_case_of_a_group(tmp_path: Path, disks: StudyData) -> None:
    shared = StudyArm(name="shared", model="nano", method="propagate", shared_seed=True)
    once = StudyArm(name="once", model="nano", method="propagate")
    out, design = tmp_path / "out", design_of(disks, once, shared)
    with pytest.raises(InputError, match="two cases or more in the group second"):
        run(design, out)
    (tmp_path / "data" / "images" / "second" / "c.nii.gz").unlink()
    assert run(design, out).succeeded
    (seed,) = SeedLibrary(out / SEEDS).list().seeds
    assert (seed.name, seed.record.slice, len(seed.record.objects[0].points)) == ("first", 2, 2)
    (case,) = read_run(out / "arms" / "shared").cases
    assert (case.name, case.record.identity.seed.id) == ("b", seed.id)
    again = run(design, out)
    assert SeedLibrary(out / SEEDS).list().seeds[0].id == seed.id
    assert [summary.finished for summary in again.arms.values()] == [0, 0]


def test_groups_whose_names_differ_in_signs_alone_have_seeds_of_their_own(tmp_path: Path, disks: StudyData) -> None:
    names = {"CT+": ("a", "b"), "CT-": ("d", "e")}
    lines = ["image,reference,case,group"]
    for number, (group, name) in enumerate((group, name) for group, pair in names.items() for name in pair):
        for part in ("images", "labels"):
            source = disks.folder / part / "first" / f"{'ab'[number % 2]}.nii.gz"
            shutil.copy(source, tmp_path / f"{part}-{name}.nii.gz")
        lines.append(f"images-{name}.nii.gz,labels-{name}.nii.gz,{name},{group}")
    table = tmp_path / "table.csv"
    table.write_text("\n".join(lines))
    shared = StudyArm(name="shared", model="nano", method="propagate", shared_seed=True)
    assert run(design_of(StudyData(set="csv", folder=table), shared), tmp_path / "out").succeeded
    cases = {case.name: case.record.identity.seed for case in read_run(tmp_path / "out" / "arms" / "shared").cases}
    assert {name: seed.name for name, seed in cases.items()} == {"b": "CT", "e": "CT-2"}
    assert cases["b"].id != cases["e"].id


def test_at_most_so_many_cases_of_each_group_are_taken(tmp_path: Path, disks: StudyData) -> None:
    outcome = run(design_of(disks), tmp_path / "out", limit=1)
    assert {row.case for row in outcome.rows[0].rows} == {"a", "c"}


def test_a_case_that_fails_is_named_and_the_others_are_reported(tmp_path: Path, disks: StudyData) -> None:
    path = tmp_path / "data" / "labels" / "first" / "b.nii.gz"
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((SLICES, 80, 96), np.uint8)), str(path))
    outcome = run(design_of(disks), tmp_path / "out")
    assert not outcome.succeeded
    assert [item.case for item in outcome.arms["each"].not_succeeded] == ["b"]
    assert "each: 1 cases have no result (b)" in outcome.page.read_text(encoding="utf-8")


def test_nothing_begins_where_something_is_missing(
    tmp_path: Path, disks: StudyData, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with pytest.raises(CheckpointError, match="tiny") as caught:
        run(design_of(disks, StudyArm(name="one", model="tiny")), out)
    assert caught.value.model == "tiny"
    (tmp_path / "old.pth").touch()
    old = StudyArm(name="one", model=str(tmp_path / "old.pth"), config="sam", method="propagate")
    with pytest.raises(ModelError, match="cannot propagate"):
        run(design_of(disks, old), out)
    with pytest.raises(InputError, match="Name the folder"):
        run(design_of(disks).model_copy(update={"data": ()}), out)
    monkeypatch.setattr(running, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"matplotlib and scipy: pip install .promptonce\[study\]"):
        run(design_of(disks), out)
    assert not out.exists()


def test_a_folder_of_another_study_or_of_other_files_is_left_alone(tmp_path: Path, disks: StudyData) -> None:
    design, out = design_of(disks), tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").touch()
    with pytest.raises(RunFolderError, match="holds other files"):
        run(design, out)
    (out / "notes.txt").unlink()
    running.write_design(out / running.STUDY_FILE, PRESETS["single-prompt"])
    with pytest.raises(RunFolderError, match="holds another study, single-prompt"):
        run(design, out)
