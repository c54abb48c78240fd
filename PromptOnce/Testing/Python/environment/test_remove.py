"""Removing the engine's environment: all that is ours, nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from environment.engine_environments import make_complete, start_installation
from PromptOnceLib.environment.installation import Layout, State, layout, status
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


def remove(place: Layout, pieces: int = 200) -> list[float]:
    removal = Removal(place)
    removal.start()
    shares = []
    while not removal.over:
        shares.append(removal.advance(pieces))
    return shares


def test_everything_goes_with_the_folder(place: Layout) -> None:
    (place.pythons / "cpython").mkdir(parents=True)
    place.uv_folder.mkdir()
    assert remove(place) == [1.0]
    assert not place.folder.exists()
    assert status(place.folder).state is State.ABSENT


def test_it_goes_on_piece_by_piece(place: Layout) -> None:
    shares = remove(place, pieces=5)
    assert shares == sorted(shares)
    assert len(shares) > 5
    assert shares[-1] == 1
    assert 0 < shares[3] < 1


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


def test_a_removal_that_was_interrupted_can_be_taken_up_again(place: Layout) -> None:
    removal = Removal(place)
    removal.start()
    removal.advance(10)
    removal.cancel()
    assert removal.over
    assert status(place.folder).state is State.UNFINISHED
    assert remove(place)[-1] == 1
    assert not place.folder.exists()


def test_nothing_is_removed_while_it_is_being_installed(tmp_path: Path) -> None:
    installed = start_installation(tmp_path).advance_to(3)
    with pytest.raises(EngineError, match="another window or program"):
        Removal(installed.place).start()
    assert installed.finish().ends == [None]


def test_nothing_is_installed_while_it_is_being_removed(place: Layout) -> None:
    removal = Removal(place)
    removal.start()
    removal.advance(5)
    with pytest.raises(EngineError, match="another window or program"):
        start_installation(place.folder.parent, backend="auto")
    assert removal.advance() == 1


def test_a_file_in_use_stops_the_removal_with_what_to_do(place: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    unlink = Path.unlink

    def refuse(self: Path, missing_ok: bool = False) -> None:
        if self.name == "7.so":
            raise PermissionError(13, "in use", str(self))
        unlink(self, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        with pytest.raises(EngineError, match="close the programs that use it"):
            remove(place)
    assert status(place.folder).state is State.UNFINISHED
    remove(place)
    assert not place.folder.exists()
