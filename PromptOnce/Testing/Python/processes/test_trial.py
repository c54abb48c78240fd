"""Work that may hang or die, in a child process."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from PromptOnceLib.processes.trial import Outcome, try_in_child
from PromptOnceLib.processes.variables import with_package


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes a module whose work with the message is this code."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def make(code: str) -> str:
        (tmp_path / "tried.py").write_text(
            "import ctypes, os, sys\n"
            "from PromptOnceLib.processes.trial import run_child\n"
            f"def work(message):\n    {code}\n"
            "run_child(work)\n"
        )
        return "tried"

    return make


def test_what_the_child_writes_comes_back(module) -> None:
    assert try_in_child(module("sys.stdout.buffer.write(message[::-1])"), b"abc", 60) == (Outcome.FINE, b"cba")


@pytest.mark.parametrize(
    "code", ["ctypes.string_at(0)", "os.abort()", "raise ValueError"], ids=["segfault", "abort", "error"]
)
def test_a_child_that_dies_is_noticed(module, code: str) -> None:
    assert try_in_child(module(code), b"", 60)[0] is Outcome.DIED


@pytest.mark.skipif(sys.platform == "win32", reason="pause() is POSIX")
def test_a_child_that_hangs_in_c_ends_at_its_limit(module) -> None:
    # PyDLL keeps Python's lock, as ITK does: no other Python code gets to run.
    assert try_in_child(module("ctypes.PyDLL(None).pause()"), b"", 0.5)[0] is Outcome.TOO_SLOW


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no memory here")
def test_a_child_that_wants_more_memory_than_there_is(module) -> None:
    assert try_in_child(module("bytearray(1 << 46)"), b"", 60)[0] is Outcome.NO_MEMORY


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the child ends at its time limit")
def test_a_child_ends_with_its_parent(module, tmp_path: Path) -> None:
    name = module(f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); ctypes.PyDLL(None).pause()")
    code = (
        "import os, sys, threading\n"
        "from pathlib import Path\n"
        "from PromptOnceLib.processes.trial import try_in_child\n"
        "def end():\n"
        "    while not (Path(sys.argv[1]).is_file() and Path(sys.argv[1]).read_text()): pass\n"
        "    os._exit(9)\n"
        "threading.Thread(target=end).start()\n"
        f"try_in_child({name!r}, b'', 600)\n"
    )
    variables = with_package({"PYTHONPATH": str(tmp_path)})
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path / "pid")], env=variables, check=False)
    assert ended.returncode == 9
    with suppress(ProcessLookupError):
        child = os.pidfd_open(int((tmp_path / "pid").read_text()))
        assert select.select([child], [], [], 60)[0], "the child lives on"
