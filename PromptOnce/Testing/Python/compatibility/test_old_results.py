"""Batches and results of version 0.1.0 are read, gone on with and written as they were."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from batch.studies import computed, quick_options

from compatibility.old_files import BLUE, CONFIG_OF_THEN, DATA, LIVER, MODEL_OF_THEN, RECORDED, RED, sha256
from PromptOnceLib.batch.planning.make_plan import make_plan
from PromptOnceLib.batch.report import write_report, write_run_tables
from PromptOnceLib.batch.report.run_results import read_run
from PromptOnceLib.batch.run_folder.fingerprints import model_fingerprint
from PromptOnceLib.batch.run_folder.open_run import read_recorded
from PromptOnceLib.batch.run_folder.records import (
    read_case_record,
    read_run_record,
    set_review,
    write_case_record,
    write_run_record,
)
from PromptOnceLib.batch.running import prepare
from PromptOnceLib.batch.running.case_prompts import PromptSources
from PromptOnceLib.batch.running.run_batch import run_batch
from PromptOnceLib.cli.main import main
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.segmentation.io import read_segmentation, write_segmentation
from PromptOnceLib.segmentation.metrics import dice
from PromptOnceLib.segmentation.reference import read_reference
from PromptOnceLib.segmentation.result import read_csv, write_csv

TISSUE = (
    "Segmentation category and type - 3D Slicer General Anatomy list"
    "~SCT^85756007^Tissue~SCT^85756007^Tissue~^^~Anatomic codes - DICOM master list~^^~^^"
)


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def same_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded model is still the one that the runs were made with: what a model has found is kept for it alone."""

    def of_then(files: ModelFiles) -> str:
        return model_fingerprint(replace(files, sha256=MODEL_OF_THEN, config=CONFIG_OF_THEN))

    monkeypatch.setattr(prepare, "model_fingerprint", of_then)


# A finished batch


def test_a_finished_run_is_read_with_its_figures_and_masks(old: Path) -> None:
    run = read_run(old / "finished")
    assert [case.name for case in run.done] == ["a", "b", "c"]
    (failed,) = run.failed
    assert failed.failure is not None
    assert (failed.name, failed.failure.status, failed.failure.code) == ("d", "failed", "bad_volume")
    assert run.record.options["round_trip"] is True
    for case in run.done:
        assert case.record is not None
        record, expected = case.record, RECORDED["finished"][case.name]
        assert (record.status, record.seed_slice, record.axis, record.objects) == ("complete", 3, "k", ("object",))
        assert (record.figures.dice, record.figures.millilitres) == (expected["dice"], expected["millilitres"])
        assert record.identity.round_trip == expected["round_trip"]
        assert record.look_first.model_dump(mode="json") == expected["look"]
        for name in record.files:
            masks = read_segmentation(case.folder / name).masks
            assert [sha256(mask) for mask in masks] == expected["masks"]
        geometry = read_volume(old / "study" / f"{case.name}.nii.gz").geometry
        reference = read_reference(old / "study" / f"{case.name}_disk.nii.gz", geometry)
        assert dice(masks[0], reference) == expected["dice"]
        assert [row.slice for row in case.rows if row.computed and row.dice is not None] == list(range(6))


def test_tables_and_report_of_a_run_are_made_again(old: Path) -> None:
    folder = old / "finished"
    names = ["joint_raw_data.csv", "joint_results.csv", "results.csv"]
    before = {name: (folder / name).read_text(encoding="utf-8") for name in names}
    for name in (*names, "report.html"):
        (folder / name).unlink()
    assert [path.name for path in write_run_tables(folder)] == [*names, "cases.csv"]
    assert {name: (folder / name).read_text(encoding="utf-8") for name in names} == before
    page = write_report(folder).read_text(encoding="utf-8")
    assert "d is incomplete: it ends before its last voxel." in page
    for name in "abc":
        assert f"{RECORDED['finished'][name]['dice']:.3f}" in page


def test_records_are_written_as_they_were(old: Path, tmp_path: Path) -> None:
    write_run_record(tmp_path, read_run_record(old / "finished"))
    assert same_text(tmp_path / "run.json", old / "finished" / "run.json")
    for folder in (old / "finished" / "cases" / "a", old / "interrupted" / "cases" / "a"):
        write_case_record(tmp_path, read_case_record(folder))
        written = json.loads((tmp_path / "record.json").read_text(encoding="utf-8"))
        assert written.pop("bytes") == {}, "sizes of files, which 0.1.0 did not know"
        known = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        assert written["figures"].pop("reference_millilitres", None) is None, "a figure that 0.1.0 did not know"
        assert written["figures"].pop("measured") is True, "there was nothing else in 0.1.0"
        assert written["identity"].pop("load_seconds") is None, "nobody measured it in 0.1.0"
        assert written.pop("corrected") is None, "nothing was noted of corrections in 0.1.0"
        assert written.pop("per_object") == [], "figures that 0.1.0 did not know"
        assert written == known


def same_text(one: Path, other: Path) -> bool:
    return one.read_text(encoding="utf-8") == other.read_text(encoding="utf-8")


def test_a_result_of_an_old_run_is_accepted(old: Path) -> None:
    folder = old / "finished" / "cases" / "b"
    before = read_case_record(folder)
    set_review(folder, "accepted")
    now = read_case_record(folder)
    assert now.review.state == "accepted"
    assert now.model_copy(update={"review": before.review}) == before


