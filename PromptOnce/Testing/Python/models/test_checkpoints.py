"""The folder of checkpoints: where it is, what is in it, verifying and deleting."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import platformdirs
import pytest

from PromptOnceLib.errors import CheckpointError, ModelError
from PromptOnceLib.files.lock import exclusive_lock
from PromptOnceLib.models import checkpoints
from PromptOnceLib.models.checkpoints import (
    FOLDER_VARIABLE,
    check_before_use,
    checkpoints_folder,
    delete,
    lock_path,
    origin_path,
    part_path,
    status,
    verify,
)
from PromptOnceLib.models.model_entry import ModelEntry
from PromptOnceLib.models.registry import load_registry

CONTENT = bytes(range(256)) * 20


@pytest.fixture
def entry() -> ModelEntry:
    tiny = load_registry().get("tiny")
    return tiny.model_copy(update={"bytes": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()})


def put(entry: ModelEntry, folder: Path, content: bytes = CONTENT) -> Path:
    file = folder / entry.file
    file.write_bytes(content)
    return file


def count_hashing(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    hashed: list[Path] = []
    original = checkpoints.file_sha256

    def counting(path: Path, progress: checkpoints.Progress | None = None) -> str:
        hashed.append(path)
        return original(path, progress)

    monkeypatch.setattr(checkpoints, "file_sha256", counting)
    return hashed


def test_the_folder_is_in_the_user_s_data_folder_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    assert checkpoints_folder() == Path(platformdirs.user_data_dir("PromptOnce", appauthor=False)) / "models"
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "from environment"))
    assert checkpoints_folder() == tmp_path / "from environment"
    assert checkpoints_folder(tmp_path / "argument") == tmp_path / "argument"


def test_the_status_of_a_model_that_is_not_there(entry: ModelEntry, tmp_path: Path) -> None:
    found = status(entry, tmp_path / "not made yet")
    assert (found.present, found.complete, found.checked) == (False, False, False)


def test_the_status_tells_an_incomplete_file_from_a_complete_one(entry: ModelEntry, tmp_path: Path) -> None:
    put(entry, tmp_path, CONTENT[:-1])
    short = status(entry, tmp_path)
    assert (short.present, short.complete) == (True, False)
    put(entry, tmp_path)
    assert status(entry, tmp_path).complete


def test_a_file_of_unknown_size_counts_as_complete_when_it_holds_something(entry: ModelEntry, tmp_path: Path) -> None:
    unknown = entry.model_copy(update={"bytes": None, "about_megabytes": 1})
    put(unknown, tmp_path, b"")
    assert not status(unknown, tmp_path).complete
    put(unknown, tmp_path)
    assert status(unknown, tmp_path).complete


def test_verifying_reports_its_progress_to_the_end(entry: ModelEntry, tmp_path: Path) -> None:
    file = put(entry, tmp_path)
    seen: list[tuple[int, int | None]] = []
    assert verify(entry, tmp_path, lambda done, total: seen.append((done, total))) == file
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert status(entry, tmp_path).checked


def test_verifying_an_absent_model_says_how_to_get_it(entry: ModelEntry, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="tiny is not on this computer: download it") as caught:
        verify(entry, tmp_path)
    assert caught.value.model == "tiny"


def test_a_folder_that_may_not_be_opened_holds_no_model_and_is_told(entry: ModelEntry, closed_folder: Path) -> None:
    assert not status(entry, closed_folder / "models").present
    with pytest.raises(ModelError, match=r"folder .* cannot be opened"):
        check_before_use(entry, closed_folder / "models")
    with pytest.raises(ModelError, match="cannot be deleted"):
        delete(entry, closed_folder / "models")


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x", CONTENT[::-1], b""])
def test_a_file_that_is_not_the_model_is_refused_and_left_where_it_is(
    entry: ModelEntry, tmp_path: Path, content: bytes
) -> None:
    file = put(entry, tmp_path, content)
    with pytest.raises(ModelError, match="is not the model tiny"):
        verify(entry, tmp_path)
    assert file.read_bytes() == content
    assert not status(entry, tmp_path).checked


def test_a_file_is_hashed_once_and_again_only_after_a_change(
    entry: ModelEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = count_hashing(monkeypatch)
    file = put(entry, tmp_path)
    check_before_use(entry, tmp_path)
    check_before_use(entry, tmp_path)
    assert len(hashed) == 1
    put(entry, tmp_path, CONTENT[::-1])
    os.utime(file, ns=(1, 1))
    with pytest.raises(ModelError):
        check_before_use(entry, tmp_path)
    assert len(hashed) == 2


def test_a_damaged_note_only_means_that_the_file_is_read_again(entry: ModelEntry, tmp_path: Path) -> None:
    put(entry, tmp_path)
    verify(entry, tmp_path)
    (tmp_path / f"{entry.file}.checked").write_text("{")
    assert not status(entry, tmp_path).checked
    check_before_use(entry, tmp_path)
    assert status(entry, tmp_path).checked


def test_the_note_of_another_version_does_not_vouch_for_this_one(entry: ModelEntry, tmp_path: Path) -> None:
    put(entry, tmp_path)
    verify(entry, tmp_path)
    assert not status(entry.model_copy(update={"sha256": "0" * 64}), tmp_path).checked


def test_deleting_removes_the_file_and_all_that_belongs_to_it(entry: ModelEntry, tmp_path: Path) -> None:
    file = put(entry, tmp_path)
    verify(entry, tmp_path)
    part_path(file).write_bytes(b"half")
    origin_path(file).write_text("{}")
    (tmp_path / "notes of the user.txt").write_text("mine")
    assert delete(entry, tmp_path) >= len(CONTENT) + len(b"half")
    assert [left.name for left in tmp_path.iterdir()] == ["notes of the user.txt"]


def test_deleting_what_is_not_there_frees_nothing(entry: ModelEntry, tmp_path: Path) -> None:
    assert delete(entry, tmp_path) == 0
    assert delete(entry, tmp_path / "not made yet") == 0
    assert list(tmp_path.iterdir()) == []


def test_deleting_during_a_download_is_refused(entry: ModelEntry, tmp_path: Path) -> None:
    file = put(entry, tmp_path)
    with exclusive_lock(lock_path(file)), pytest.raises(ModelError, match="is being downloaded"):
        delete(entry, tmp_path)
    assert file.is_file()


def test_the_embedded_model_cannot_be_deleted() -> None:
    with pytest.raises(ModelError, match="part of PromptOnce"):
        delete(load_registry().get("nano"))
