"""What keeps the results of two runs apart, and the state that survives a crash."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan, PlannedCase, PromptChoice, Selection
from PromptOnceLib.batch.run_folder.fingerprints import fingerprint, stamp_files
from PromptOnceLib.batch.run_folder.journal import Journal, JournalEntry, finished_cases, read_journal
from PromptOnceLib.batch.run_folder.open_run import open_run
from PromptOnceLib.batch.run_folder.records import read_case_record, write_case_record
from PromptOnceLib.errors import RunFolderError
from PromptOnceLib.files.stamp import FileStamp

STAMP = FileStamp(size=3, mtime_ns=1, sha256=hashlib.sha256(b"abc").hexdigest())
RECORD = read_case_record(Path(__file__).parents[1] / "compatibility" / "data" / "finished" / "cases" / "a").model_copy(
    update={"files": ()}
)


def plan_of(folder: Path, *names: str) -> BatchPlan:
    cases = []
    for name in names:
        path = folder / f"{name}.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"abc")
        cases.append(PlannedCase(name=name, image=path, files=(path,), prompt=PromptChoice(kind="auto")))
    return BatchPlan(selection=Selection(source=folder), cases=tuple(cases))


def finish(folder: Path, *names: str) -> None:
    """Results for these cases, as a run leaves them."""
    state = Journal(folder / "state.jsonl")
    for name in names:
        (folder / "cases" / name).mkdir(parents=True)
        write_case_record(folder / "cases" / name, RECORD)
        state.append(JournalEntry(case=name, event="writing", fingerprint="f", files=(STAMP,)))
        state.append(JournalEntry(case=name, event="finished"))
    state.close()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A run of the cases a and b, a finished."""
    with open_run(tmp_path / "out", plan_of(tmp_path / "images", "a", "b"), BatchOptions()):
        finish(tmp_path / "out", "a")
    return tmp_path / "out"


def refusal(out: Path, plan: BatchPlan, options: BatchOptions | None = None, resume: bool = True) -> str:
    with pytest.raises(RunFolderError) as error, open_run(out, plan, options or BatchOptions(), resume):
        pass
    return error.value.message


