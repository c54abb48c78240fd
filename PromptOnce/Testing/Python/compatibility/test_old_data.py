"""What version 0.1.0 wrote is read, applied and gone on with: seeds, batches, prompts and results.

The files in data/ were made by version 0.1.0 (commit 054f464), and what it found in them stands in recorded.json. None
of them may ever be made anew: a test that fails here means that users lose work.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batch.studies import computed, quick_options
from seeds.sample_seeds import same

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
from PromptOnceLib.batch.running.case_prompts import PromptSources, seed_fingerprint
from PromptOnceLib.batch.running.run_batch import run_batch
from PromptOnceLib.cases.case import prepare_case
from PromptOnceLib.cli.main import main
from PromptOnceLib.imaging.orientation import FrameOrientation
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt, read_prompt
from PromptOnceLib.seeds.apply import SeedSource, shared_seed
from PromptOnceLib.seeds.archive import export_seeds, import_seeds
from PromptOnceLib.seeds.fit import fit_seed
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.seeds.matching import rank
from PromptOnceLib.seeds.similarity import Comparison, read_features
from PromptOnceLib.segmentation.io import read_segmentation, write_segmentation
from PromptOnceLib.segmentation.metrics import dice
from PromptOnceLib.segmentation.reference import read_reference
from PromptOnceLib.segmentation.result import read_csv, write_csv

DATA = Path(__file__).parent / "data"
MODEL_OF_THEN = "e06cf097bf8a68e92ee7b965ca53ec9b45789699e575aa8a08f866d5bd437583"
"""SHA-256 of the embedded model that the files were made with."""
CONFIG_OF_THEN = "14e7e0720cd29d38eb63ff298fca3b39c9175b1914577c8198363330dc35e5c0"
"""SHA-256 of its configuration."""
RECORDED: dict[str, Any] = json.loads((DATA / "recorded.json").read_text(encoding="utf-8"))
LIVER = (
    "Segmentation category and type - 3D Slicer General Anatomy list"
    "~SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^~Anatomic codes - DICOM master list~^^~^^"
)
TISSUE = (
    "Segmentation category and type - 3D Slicer General Anatomy list"
    "~SCT^85756007^Tissue~SCT^85756007^Tissue~^^~Anatomic codes - DICOM master list~^^~^^"
)
RED, BLUE = (0.9, 0.1, 0.2), (0.1, 0.4, 0.9)
CORNER = ObjectPrompt(name="corner", color=BLUE, box=Box(x0=2, y0=3, x1=12, y1=14))


def sha256(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).astype(np.uint8).tobytes()).hexdigest()


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def same_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded model is still the one that the runs were made with: what a model has found is kept for it alone."""

    def of_then(files: ModelFiles) -> str:
        return model_fingerprint(replace(files, sha256=MODEL_OF_THEN, config=CONFIG_OF_THEN))

    monkeypatch.setattr(prepare, "model_fingerprint", of_then)


# Seeds


@pytest.fixture
def library(old: Path) -> SeedLibrary:
    return SeedLibrary(old / "library")


def test_all_seeds_are_in_the_library_with_everything_that_was_known(library: SeedLibrary) -> None:
    listing = library.list()
    assert listing.notices == ()
    assert [seed.name for seed in listing.seeds] == list(RECORDED["seeds"])
    for seed in listing.seeds:
        record, expected = seed.record, RECORDED["seeds"][seed.name]
        assert (seed.id, record.plane, record.mean_of) == (expected["id"], expected["plane"], expected["mean_of"])
        scanner = None if record.scanner is None else record.scanner.model_dump(mode="json")
        trip = None if record.round_trip is None else record.round_trip.model_dump(mode="json")
        assert (scanner, trip) == (expected["scanner"], expected["round_trip"])
        assert seed_fingerprint(seed) == expected["fingerprint"]
    trip = library.get("disk CT 1").record.round_trip
    assert trip is not None
    assert (round(trip.worst, 3), trip.trust, trip.model) == (0.933, "good", "nano")
    knee = library.get("knee MR").record
    assert (knee.author, knee.licence, knee.note) == ("the developers", "Apache-2.0", "Generated.\nTwo lines.")
    assert (knee.objects[0].terminology, knee.window.name) == (LIVER, "120/240")


def test_a_seed_is_written_as_it_was(library: SeedLibrary) -> None:
    for seed in library.list().seeds:
        written = (library.folder / seed.id / "seed.json").read_text(encoding="utf-8")
        assert seed.record.to_json() + "\n" == written


def test_a_deleted_seed_comes_back_from_the_trash(library: SeedLibrary) -> None:
    assert [seed.name for seed in library.trashed().seeds] == ["disk CT 0"]
    library.restore("disk CT 0")
    assert len(library.list().seeds) == 5
    assert library.trashed().seeds == ()


