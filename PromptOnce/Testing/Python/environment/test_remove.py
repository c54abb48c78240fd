"""Removing the engine's environment: all that is ours, nothing else."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from environment.engine_environments import make_complete, start_installation
from PromptOnceLib.environment import remove as remove_module
from PromptOnceLib.environment.installation import EnvironmentState, Layout, layout, status
from PromptOnceLib.environment.remove import Removal
from PromptOnceLib.errors import EngineError, InputError


@pytest.fixture
def place(tmp_path: Path) -> Layout:
    """A complete environment of a few files, 3000 bytes of them in torch."""
    place = layout(tmp_path / "engine")
    place.folder.mkdir()
    make_complete(place, size_bytes=4000)
    package = place.venv / "lib" / "torch"
    package.mkdir(parents=True)
    for index in range(30):
        (package / f"{index}.so").write_bytes(bytes(100))
    place.log.write_text("said")
    return place


def remove(place: Layout) -> Removal:
    removal = Removal(place)
    removal.start()
    assert removal.wait()
    return removal


def test_everything_goes_with_the_folder(place: Layout) -> None:
    (place.pythons / "cpython").mkdir(parents=True)
    place.uv_folder.mkdir()
    assert remove(place).size_bytes == 4000
    assert not place.folder.exists()
    assert status(place.folder).state is EnvironmentState.ABSENT


def test_a_folder_that_is_not_ours_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "precious").write_text("")
    with pytest.raises(InputError, match="nothing was removed"):
        Removal(layout(tmp_path)).start()
    assert (tmp_path / "venv" / "precious").exists()


def test_a_file_somebody_put_there_stays(place: Layout) -> None:
    (place.folder / "notes.txt").write_text("mine")
    remove(place)
    assert [path.name for path in place.folder.iterdir()] == ["notes.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_go_and_what_they_point_to_stays(place: Layout, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("kept")
    (place.venv / "lib64").symlink_to(place.venv / "lib", target_is_directory=True)
    (place.venv / "outside").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (place.venv / "dangling").symlink_to(tmp_path / "nothing")
    place.pythons.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    remove(place)
    assert not place.folder.exists()
    assert (tmp_path / "elsewhere" / "file").read_text() == "kept"


def test_nothing_is_removed_while_it_is_being_installed(tmp_path: Path) -> None:
    installed = start_installation(tmp_path).advance_to(3)
    with pytest.raises(EngineError, match="another window or program"):
        Removal(installed.place).start()
    assert installed.finish().ends == [None]


def test_nothing_is_installed_while_it_is_being_removed(place: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(remove_module, "_remove_tree", lambda folder: go_on.wait(60))
    removal = Removal(place)
    removal.start()
    assert not removal.wait(0.01)
    with pytest.raises(EngineError, match="another window or program"):
        start_installation(place.folder.parent, backend="auto")
    go_on.set()
    assert removal.wait()


def test_a_file_in_use_stops_the_removal_with_what_to_do(place: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    unlink = os.unlink

    def refuse(path: str, **options: Any) -> None:
        if Path(path).name == "7.so":
            raise PermissionError(13, "in use", str(path))
        unlink(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", refuse)
        with pytest.raises(EngineError, match="close the programs that use it"):
            remove(place)
    assert status(place.folder).state is EnvironmentState.UNFINISHED
    remove(place)
    assert not place.folder.exists()


def test_a_file_that_windows_will_not_remove_before_it_is_writable_goes(
    place: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = place.venv / "lib" / "torch" / "7.so"
    file.chmod(0o400)
    unlink = os.unlink

    def refuse(path: str, **options: Any) -> None:
        if Path(path).name == "7.so" and not file.stat().st_mode & 0o200:
            raise PermissionError(13, "read-only", str(path))
        unlink(path, **options)

    monkeypatch.setattr(os, "unlink", refuse)
    remove(place)
    assert not place.folder.exists()
