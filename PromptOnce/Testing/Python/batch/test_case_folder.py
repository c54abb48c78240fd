"""The folder of a case: everything is in it, or it is not there."""

from __future__ import annotations

import errno
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from batch.sample_runs import Sample, leaking, sample_run, vanishing, write_sample
from PromptOnceLib.batch.run_folder import case_folder
from PromptOnceLib.batch.run_folder.case_folder import write_case
from PromptOnceLib.batch.run_folder.records import CaseIdentity, ModelUse, read_case_record, set_review
from PromptOnceLib.errors import InputError, RunFolderError
from PromptOnceLib.segmentation.io import read_segmentation
from PromptOnceLib.segmentation.result import read_csv

IDENTITY = CaseIdentity(case="a", model=ModelUse(name="nano"))
FILES = ["record.json", "sheet.png", "slices.csv", "thumbnail-look.png", "thumbnail-seed.png"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_case_folder_holds_everything_of_the_case(tmp_path: Path) -> None:
    run = sample_run(Sample("a", disturb=leaking))
    record = write_case(run, tmp_path / "a", IDENTITY, ("seg.nrrd", "nii.gz"))
    folder = tmp_path / "a"
    assert names(tmp_path) == ["a"]
    assert names(folder) == sorted([*FILES, "segmentation.seg.nrrd", "segmentation.nii.gz"])
    assert read_case_record(folder) == record
    assert read_csv(folder / "slices.csv") == run.rows
    for file in record.files:
        np.testing.assert_array_equal(read_segmentation(folder / file).masks[0], run.result.to_volume_order(0))
    for picture in ("sheet.png", "thumbnail-look.png", "thumbnail-seed.png"):
        with Image.open(folder / picture) as opened:
            assert min(opened.size) > 50


def test_the_record_holds_what_the_run_was(tmp_path: Path) -> None:
    run, record = write_sample(tmp_path, Sample("a", "GE", vanishing))
    assert record.identity.group == "GE"
    assert (record.window, record.axis, record.seed_slice) == ("lung", "k", run.case.prompt.slice)
    assert record.figures.dice == run.totals.dice
    assert record.figures.dice_per_slice == run.totals.dice_per_slice
    assert record.figures.computed_slices == len(run.rows)
    assert record.look_first.slice == run.case.prompt.slice + 2
    assert record.review.state == "none"


def test_a_cancelled_run_is_recorded_as_partial(tmp_path: Path) -> None:
    run = sample_run(Sample("a"))
    run.cancelled = True
    assert write_case(run, tmp_path / "a", IDENTITY).status == "partial"


def test_an_older_result_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write_case(sample_run(Sample("a")), tmp_path / "a", IDENTITY, ("seg.nrrd", "nii.gz"))
    write_case(sample_run(Sample("a")), tmp_path / "a", IDENTITY)
    assert names(tmp_path) == ["a"]
    assert names(tmp_path / "a") == sorted([*FILES, "segmentation.seg.nrrd"])


@pytest.mark.parametrize("step", ["write_outputs", "_write_thumbnail", "write_case_record", "_put_in_place"])
def test_a_full_disk_leaves_the_older_result_and_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    write_case(sample_run(Sample("a")), tmp_path / "a", IDENTITY)
    before = (tmp_path / "a" / "record.json").read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(case_folder, step, full)
    with pytest.raises(RunFolderError, match="the disk is full") as failure:
        write_case(sample_run(Sample("a")), tmp_path / "a", IDENTITY)
    assert isinstance(failure.value.__cause__, OSError)
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a" / "record.json").read_bytes() == before


def test_an_older_result_comes_back_when_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_case(sample_run(Sample("a")), tmp_path / "a", IDENTITY)
    rename = Path.rename

    def refusing(self: Path, target: Path) -> Path:
        if self.name.endswith("-new"):
            raise OSError(errno.EACCES, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(RunFolderError):
        write_case(sample_run(Sample("a")), tmp_path / "a", IDENTITY)
    assert names(tmp_path) == ["a"]
    assert read_case_record(tmp_path / "a").status == "complete"


def test_an_unknown_format_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="end in"):
        write_case(sample_run(Sample("a")), tmp_path / "a", IDENTITY, ("seg.nrrd", "doc"))
    assert names(tmp_path) == []


def test_a_review_is_kept_with_its_day(tmp_path: Path) -> None:
    _, record = write_sample(tmp_path, Sample("a"))
    reviewed = set_review(tmp_path / "a", "accepted", date(2026, 1, 2))
    assert read_case_record(tmp_path / "a") == reviewed
    assert (reviewed.review.state, reviewed.review.day) == ("accepted", "2026-01-02")
    assert set_review(tmp_path / "a", "none") == record