@pytest.mark.parametrize("name", RECORDED["seeds"])
def test_a_seed_prompts_another_volume_with_what_it_did(library: SeedLibrary, old: Path, name: str) -> None:
    seed, expected = library.get(name), RECORDED["seeds"][name]
    geometry, axis = read_volume(old / "study" / "a.nii.gz").geometry, expected["axis"]
    assert FrameOrientation.of(geometry, axis).plane == expected["plane"]
    applied = shared_seed(SeedSource((seed,)), geometry, axis)
    assert (applied.slice, sha256(applied.frames[0].frame)) == (expected["start"], expected["frame"])
    assert [item.model_dump(mode="json") for item in applied.objects] == expected["objects"]
    masks = fit_seed(seed, geometry, axis, by="mask").objects
    for item, accepted in zip(applied.objects, masks, strict=True):
        mask = accepted.mask_array()
        assert mask.any()
        assert all(mask[round(p.y), round(p.x)] for p in item.points if p.positive)
        if item.box is not None:
            rows, columns = np.nonzero(mask)
            assert item.box.x0 < columns.mean() < item.box.x1
            assert item.box.y0 < rows.mean() < item.box.y1


def test_seeds_are_ranked_as_they_were(library: SeedLibrary, old: Path) -> None:
    matches = rank(library.list().seeds, read_volume(old / "study" / "a.nii.gz"), 0)
    found = [{"seed": m.seed.name, "score": m.score, "usable": m.usable, "reasons": list(m.reasons)} for m in matches]
    assert found == RECORDED["ranked"]


def test_features_of_a_frame_are_not_computed_again(library: SeedLibrary, old: Path) -> None:
    model = MODEL_OF_THEN
    seeds = [seed for seed in library.list().seeds if seed.record.plane == "axial"]
    comparison = Comparison.of(library, seeds, read_volume(old / "study" / "a.nii.gz"), 0, model)
    assert comparison.missing == tuple(seed.id for seed in seeds if seed.name != "disk CT 1")
    assert len(comparison.frames) == 3
    kept = read_features(library, library.get("disk CT 1").id, f"likeness-{model}")
    assert kept is not None
    alike = comparison.take(np.stack([-kept, kept, kept]))
    assert [round(alike[seed.id], 4) for seed in seeds] == [1, -1, 1]


def test_an_archive_fills_an_empty_library_with_the_same_seeds(library: SeedLibrary, old: Path) -> None:
    empty = SeedLibrary(old / "empty")
    saved = import_seeds(old / "seeds.zip", empty)
    assert [seed.name for seed in saved.added] == list(RECORDED["seeds"])
    for mine, theirs in zip(library.list().seeds, empty.list().seeds, strict=True):
        assert same(mine, theirs)


def test_an_archive_is_written_as_it_was(library: SeedLibrary, old: Path) -> None:
    export_seeds(library.list().seeds, old / "again.zip")
    with zipfile.ZipFile(old / "seeds.zip") as before, zipfile.ZipFile(old / "again.zip") as now:
        assert now.namelist() == before.namelist()
        for name in now.namelist():
            assert now.getinfo(name).date_time == before.getinfo(name).date_time
            # The pictures are compressed by Pillow, whose next version may do it otherwise.
            assert not name.endswith(".json") or now.read(name) == before.read(name)


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


# Prompts and results


def test_prompt_files_of_every_form_say_what_they_said() -> None:
    points = (Point(x=35, y=31, positive=True), Point(x=5, y=5.5, positive=False))
    drawn = ObjectPrompt(
        name="Scheibe, groß", color=RED, terminology=LIVER, box=Box(x0=18.5, y0=14.5, x1=51.5, y1=47.5), points=points
    )
    assert read_prompt(DATA / "prompts" / "written.json") == Prompt(axis=0, slice=2, objects=(drawn, CORNER))
    by_hand = (
        ObjectPrompt(box=Box(x0=18, y0=15, x1=52, y1=47)),
        ObjectPrompt(name="point", points=(Point(x=35, y=31, positive=True),)),
    )
    assert read_prompt(DATA / "prompts" / "by-hand.json") == Prompt(axis=None, slice=2, objects=by_hand)
    masked = read_prompt(DATA / "prompts" / "mask.json")
    assert (masked.axis, masked.slice, masked.objects[1]) == (None, 3, CORNER)
    y, x = np.mgrid[:64, :72]
    assert np.array_equal(masked.objects[0].mask_array(), np.hypot(x - 36, y - 31) < 15)


@pytest.mark.parametrize("name", ["written.json", "mask.json"])
def test_a_prompt_file_is_written_as_it_was(name: str) -> None:
    path = DATA / "prompts" / name
    assert read_prompt(path).to_json() + "\n" == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["written.json", "mask.json", "by-hand.json"])
def test_an_old_prompt_file_prompts_its_image(name: str) -> None:
    prompt = read_prompt(DATA / "prompts" / name)
    case = prepare_case(read_volume(DATA / "study" / "a.nii.gz"), prompt)
    assert isinstance(case.prompt, Prompt)
    assert (case.axis.axis, case.prompt.slice, case.prompt.objects) == (0, prompt.slice, prompt.objects)


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
