"""The worker under QProcess: Slicer's Python threads sleep while its window idles, its signals do not."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import qt

from PromptOnceLib.errors import WorkerError
from PromptOnceLib.gui.qt.widgets import connect, process_environment
from PromptOnceLib.processes.lines import Lines
from PromptOnceLib.processes.runner import kill_tree
from PromptOnceLib.processes.transport import LOG_LINES


class ProcessTransport:
    """A worker process; see processes.transport.Transport.

    on_activity: called from the event loop when the worker said something or ended, so that somebody reads;
    never from within the methods here.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], on_activity: Callable[[], object]
    ) -> None:
        self._command = list(command)
        self._on_activity = on_activity
        self._said = bytearray()
        self._log_lines, self._log = Lines(), deque[str](maxlen=LOG_LINES)
        self._start_failed = False
        self._quiet = 0  # while above 0, signals come from our own waiting: whoever waits reads by themselves
        self._process = qt.QProcess()
        self._process.setProcessChannelMode(qt.QProcess.SeparateChannels)
        self._process.setProcessEnvironment(process_environment(environment))
        connect(self._process, "readyReadStandardOutput()", self._tell)
        connect(self._process, "readyReadStandardError()", self._read_log)
        connect(self._process, "finished(int,QProcess::ExitStatus)", self._ended)
        connect(self._process, "errorOccurred(QProcess::ProcessError)", self._failed)
        self._process.start(self._command[0], self._command[1:])

    @property
    def process_id(self) -> int:
        """Of the worker process; 0 when it does not run."""
        return int(self._process.processId())

    def write(self, data: bytes) -> None:
        """See Transport. QProcess buffers, also while the process is starting."""
        if not self._runs() or self._process.write(data) != len(data):
            raise self._gone()

    def read_line(self, timeout: float) -> bytes | None:
        """See Transport."""
        line = self._take_line()
        until = time.monotonic() + timeout
        while line is None and self._runs():
            left = until - time.monotonic()
            if left <= 0:
                return None
            self._wait(self._process.waitForReadyRead, left)
            line = self._take_line()
        if line is None:
            raise self._gone()
        return line

    def log(self) -> str:
        """See Transport."""
        self._read_log()
        return "\n".join(self._log)

    def stop(self, grace: float) -> None:
        """See Transport."""
        if not self._runs():
            return
        self._process.closeWriteChannel()
        if not self._wait(self._process.waitForFinished, grace) and self._runs():
            kill_tree(self.process_id)
            self._wait(self._process.waitForFinished, 5.0)

    def _wait(self, waiting: Callable[[int], bool], seconds: float) -> bool:
        """Call one of QProcess's functions that wait, without being called back from within it."""
        self._quiet += 1
        try:
            return bool(waiting(max(1, round(seconds * 1000))))
        finally:
            self._quiet -= 1

    def _runs(self) -> bool:
        return bool(self._process.state() != qt.QProcess.NotRunning)

    def _take_line(self) -> bytes | None:
        self._said += self._process.readAllStandardOutput().data()
        end = self._said.find(b"\n")
        if end < 0:
            return None
        line = bytes(self._said[: end + 1])
        del self._said[: end + 1]
        return line

    def _gone(self) -> WorkerError:
        if self._start_failed:
            return WorkerError(
                f"The worker could not be started with {self._command[0]}. Choose another Python under Engine.",
                self._process.errorString(),
            )
        detail = f"exit status {self._process.exitCode()}\n{self.log()}"
        return WorkerError("The worker process ended unexpectedly; it can be started again.", detail)

    def _read_log(self) -> None:
        self._log.extend(self._log_lines.feed(self._process.readAllStandardError().data()))

    def _ended(self, _code: int, _status: object) -> None:
        self._tell()

    def _failed(self, error: object) -> None:
        self._start_failed |= error == qt.QProcess.FailedToStart
        self._tell()

    def _tell(self) -> None:
        if self._quiet == 0:
            self._on_activity()
