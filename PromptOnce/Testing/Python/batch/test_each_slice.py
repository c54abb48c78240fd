"""Batches that prompt every slice of a reference by itself, with a worker that needs no model."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from worker.disks import disk_frames
from worker.fake_engine import EMBED_SECONDS, LIMIT, PROMPT_SECONDS
from worker.gate import Gate

from batch.studies import Heard, computed, quick_options, segmentation, write_array
from PromptOnceLib.batch.planning.make_plan import make_plan
from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan, PlannedCase, PromptChoice, Selection
from PromptOnceLib.batch.run_folder.fingerprints import fingerprint
from PromptOnceLib.batch.run_folder.records import read_case_record
from PromptOnceLib.batch.running.run_batch import run_batch
from PromptOnceLib.errors import InputError
from PromptOnceLib.segmentation.metrics import dice, surface_figures
from PromptOnceLib.segmentation.result import SliceResult, read_csv

pytestmark = pytest.mark.usefixtures("_posix")

HELD = [1, 2, 4]
"""Slices of six that hold the reference; the fourth has only some pixels of it."""


def reference_of(seed: int) -> np.ndarray:
    """What is bright, as two labels, and less of it than the worker finds."""
    labels = (disk_frames(slices=6, seed=seed) > LIMIT).astype(np.uint8)
    labels[:, :, 46:] *= 2
    labels[:, :35] = 0
    labels[[0, 3, 5]] = 0
    labels[3, 40, 48:51] = 1
    return labels


def plan_of(folder: Path, names: str = "ab", strategy: str = "paper") -> BatchPlan:
    for seed, name in enumerate(names):
        write_array(folder / "images" / f"{name}.nii.gz", disk_frames(slices=6, seed=seed))
        write_array(folder / "images" / f"{name}_lung.nii.gz", reference_of(seed))
    prompt = PromptChoice.model_validate({"kind": "reference", "strategy": strategy})
    return make_plan(Selection(source=folder / "images", references="{case}_lung.nii.gz", prompt=prompt))


def options_of(folder: Path, **changes: object) -> BatchOptions:
    return quick_options(folder, method="each-slice", fewest_pixels=4, **changes)


def rows_of(out: Path, case: str = "a") -> list[SliceResult]:
    return read_csv(out / "cases" / case / "slices.csv")


def test_the_slices_that_hold_the_reference_are_segmented_and_no_others(tmp_path: Path) -> None:
    out, heard = tmp_path / "out", Heard()
    assert run_batch(plan_of(tmp_path), options_of(tmp_path), out, on_event=heard).succeeded
    rows = rows_of(out)
    assert [row.slice for row in rows if row.computed] == HELD
    assert [(event.case, event.done, event.total) for event in heard.of("slice")][:3] == [
        ("a", number, 3) for number in (1, 2, 3)
    ]
    found, true = segmentation(out, "a"), reference_of(0)
    assert [bool(part.any()) for part in found] == [index in HELD for index in range(6)]
    for index in HELD:
        assert rows[index].dice == pytest.approx(dice(found[index], true[index]))
        assert (rows[index].embed_seconds, rows[index].prompt_seconds) == (EMBED_SECONDS, PROMPT_SECONDS)
    record = read_case_record(out / "cases" / "a")
    assert (record.figures.computed_slices, record.status, record.objects) == (3, "complete", ("object",))
    assert record.identity.load_seconds is not None


def test_a_run_that_goes_on_computes_again_only_what_another_option_changes(tmp_path: Path) -> None:
    plan, out = plan_of(tmp_path, "a"), tmp_path / "out"
    run_batch(plan, options_of(tmp_path), out)
    again = run_batch(plan, options_of(tmp_path, random_seed=3), out, resume=True)  # the papers' prompt is not random
    assert (again.reused, computed(out)) == (1, ["a"])
    for changed in ({"jitter": (0, 2)}, {"jitter": (0, 2), "random_seed": 3}, {"distances": True}):
        assert run_batch(plan, options_of(tmp_path, **changed), out, resume=True).finished == 1
    boxes = plan_of(tmp_path, "a", "S5")
    assert run_batch(boxes, options_of(tmp_path, distances=True), out, resume=True).finished == 1
    assert read_case_record(out / "cases" / "a").identity.prompt == "reference, S5"


def test_what_older_runs_did_not_know_leaves_their_fingerprints_as_they_were() -> None:
    case = PlannedCase(name="a", image=Path("a.nii"), reference="b.nii:1", prompt=PromptChoice(kind="reference"))
    known = "35e9a31e978bc592f934fe38eb332eb7cee74fd6c5f76981e791d16d2b9e638d"
    assert fingerprint(case, (), BatchOptions(), "model") == known
    for changes in ({"method": "each-slice"}, {"position": 0.25}, {"jitter": (1, 2)}, {"distances": True}):
        assert fingerprint(case, (), BatchOptions.model_validate(changes), "model") != known


def test_a_cancel_ends_at_the_next_slice_and_the_rest_is_done_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, out = plan_of(tmp_path), tmp_path / "out"
    with Gate(slices=len(HELD) + 1) as gate:
        monkeypatch.setenv(*gate.variable)
        summary = run_batch(plan, options_of(tmp_path), out, should_cancel=gate.stopped)
    assert {item.case: item.status for item in summary.not_succeeded} == {"b": "cancelled"}
    assert run_batch(plan, options_of(tmp_path), out, resume=True).succeeded
    assert computed(out) == ["a", "b", "b"]


def test_without_prompts_the_mask_that_agrees_best_with_the_reference_is_taken(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run_batch(plan_of(tmp_path, "a", "S1"), options_of(tmp_path), out).succeeded
    found, frames = segmentation(out, "a"), disk_frames(slices=6)
    for index in HELD:
        assert np.array_equal(found[index] > 0, frames[index] > LIMIT)
    rows = rows_of(out)
    assert [row.slice for row in rows if row.computed] == HELD
    assert rows[1].predicted_iou == pytest.approx(0.9)
    assert rows[1].prompt_seconds == PROMPT_SECONDS


def test_the_distance_of_each_slice_to_its_reference_is_kept_in_mm(tmp_path: Path) -> None:
    out, true = tmp_path / "out", reference_of(0)
    assert run_batch(plan_of(tmp_path, "a"), options_of(tmp_path, distances=True), out).succeeded
    found = segmentation(out, "a")
    for row in rows_of(out):
        figures = surface_figures(found[row.slice], true[row.slice], (1.0, 1.0)) if row.slice in HELD else None
        assert row.hausdorff_mm == (None if figures is None else pytest.approx(figures.maximum))
    assert any(row.hausdorff_mm for row in rows_of(out))


def test_tables_without_distances_and_seconds_have_no_columns_for_them(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_batch(plan_of(tmp_path, "a"), quick_options(tmp_path), out)
    with (out / "cases" / "a" / "slices.csv").open() as file:
        assert next(csv.reader(file))[-1] == "reference_area"


@pytest.mark.parametrize(("position", "expected"), [(None, 4), (0.0, 1), (0.4, 2), (1.0, 4)])
def test_the_prompted_slice_of_a_propagation_is_the_nearest_to_its_position_that_holds_the_reference(
    tmp_path: Path, position: float | None, expected: int
) -> None:
    plan = plan_of(tmp_path, "a")
    labels = reference_of(0)
    labels[3] = 0
    write_array(tmp_path / "images" / "a_lung.nii.gz", labels)
    out = tmp_path / "out"
    assert run_batch(plan, quick_options(tmp_path, position=position), out).succeeded
    # The central slice 3 holds nothing: without a position the middle one of those that do is taken.
    assert read_case_record(out / "cases" / "a").seed_slice == (2 if position is None else expected)


def test_what_does_not_go_together_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "a")
    from_file = plan.cases[0].model_copy(update={"prompt": PromptChoice(kind="seed", name="x")})
    wrong = [
        (plan.model_copy(update={"cases": (from_file,)}), options_of(tmp_path), "from a reference"),
        (plan, options_of(tmp_path, round_trip=True), "round trip"),
        (plan_of(tmp_path, "a", "S1"), quick_options(tmp_path), "no prompt to propagate"),
    ]
    for bad, options, words in wrong:
        with pytest.raises(InputError, match=words):
            run_batch(bad, options, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_several_named_objects_and_an_empty_reference_fail_with_a_sentence(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    named = plan.cases[0].model_copy(update={"reference": f"{plan.cases[0].reference}:1=left,2=right"})
    write_array(tmp_path / "images" / "b_lung.nii.gz", np.zeros((6, 80, 96), np.uint8))
    cases = (named, plan.cases[1])
    summary = run_batch(plan.model_copy(update={"cases": cases}), options_of(tmp_path), tmp_path / "out")
    messages = {item.case: item.message for item in summary.not_succeeded}
    assert "one object" in messages["a"]
    assert "on no slice" in messages["b"]
