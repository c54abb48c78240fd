"""Running one command after the other: the protocol of a runner, one on subprocess, and ending a process tree."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol

from PromptOnceLib.processes.lines import Lines

OnLine = Callable[[str], None]
"""Called with each whole line the process wrote, without its end; empty lines are left out."""

OnOutput = Callable[[bytes], None]
"""Called with what the process wrote, standard output and standard error together, in pieces of any length."""

OnEnd = Callable[[int | None], None]
"""Called once with the exit status, or None where the process could not be started."""


OWN_GROUP: dict[str, Any] = {
    "start_new_session": True,
    "creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
}
"""For subprocess.Popen: Ctrl-C in the terminal reaches this program alone, which then cancels or kills."""


class ProcessRunner(Protocol):
    """Runs one process at a time. Callbacks come in the thread that owns the runner, also from within start."""

    def start(self, command: Sequence[str], environment: Mapping[str, str], on_output: OnOutput, on_end: OnEnd) -> None:
        """Start a command with exactly these variables and an empty standard input; return at once, never raise."""

    def kill(self) -> None:
        """End the process and all it started, and wait for that; no callback comes after it."""


def start_lines(
    runner: ProcessRunner, command: Sequence[str], environment: Mapping[str, str], on_line: OnLine, on_end: OnEnd
) -> None:
    """Start a command as ProcessRunner.start does, with its output cut into lines."""
    lines = Lines()

    def take(data: bytes) -> None:
        for line in lines.feed(data):
            on_line(line)

    def end(status: int | None) -> None:
        for line in lines.rest():
            on_line(line)
        on_end(status)

    runner.start(command, environment, take, end)


class SubprocessRunner:
    """A runner on subprocess, with one thread that reads. Callbacks come from within `pump`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._pieces: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._on_output: OnOutput = _ignore
        self._on_end: OnEnd = _ignore

    def start(self, command: Sequence[str], environment: Mapping[str, str], on_output: OnOutput, on_end: OnEnd) -> None:
        """See ProcessRunner."""
        self._on_output, self._on_end, self._pieces = on_output, on_end, queue.SimpleQueue()
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                **OWN_GROUP,
            )
        except OSError as error:
            on_output(f"{command[0]}: {error}\n".encode())
            on_end(None)
            return
        threading.Thread(target=_read, args=(self._process.stdout, self._pieces), daemon=True).start()

    def kill(self) -> None:
        """See ProcessRunner."""
        process, self._process = self._process, None
        self._on_output, self._on_end = _ignore, _ignore
        if process is not None:
            kill_tree(process.pid)
            process.wait()

    def pump(self, timeout: float) -> None:
        """Hand on what the process wrote, waiting up to `timeout` seconds for something."""
        if self._process is None:
            return
        try:
            piece = self._pieces.get(timeout=timeout)
        except queue.Empty:
            return
        if piece is not None:
            self._on_output(piece)
            return
        process, self._process = self._process, None
        self._on_end(process.wait())


def kill_tree(process_id: int) -> None:
    """End a process and its descendants at once; those that are gone already do not matter.

    PythonSlicer is a launcher that starts the real Python: to kill it alone would leave that one running.
    """
    if sys.platform == "win32":
        subprocess.run(
            ["taskkill", "/PID", str(process_id), "/T", "/F"],
            capture_output=True,
            check=False,
            creationflags=subprocess.CREATE_NO_WINDOW,
        )
        return
    for process in (process_id, *_descendants(process_id)):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, signal.SIGKILL)


def _descendants(process_id: int) -> list[int]:
    parents = _parents_from_proc() if Path("/proc/self/stat").exists() else _parents_from_ps()
    found, added = {process_id}, True
    while added:
        children = {child for child, parent in parents.items() if parent in found and child not in found}
        found |= children
        added = bool(children)
    return sorted(found - {process_id})


def _parents_from_proc() -> dict[int, int]:
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError, IndexError):
                # The name of the program, in parentheses, may hold anything; state and parent follow it.
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    return parents


def _parents_from_ps() -> dict[int, int]:
    listed = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=False)
    return {int(pid): int(parent) for pid, parent in (line.split() for line in listed.stdout.splitlines())}


def _read(stream: IO[bytes], pieces: queue.SimpleQueue[bytes | None]) -> None:
    with stream:
        while piece := stream.readline():
            pieces.put(piece)
    pieces.put(None)


def _ignore(_: object) -> None:
    """Takes the output of a process that was killed."""
