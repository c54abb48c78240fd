"""How bytes get to the worker process and back. Here with subprocess; in Slicer QProcess takes its place."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

from PromptOnceLib.errors import WorkerError
from PromptOnceLib.processes.runner import OWN_GROUP, kill_tree
from PromptOnceLib.processes.variables import with_package

LOG_LINES = 200
_SIGKILL = 9  # what Linux and macOS end a process with when memory runs out
_KEPT_BYTES = str(2**32)


class Transport(Protocol):
    """A running worker process as the client sees it. All calls come from one thread.

    In a GUI this is its only thread: nothing here may wait for the worker but `read_line` with a timeout above 0, and
    `stop` for its grace.
    """

    def write(self, data: bytes) -> None:
        """Send bytes, up to several MB, to the worker's standard input; WorkerError when the worker is gone.

        The worker takes its input in at any time, also while it computes; who cannot rely on that has to buffer.
        """

    def read_line(self, timeout: float) -> bytes | None:
        """The next line of the worker, or None when `timeout` seconds pass without one; 0 does not wait.

        Raises WorkerError once the worker has ended (or could not be started) and everything it said has been read.
        """

    def log(self) -> str:
        """The last lines of the worker's log."""

    def stop(self, grace: float) -> None:
        """Close the worker's standard input, which ends it; kill it after `grace` seconds."""


def worker_command(python: str | Path = sys.executable) -> list[str]:
    """Command line of the worker under an interpreter that has torch and sam2."""
    return [str(python), "-u", "-m", "PromptOnceLib.worker"]


def worker_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment of the worker: this package on its path, threads that sleep while they wait, memory that is kept.

    Without OMP_WAIT_POLICY=PASSIVE OpenMP threads spin, and a prompt takes ten times longer beside a busy program.
    glibc gives every large array back to the system and takes it anew, zeroed, which is a tenth of the image encoder's
    time; the other two tell it not to (other C libraries ignore them).
    """
    environment = with_package(os.environ if base is None else base)
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    environment.setdefault("MALLOC_MMAP_THRESHOLD_", _KEPT_BYTES)
    environment.setdefault("MALLOC_TRIM_THRESHOLD_", _KEPT_BYTES)
    return environment


class SubprocessTransport:
    """A worker started with subprocess; one thread reads its answers, one its log."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(environment),
                **OWN_GROUP,
            )
        except OSError as error:
            raise WorkerError(f"The worker could not be started with {command[0]}.", str(error)) from error
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._ended = False
        self._threads = [
            threading.Thread(target=self._read_answers, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._read_log, args=(self._process.stderr,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def process_id(self) -> int:
        """Of the worker process."""
        return int(self._process.pid)

    def write(self, data: bytes) -> None:
        """See Transport."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise self._gone() from error

    def read_line(self, timeout: float) -> bytes | None:
        """See Transport."""
        if self._ended:
            raise self._gone()
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            return None
        if line is None:
            self._ended = True
            raise self._gone()
        return line

    def log(self) -> str:
        """See Transport."""
        return "\n".join(self._log)

    def stop(self, grace: float) -> None:
        """See Transport."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # what was still to be sent no longer matters
            self._process.stdin.close()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            kill_tree(self._process.pid)
            self._process.wait()
        for thread, stream in zip(self._threads, (self._process.stdout, self._process.stderr), strict=True):
            thread.join(grace)
            # What the worker has started may outlive it with the pipe in its hands: to close it would wait for that.
            if stream is not None and not thread.is_alive():
                stream.close()

    def _gone(self) -> WorkerError:
        try:
            status = self._process.wait(1)
            self._threads[1].join(1)  # until the last words of the log are read
        except subprocess.TimeoutExpired:
            status = None
        detail = f"exit status {status}\n{self.log()}"
        why = ", probably because memory ran out" if status == -_SIGKILL else ""
        return WorkerError(f"The worker process ended unexpectedly{why}; it can be started again.", detail)

    def _read_answers(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._lines.put(line)
        self._lines.put(None)

    def _read_log(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._log.append(line.decode(errors="replace").rstrip())
