"""Commands of an installation, and downloads, under QProcess; see processes.runner.ProcessRunner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import qt

from PromptOnceLib.gui.qt.widgets import connect, process_environment
from PromptOnceLib.processes.runner import OnEnd, OnOutput, kill_tree


class QtRunner:
    """Runs one process at a time; callbacks come from the event loop."""

    def __init__(self) -> None:
        self._process: Any = None

    def start(self, command: Sequence[str], environment: Mapping[str, str], on_output: OnOutput, on_end: OnEnd) -> None:
        """See ProcessRunner."""
        process = qt.QProcess()
        process.setProcessChannelMode(qt.QProcess.MergedChannels)
        process.setStandardInputFile(qt.QProcess.nullDevice())
        process.setProcessEnvironment(process_environment(environment))

        def read() -> None:
            if process is self._process:
                on_output(process.readAllStandardOutput().data())

        def finished(code: int, status: object) -> None:
            if process is self._process:
                read()
                self._process = None
                on_end(int(code) if status == qt.QProcess.NormalExit else -1)

        def failed(error: object) -> None:
            if process is self._process and error == qt.QProcess.FailedToStart:
                self._process = None
                on_output(f"{command[0]}: {process.errorString()}\n".encode())
                on_end(None)

        self._process = process
        connect(process, "readyReadStandardOutput()", read)
        connect(process, "finished(int,QProcess::ExitStatus)", finished)
        connect(process, "errorOccurred(QProcess::ProcessError)", failed)
        process.start(str(command[0]), [str(part) for part in command[1:]])

    def kill(self) -> None:
        """See ProcessRunner."""
        process, self._process = self._process, None
        if process is not None and process.state() != qt.QProcess.NotRunning:
            kill_tree(process.processId())
            process.waitForFinished(5000)