@pytest.mark.usefixtures("same_model")
def test_resuming_a_finished_run_computes_nothing(
    old: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = old / "finished"
    steps, cases = computed(out), content(out / "cases")
    monkeypatch.setenv("PROMPTONCE_LIBRARY", str(old / "empty"))
    monkeypatch.setattr(sys, "argv", ["promptonce", "batch", "-o", str(out), "--resume", "--json", "--quiet"])
    with pytest.raises(SystemExit) as ended:
        main()
    summary = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1  # for the damaged image
    assert [summary[name] for name in ("total", "finished", "reused", "failed")] == [4, 0, 3, 1]
    assert [(item["case"], item["code"]) for item in summary["not_succeeded"]] == [("d", "bad_volume")]
    assert computed(out) == steps == ["a", "b", "c"]
    assert content(out / "cases") == cases


# A batch that was killed


@pytest.fixture
def _posix() -> None:
    """The quick worker is started by a shell script."""
    if sys.platform == "win32":
        pytest.skip("needs a shell")


@pytest.mark.usefixtures("_posix", "same_model")
def test_a_killed_run_is_gone_on_with_where_it_was(old: Path, tmp_path: Path) -> None:
    out = old / "interrupted"
    assert computed(out) == ["a", "b"]
    finished = content(out / "cases" / "a")
    recorded = read_recorded(out)
    assert recorded.options.library == old / "library"
    library = SeedLibrary(recorded.options.library)
    plan = make_plan(recorded.plan.selection, PromptSources(library).seed_problem)
    assert plan == recorded.plan
    options = recorded.options.model_copy(update={"python": quick_options(tmp_path).python})

    summary = run_batch(plan, options, out, resume=True)

    assert (summary.finished, summary.reused, summary.succeeded) == (2, 1, True)
    assert computed(out) == ["a", "b", "b", "c"]
    assert content(out / "cases" / "a") == finished
    for name in "abc":
        record = read_case_record(out / "cases" / name)
        assert record.identity.seed is not None
        assert (record.identity.seed.id, record.identity.group) == (RECORDED["interrupted"]["a"]["seed"], "disks")
        assert record.figures.dice is not None
        assert record.figures.dice > 0.99
    assert [use.name for use in read_run_record(out).seeds] == ["disk CT 1"]


@pytest.mark.usefixtures("_posix", "same_model")
def test_a_killed_run_that_was_moved_is_gone_on_with(old: Path, tmp_path: Path) -> None:
    out = old / "interrupted"
    recorded = read_recorded(out)
    (old / "study").rename(old / "moved")
    selection = recorded.plan.selection.model_copy(update={"source": old / "moved" / "study.csv"})
    options = recorded.options.model_copy(update={"python": quick_options(tmp_path).python})
    summary = run_batch(make_plan(selection), options, out, resume=True)
    assert (summary.finished, summary.reused, summary.succeeded) == (2, 1, True)


@pytest.mark.usefixtures("_posix")
def test_what_another_model_has_found_is_computed_again(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "model_fingerprint", lambda files: "another")
    out = old / "interrupted"
    recorded = read_recorded(out)
    options = recorded.options.model_copy(update={"python": quick_options(tmp_path).python})
    summary = run_batch(recorded.plan, options, out, resume=True)
    assert (summary.finished, summary.reused, summary.succeeded) == (3, 0, True)


# Segmentations and tables


def test_a_segmentation_file_holds_its_segments() -> None:
    found = read_segmentation(DATA / "segmentation" / "disk.seg.nrrd")
    assert [(s.name, s.color, s.terminology) for s in found.segments] == [
        ("Scheibe, groß", RED, LIVER),
        ("corner", BLUE, TISSUE),
    ]
    for segment, mask in zip(found.segments, found.masks, strict=True):
        expected = RECORDED["segmentation"][segment.name]
        assert (mask.sum(axis=(1, 2)).tolist(), sha256(mask)) == (expected["voxels"], expected["sha256"])
    assert found.geometry.same_grid(read_volume(DATA / "study" / "a.nii.gz").geometry)


def test_a_segmentation_file_is_written_as_it_was(tmp_path: Path) -> None:
    path = DATA / "segmentation" / "disk.seg.nrrd"
    found = read_segmentation(path)
    write_segmentation(tmp_path / "again.seg.nrrd", found.masks, found.segments, found.geometry)
    assert header(tmp_path / "again.seg.nrrd") == header(path)


def header(path: Path) -> list[str]:
    """The fields of a NRRD file; its comments name the day."""
    text = path.read_bytes().partition(b"\n\n")[0].decode("utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_the_table_of_a_result_is_that_of_its_masks(tmp_path: Path) -> None:
    rows = read_csv(DATA / "segmentation" / "disk.csv")
    found = read_segmentation(DATA / "segmentation" / "disk.seg.nrrd")
    union = np.max(found.masks, axis=0)
    geometry = read_volume(DATA / "study" / "a.nii.gz").geometry
    reference = read_reference(DATA / "study" / "a_disk.nii.gz", geometry)
    assert [row.computed for row in rows] == [True] * 5 + [False]
    for row in rows[:5]:
        assert row.area == np.count_nonzero(union[row.slice]) > 0
        assert row.dice == dice(union[row.slice], reference[row.slice])
        assert row.presence is not None
        assert 0.5 < row.presence <= 1
    assert (rows[5].area, rows[5].presence, rows[5].dice) == (None, None, None)
    write_csv(tmp_path / "again.csv", rows)
    assert same_text(tmp_path / "again.csv", DATA / "segmentation" / "disk.csv")
