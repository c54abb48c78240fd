"""A file that is written is complete or not there."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from imaging.dicom_files import write_dicom

from PromptOnceLib.cases.outputs import check_targets
from PromptOnceLib.errors import InputError, SegmentationFileError
from PromptOnceLib.files.atomic import replacing


def test_what_was_written_replaces_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old")
    with replacing(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
        assert temporary.suffix == ".csv"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, failure: type[BaseException]
) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old")

    def write_half() -> None:
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise failure

    with pytest.raises(failure):
        write_half()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EACCES, "read-only"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "Choose another folder"),
    ],
)
def test_an_error_of_the_system_becomes_a_sentence(tmp_path: Path, number: int, sentence: str) -> None:
    with (
        pytest.raises(SegmentationFileError, match=sentence),
        replacing(tmp_path / "a.nrrd", error=SegmentationFileError),
    ):
        raise OSError(number, "it failed")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no folder .*missing"), replacing(tmp_path / "missing" / "a.csv"):
        pass


def test_a_folder_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(InputError, match="folder of that name"), replacing(tmp_path / "a.csv"):
        pass
    assert (tmp_path / "a.csv").is_dir()


def test_a_file_in_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="there is no folder"), replacing(tmp_path / "file" / "a.csv"):
        pass


@pytest.mark.parametrize("name", ["a.csv", "inner/a.csv"])
def test_a_folder_that_nobody_else_may_enter_is_told(closed_folder: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"a\.csv could not be written: the folder .* is read-only"):
        check_targets([closed_folder / name], [])
    with pytest.raises(InputError, match="is read-only"), replacing(closed_folder / name):
        pass


def test_a_link_keeps_pointing_to_the_file_it_stands_for(tmp_path: Path) -> None:
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    target.write_text("old")
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("symbolic links cannot be made here")
    with replacing(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_targets_that_can_be_written_leave_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("old")
    check_targets([tmp_path / "old.csv", None, tmp_path / "new.png"], [tmp_path / "input.nii.gz"])
    assert [p.name for p in tmp_path.iterdir()] == ["old.csv"]
    assert (tmp_path / "old.csv").read_text() == "old"


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (["input.nii"], "input"),
        (["a.csv", "../here/a.csv"], "another output"),
        (["folder"], "folder"),
        (["no/such/folder.csv"], "folder"),
        (["pipe"], "ordinary"),
        (["slice.dcm"], "input"),
        (["caf\udce9.csv"], "rename"),
    ],
)
def test_targets_that_cannot_be_written_are_refused_before_the_work(
    tmp_path: Path, targets: list[str], words: str
) -> None:
    here = tmp_path / "here"
    (here / "folder").mkdir(parents=True)
    (here / "input.nii").write_text("input")
    write_dicom(here / "slice.dcm", np.zeros((1, 4, 5), np.int16))
    os.mkfifo(here / "pipe")
    with pytest.raises(InputError, match=words):
        check_targets([here / target for target in targets], [here / "input.nii"])
    assert (here / "input.nii").read_text() == "input"
