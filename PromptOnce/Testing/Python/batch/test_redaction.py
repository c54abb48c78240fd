"""Nothing but the plan in a run's folder says where images lie and what they are called."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from worker.disks import disk_frames

from batch.studies import quick_options, write_array, write_disk_prompt, write_image
from PromptOnceLib.batch.planning.make_plan import make_plan
from PromptOnceLib.batch.planning.plan import BatchPlan, PlannedCase, PromptChoice, Selection
from PromptOnceLib.batch.report import write_report, write_run_tables
from PromptOnceLib.batch.run_folder.redaction import hide_folder, hide_paths
from PromptOnceLib.batch.running.run_batch import run_batch

PATIENT = "DOE^JOHN"
FOLDER = Path("/data") / PATIENT / "series 3"


def case(**changes: object) -> PlannedCase:
    image = FOLDER / "JOHN DOE.nii.gz"
    values = {"name": "case-1", "image": image, "files": (image,), "prompt": PromptChoice(kind="auto"), **changes}
    return PlannedCase.model_validate(values)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (f"{FOLDER}/JOHN DOE.nii.gz is an empty file.", "case-1 is an empty file."),
        ("JOHN DOE.nii.gz is damaged.", "case-1 is damaged."),
        (f"[Errno 13] Permission denied: '{FOLDER}/other'", "[Errno 13] Permission denied: 'case-1'"),
        (f"There is no folder /data/{PATIENT}.", "There is no folder case-1."),
        (f"the study {PATIENT} of today", "the study case-1 of today"),
        ("The series has 3 slices, the data 4.", "The series has 3 slices, the data 4."),
        ("Indata 4, metadata.nii.gz", "Indata 4, metadata.nii.gz"),
    ],
)
def test_a_sentence_names_the_case_in_place_of_its_files(text: str, hidden: str) -> None:
    assert hide_paths(text, case()) == hidden


def test_reference_prompt_and_every_file_of_a_series_are_hidden_too() -> None:
    files = tuple(FOLDER / f"{PATIENT}.{number}" for number in range(3))
    prompt = PromptChoice(kind="file", name=f"/elsewhere/{PATIENT}.json")
    series = case(image=files[0], files=files, dicom=True, reference=f"/labels/{PATIENT}_lung.nrrd:1,2", prompt=prompt)
    for path in (*map(str, files), files[2].name, f"/labels/{PATIENT}_lung.nrrd", prompt.name):
        assert hide_paths(f"{path} cannot be read.", series).startswith("case-1")
        assert "DOE" not in hide_paths(f"{path} cannot be read.", series)


def test_a_path_that_leads_over_a_link_is_hidden_by_both_names(tmp_path: Path) -> None:
    (tmp_path / PATIENT).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / PATIENT)
    linked = case(image=tmp_path / "link" / "a.nii.gz", files=())
    assert hide_paths(f"'{tmp_path / PATIENT / 'b.raw'}' is missing", linked) == "'case-1' is missing"


def test_the_runs_own_folder_is_hidden() -> None:
    folder = FOLDER / "run"
    assert hide_folder(f"{folder}/cases could not be written.", folder) == "the run's folder could not be written."
    assert hide_folder(f"There is no folder {FOLDER}.", folder) == "There is no folder a folder."


def _study(folder: Path) -> BatchPlan:
    """A manifest with neutral names for images of every kind of trouble, all called after a patient."""
    here = folder / PATIENT
    write_image(here / f"{PATIENT}.nii.gz")
    reference = sitk.GetImageFromArray((disk_frames(slices=6) > 128).astype(np.uint8))
    sitk.WriteImage(reference, str(here / f"{PATIENT}_label.nii.gz"))
    (here / f"{PATIENT}_unreadable.nii.gz").write_bytes(b"no image at all")
    write_array(here / f"{PATIENT}_four.nii.gz", np.zeros((2, 5, 80, 96), np.int16))
    write_array(here / f"{PATIENT}_small.nii.gz", np.zeros((5, 20, 20), np.int16))
    (here / f"{PATIENT}_header.mhd").write_text("ObjectType = Image\nNDims = 3\nElementDataFile = DOE.raw\n")
    (here / "dicom").mkdir()
    (here / "dicom" / PATIENT).write_bytes(b"\0" * 128 + b"DICM" + b"broken")
    write_disk_prompt(here / f"{PATIENT}.json")
    rows = [f"{PATIENT}.nii.gz,good,", f"{PATIENT}.nii.gz,compared,{PATIENT}_label.nii.gz"]
    rows += [f"{PATIENT}_{kind}.nii.gz,{kind}," for kind in ("unreadable", "four", "small")]
    rows += [f"{PATIENT}_header.mhd,header,", f"dicom/{PATIENT},dicom,", f"{PATIENT}.nii.gz,emptied,"]
    (here / "study.csv").write_text("\n".join(["image,case,reference", *rows]))
    prompt = PromptChoice(kind="file", name=str(here / f"{PATIENT}.json"))
    return make_plan(Selection(source=here / "study.csv", prompt=prompt))


@pytest.mark.usefixtures("_posix")
def test_no_file_of_a_run_but_its_plan_holds_the_name_of_a_patient(tmp_path: Path) -> None:
    plan = _study(tmp_path)
    # A file that is broken only after the planning, as on a share that others work on.
    emptied = plan.cases[-1].model_copy(update={"image": tmp_path / PATIENT / "gone" / f"{PATIENT}.nii.gz"})
    plan = plan.model_copy(update={"cases": (*plan.cases[:-1], emptied)})
    out = tmp_path / PATIENT / "run"
    summary = run_batch(plan, quick_options(tmp_path), out)
    write_run_tables(out)
    write_report(out)
    assert summary.finished >= 2
    assert {item.case for item in summary.not_succeeded} == {
        "unreadable", "four", "small", "header", "dicom", "emptied"
    }  # fmt: skip
    written = [path for path in out.rglob("*") if path.is_file() and path.name != "plan.json"]
    assert len(written) > 15
    for path in written:
        assert b"DOE" not in path.read_bytes(), path
        assert "DOE" not in str(path.relative_to(out))
    assert all("DOE" not in item.message for item in summary.not_succeeded)


@pytest.mark.usefixtures("_posix")
def test_only_its_owner_can_read_the_plan(tmp_path: Path) -> None:
    out = tmp_path / "run"
    run_batch(make_plan(_one(tmp_path)), quick_options(tmp_path), out)
    assert PATIENT in (out / "plan.json").read_text()
    assert sys.platform == "win32" or stat.S_IMODE((out / "plan.json").stat().st_mode) == 0o600


def _one(folder: Path) -> Selection:
    write_image(folder / PATIENT / "a.nii.gz")
    prompt = PromptChoice(kind="file", name=str(write_disk_prompt(folder / "prompt.json")))
    return Selection(source=folder / PATIENT, prompt=prompt)
