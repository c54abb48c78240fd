"""A download under way, in a process of its own so that the window stays alive."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence

from PromptOnceLib.environment.platform import size
from PromptOnceLib.errors import CancelledError, DownloadError, PromptOnceError
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.processes.lines import Lines
from PromptOnceLib.processes.runner import ProcessRunner
from PromptOnceLib.processes.variables import with_package

FETCH = (sys.executable, "-u", "-m", "PromptOnceLib.models.__main__")


class ModelDownload:
    """The download of one checkpoint; on_progress and on_end as of environment.install.Installation."""

    def __init__(
        self,
        name: str,
        folder: str | None,
        runner: ProcessRunner,
        on_progress: Callable[[str, float, str], None],
        on_end: Callable[[PromptOnceError | None], None],
        command: Sequence[str] = FETCH,
    ) -> None:
        self._name, self._command = name, [*command, name, *([folder] if folder else [])]
        self._runner, self._on_progress, self._on_end = runner, on_progress, on_end
        self._lines, self._error = Lines(), ""

    def start(self) -> None:
        """Start the process; returns at once."""
        self._on_progress(self._title(), 0.0, "")
        self._runner.start(self._command, with_package(os.environ), self._take, self._ended)

    def cancel(self) -> None:
        """End the process; what has arrived is kept."""
        self._runner.kill()
        self._on_end(CancelledError(_("The download was cancelled; the next one continues from here.")))

    def _title(self) -> str:
        return _("Downloading {name}").format(name=self._name)

    def _take(self, data: bytes) -> None:
        for line in self._lines.feed(data):
            try:
                message = json.loads(line)
            except ValueError:  # what a library says
                self._on_progress(self._title(), 0.0, line)
                continue
            if "error" in message:
                self._error = message["error"]
            elif message.get("total"):
                arrived = f"{size(message['done'])} / {size(message['total'])}"
                self._on_progress(f"{self._title()}: {arrived}", message["done"] / message["total"], "")

    def _ended(self, status: int | None) -> None:
        if status == 0:
            self._on_end(None)
            return
        sentence = self._error or _("The download of {name} ended unexpectedly: try again.").format(name=self._name)
        self._on_end(DownloadError(sentence, f"exit status {status}"))
