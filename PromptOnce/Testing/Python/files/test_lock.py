"""The lock between processes: who is held off, for how long, and what ends it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from PromptOnceLib.files.lock import LockedError, exclusive_lock
from PromptOnceLib.processes.variables import with_package

HOLDER = (
    "import sys, time; from pathlib import Path; from PromptOnceLib.files.lock import exclusive_lock\n"
    "with exclusive_lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.lock"


def test_a_lock_holds_others_off_until_its_holder_ends_and_leaves_no_file(path: Path) -> None:
    with exclusive_lock(path):
        for _ in range(2):
            with pytest.raises(LockedError), exclusive_lock(path):
                pass
    with exclusive_lock(path):
        pass
    assert list(path.parent.iterdir()) == []


def test_a_lock_ends_with_an_error_of_its_holder(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusive_lock(path):
        raise ZeroDivisionError
    with exclusive_lock(path):
        pass


def test_who_has_patience_gets_the_lock_when_the_holder_ends(path: Path) -> None:
    release, held = threading.Event(), threading.Event()

    def hold() -> None:
        with exclusive_lock(path):
            held.set()
            release.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(60)
    with pytest.raises(LockedError), exclusive_lock(path, patience=0.05):
        pass
    release.set()
    with exclusive_lock(path, patience=60):
        pass
    holder.join()


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL")
def test_the_lock_of_a_program_that_was_killed_is_free(path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, env=with_package(os.environ), stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LockedError), exclusive_lock(path):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with exclusive_lock(path):
        pass


def test_a_lock_file_left_by_a_crash_holds_nobody_off(path: Path) -> None:
    path.write_text("left behind")
    with exclusive_lock(path):
        assert path.is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_the_file_is_open_to_the_other_users_of_a_shared_folder(path: Path) -> None:
    with exclusive_lock(path):
        assert path.stat().st_mode & 0o777 == 0o666


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_folder_that_knows_no_locks_holds_nobody_off(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def refuse(_descriptor: int, _operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with exclusive_lock(path), exclusive_lock(path):
        pass


def test_a_file_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"), exclusive_lock(tmp_path / "file" / "a.lock"):
        pass
