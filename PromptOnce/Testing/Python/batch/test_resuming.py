"""Which cases of a run that is gone on with are computed again, with a worker that needs no model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from worker.disks import disk_frames

from batch.studies import Heard, computed, quick_options, study, write_array, write_image
from PromptOnceLib.batch.run_folder.records import CORRECTED, read_case_record, read_run_record, set_review
from PromptOnceLib.batch.running.run_batch import run_batch
from PromptOnceLib.prompts.prompt import read_prompt, write_prompt

pytestmark = pytest.mark.usefixtures("_posix")


def test_finished_cases_are_not_computed_again(tmp_path: Path) -> None:
    plan, options, out = study(tmp_path), quick_options(tmp_path), tmp_path / "out"
    run_batch(plan, options, out)
    before = {path: path.stat().st_mtime_ns for path in (out / "cases").rglob("*")}
    summary = run_batch(plan, options, out, resume=True)
    assert (summary.finished, summary.reused, summary.succeeded) == (0, 3, True)
    assert computed(out) == ["a", "b", "c"]
    assert {path: path.stat().st_mtime_ns for path in (out / "cases").rglob("*")} == before


def test_only_cases_whose_inputs_changed_are_computed_again(tmp_path: Path) -> None:
    plan, options, out = study(tmp_path), quick_options(tmp_path), tmp_path / "out"
    run_batch(plan, options, out)
    write_image(tmp_path / "images" / "b.nii.gz", seed=7)
    (tmp_path / "images" / "c.nii.gz").touch()  # another time, the same content
    summary = run_batch(plan, options, out, resume=True)
    assert (summary.finished, summary.reused) == (1, 2)
    assert computed(out)[3:] == ["b"]


@pytest.mark.slow
def test_a_changed_prompt_option_or_removed_result_is_computed_again(tmp_path: Path) -> None:
    plan, options, out = study(tmp_path, "ab"), quick_options(tmp_path), tmp_path / "out"
    run_batch(plan, options, out)
    heard = Heard()
    changed = quick_options(tmp_path, fill_hole_area=4)
    assert run_batch(plan, changed, out, resume=True, on_event=heard).finished == 2
    assert any("hole filling" in event.text for event in heard.of("said"))
    prompt = read_prompt(tmp_path / "prompt.json")
    write_prompt(tmp_path / "prompt.json", prompt.model_copy(update={"slice": 3}))
    assert run_batch(plan, changed, out, resume=True).finished == 2
    (out / "cases" / "a" / "record.json").unlink()
    assert run_batch(plan, changed, out, resume=True).finished == 1


def test_what_somebody_has_reviewed_is_never_computed_again(tmp_path: Path) -> None:
    plan, options, out = study(tmp_path), quick_options(tmp_path), tmp_path / "out"
    run_batch(plan, options, out)
    accepted, unnoted = out / "cases" / "a", out / "cases" / "b"
    set_review(accepted, "accepted")
    (unnoted / CORRECTED).write_bytes(b"by hand")  # as a crash leaves it before the review is noted
    before = {path: path.read_bytes() for folder in (accepted, unnoted) for path in folder.iterdir()}
    heard, changed = Heard(), quick_options(tmp_path, fill_hole_area=4)
    summary = run_batch(plan, changed, out, resume=True, on_event=heard)
    assert (summary.finished, summary.reused) == (1, 2)
    assert computed(out)[3:] == ["c"]
    assert {path: path.read_bytes() for folder in (accepted, unnoted) for path in folder.iterdir()} == before
    assert [event.case for event in heard.of("said") if "was reviewed" in event.text] == ["a", "b"]

    shutil.rmtree(accepted)  # as the notice says
    (unnoted / "record.json").unlink()
    summary = run_batch(plan, changed, out, resume=True)
    assert (summary.finished, summary.reused) == (1, 1)
    assert [(item.case, item.status) for item in summary.not_succeeded] == [("b", "failed")]
    assert (unnoted / CORRECTED).read_bytes() == b"by hand"


def test_a_failed_case_is_tried_again(tmp_path: Path) -> None:
    plan, out = study(tmp_path), tmp_path / "out"
    good = (tmp_path / "images" / "b.nii.gz").read_bytes()
    (tmp_path / "images" / "b.nii.gz").write_bytes(good[:50])
    assert run_batch(plan, quick_options(tmp_path), out).failed == 1
    (tmp_path / "images" / "b.nii.gz").write_bytes(good)
    summary = run_batch(plan, quick_options(tmp_path), out, resume=True)
    assert (summary.finished, summary.reused, summary.succeeded) == (1, 2, True)


def test_another_choice_of_an_early_stop_is_computed_again(tmp_path: Path) -> None:
    plan, out, heard = study(tmp_path, "a"), tmp_path / "out", Heard()
    frames = np.full((9, 80, 96), 60, np.uint8)
    frames[:5] = disk_frames(slices=5)
    write_array(tmp_path / "images" / "a.nii.gz", frames)
    run_batch(plan, quick_options(tmp_path), out)
    whole = read_case_record(out / "cases" / "a")
    assert (read_run_record(out).options["early_stop"], whole.figures.computed_slices) == (False, 9)

    options = quick_options(tmp_path, early_stop=True)
    assert run_batch(plan, options, out, resume=True, on_event=heard).finished == 1
    assert any("Another choice of an early stop" in event.text for event in heard.of("said"))
    assert run_batch(plan, options, out, resume=True).reused == 1
    stopped = read_case_record(out / "cases" / "a")
    assert read_run_record(out).options["early_stop"] is True
    assert "early stop yes" in (out / "report.html").read_text(encoding="utf-8")
    assert (stopped.status, stopped.figures.computed_slices) == ("complete", 6)
    assert stopped.figures.millilitres == whole.figures.millilitres
    assert not any("not computed" in doubt.reason for doubt in stopped.look_first.doubts)


@pytest.mark.parametrize(
    "damage", ["record cut off", "file gone", "file shorter", "file empty", "old record, file gone"]
)
def test_a_case_whose_files_are_not_what_its_record_says_is_computed_again(tmp_path: Path, damage: str) -> None:
    plan, options, out = study(tmp_path, "ab"), quick_options(tmp_path), tmp_path / "out"
    run_batch(plan, options, out)
    folder = out / "cases" / "b"
    record, result = folder / "record.json", folder / "segmentation.seg.nrrd"
    assert read_case_record(folder).bytes[result.name] == result.stat().st_size
    if damage == "record cut off":
        record.write_bytes(record.read_bytes()[:100])
    elif damage == "file shorter":
        result.write_bytes(result.read_bytes()[:-1])
    elif damage == "file empty":
        (folder / "slices.csv").write_bytes(b"")
    else:
        if damage.startswith("old"):
            content = json.loads(record.read_text())
            del content["bytes"]
            record.write_text(json.dumps(content))
        result.unlink()
    summary = run_batch(plan, options, out, resume=True)
    assert (summary.finished, summary.reused, summary.succeeded) == (1, 1, True)
    assert computed(out) == ["a", "b", "b"]
    assert result.stat().st_size


def test_a_finished_case_of_an_older_version_stays_finished(tmp_path: Path) -> None:
    plan, options, out = study(tmp_path, "a"), quick_options(tmp_path), tmp_path / "out"
    run_batch(plan, options, out)
    record = out / "cases" / "a" / "record.json"
    content = json.loads(record.read_text())
    del content["bytes"]
    record.write_text(json.dumps(content))
    assert run_batch(plan, options, out, resume=True).reused == 1


@pytest.mark.parametrize("table", ["joint_raw_data.csv", "report.html", "summary.json"])
def test_a_run_that_cannot_write_its_tables_has_not_succeeded(tmp_path: Path, table: str) -> None:
    plan, options, out = study(tmp_path, "a"), quick_options(tmp_path), tmp_path / "out"
    (out / table).mkdir(parents=True)
    (out / table).rename(out / f".{table}")
    heard = Heard()

    def in_the_way(event: object) -> None:
        heard(event)
        if (out / f".{table}").exists():
            (out / f".{table}").rename(out / table)

    summary = run_batch(plan, options, out, on_event=in_the_way)
    assert (summary.finished, summary.succeeded, summary.stopped_code) == (1, False, "cannot_write")
    assert not heard.of("run_ended")[0].summary.succeeded