def test_a_run_is_not_begun_where_there_is_one(out: Path, tmp_path: Path) -> None:
    assert "Resume it" in refusal(out, plan_of(tmp_path / "images", "a", "b"), resume=False)
    told = refusal(out, plan_of(tmp_path / "images", "a", "b"), BatchOptions(precision="bfloat16"), resume=False)
    assert "Another precision than before: bfloat16, then auto" in told
    assert str(tmp_path / "images") in refusal(out, plan_of(tmp_path / "others", "a"), resume=False)


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("x")
    assert "other files" in refusal(tmp_path, plan_of(tmp_path / "images", "a"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "thesis.docx"]


def test_results_of_another_study_are_never_mixed_in(out: Path, tmp_path: Path) -> None:
    assert "finished cases that are not among these (a)" in refusal(out, plan_of(tmp_path / "others", "c"))
    other = plan_of(tmp_path / "others", "a", "b")
    (tmp_path / "others" / "a.nii.gz").write_bytes(b"another image")
    assert "its finished case a is another image" in refusal(out, other)


def test_images_of_equal_size_and_time_that_have_changed_names_are_never_mixed_up(out: Path, tmp_path: Path) -> None:
    """As DICOM series do, which are numbered, when another one comes before them."""
    plan = plan_of(tmp_path / "images", "a", "b")
    other = tmp_path / "images" / "0.nii.gz"
    other.write_bytes(b"xyz")
    for path in (other, tmp_path / "images" / "a.nii.gz"):
        os.utime(path, ns=(STAMP.mtime_ns, STAMP.mtime_ns))
    first = plan.cases[0].model_copy(update={"image": other, "files": (other,)})
    assert "its finished case a is another image" in refusal(out, plan.model_copy(update={"cases": (first,)}))


def test_a_study_that_was_moved_and_new_cases_are_gone_on_with(out: Path, tmp_path: Path) -> None:
    with open_run(out, plan_of(tmp_path / "moved", "a", "b", "c"), BatchOptions(), resume=True) as run:
        assert set(run.finished) == {"a"}
        assert run.notices == ("New cases: c.",)


def test_a_lock_of_a_dead_process_holds_nobody_off(out: Path, tmp_path: Path) -> None:
    (out / ".lock").write_text("left behind")
    with open_run(out, plan_of(tmp_path / "images", "a", "b"), BatchOptions(), resume=True) as run:
        assert set(run.finished) == {"a"}


def test_what_a_killed_run_left_half_is_removed(out: Path, tmp_path: Path) -> None:
    (out / "cases" / ".promptonce-0123-new").mkdir()
    with open_run(out, plan_of(tmp_path / "images", "a", "b"), BatchOptions(), resume=True):
        assert [path.name for path in (out / "cases").iterdir()] == ["a"]


def test_a_damaged_plan_is_told(out: Path, tmp_path: Path) -> None:
    (out / "plan.json").write_text('{"version": 99}')
    assert "damaged or of another version" in refusal(out, plan_of(tmp_path / "images", "a"))


def test_a_discarded_case_is_gone_in_one_step(out: Path, tmp_path: Path) -> None:
    with open_run(out, plan_of(tmp_path / "images", "a", "b"), BatchOptions(), resume=True) as run:
        run.discard("a")
        run.discard("never there")
    assert not (out / "cases" / "a").exists()


def test_a_line_that_a_crash_cut_off_harms_no_other(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    finish(tmp_path, "a")
    with path.open("ab") as file:
        file.write(b'{"case": "b", "event": "sta')
    finish(tmp_path, "c")
    assert [(step.case, step.event) for step in read_journal(path)] == [
        ("a", "writing"), ("a", "finished"), ("c", "writing"), ("c", "finished"),
    ]  # fmt: skip
    assert all(step.time for step in read_journal(path))


def test_a_case_is_finished_once_its_folder_is_there_even_if_nobody_could_note_it(tmp_path: Path) -> None:
    steps = [JournalEntry(case="a", event="writing", fingerprint="f", files=(STAMP,))]
    assert finished_cases(steps, tmp_path) == {}
    (tmp_path / "a").mkdir()
    write_case_record(tmp_path / "a", RECORD)
    assert finished_cases(steps, tmp_path)["a"].fingerprint == "f"


def test_a_file_is_read_again_only_when_size_or_time_changed(tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(b"abc")
    (stamp,) = stamp_files([path])
    forged = stamp.model_copy(update={"sha256": "f" * 64})
    assert stamp_files([path], [forged]) == (forged,)
    assert stamp_files([path], [forged.model_copy(update={"mtime_ns": 0})]) == (stamp,)
    assert stamp_files([path], [forged.model_copy(update={"size": 0})]) == (stamp,)


def test_the_fingerprint_is_of_contents_and_settings_not_of_places(tmp_path: Path) -> None:
    case = plan_of(tmp_path, "a").cases[0]
    options = BatchOptions()
    first = fingerprint(case, [STAMP], options, "model")
    same = [
        fingerprint(case.model_copy(update={"name": "z", "image": tmp_path, "group": "g"}), [STAMP], options, "model"),
        fingerprint(case, [STAMP.model_copy(update={"mtime_ns": 5})], options, "model"),
        fingerprint(case, [STAMP], BatchOptions(device="cuda", workers=4), "model"),
    ]
    assert set(same) == {first}
    others = [
        fingerprint(case.model_copy(update={"volume": "echo 2"}), [STAMP], options, "model"),
        fingerprint(case, [STAMP.model_copy(update={"sha256": "1" * 64})], options, "model"),
        fingerprint(case.model_copy(update={"window": "lung"}), [STAMP], options, "model"),
        fingerprint(case.model_copy(update={"axis": "i"}), [STAMP], options, "model"),
        fingerprint(case.model_copy(update={"slice": 3}), [STAMP], options, "model"),
        fingerprint(case, [STAMP], options, "other model"),
        fingerprint(case, [STAMP], options, "model", "seed"),
        fingerprint(case, [STAMP], BatchOptions(formats=("seg.nrrd", "nii.gz")), "model"),
        fingerprint(case, [STAMP], BatchOptions(precision="float16"), "model"),
    ]
    assert len({first, *others}) == 1 + len(others)
