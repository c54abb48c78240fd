"""Timers of Qt's event loop."""

from __future__ import annotations

from collections.abc import Callable

import qt

from PromptOnceLib.gui.qt.widgets import connect


class QtTimer:
    """Calls a function after some milliseconds: once, or again and again until it is stopped."""

    def __init__(self, milliseconds: int, single_shot: bool, function: Callable[[], object]) -> None:
        self._timer = qt.QTimer()
        self._timer.setSingleShot(single_shot)
        self._timer.setInterval(milliseconds)
        self._function = function
        connect(self._timer, "timeout()", self._call)

    @property
    def active(self) -> bool:
        """Whether it is going to call."""
        return bool(self._timer.isActive())

    def start(self) -> None:
        """Start, or start again from zero."""
        self._timer.start()

    def stop(self) -> None:
        """Do not call any more."""
        self._timer.stop()

    def _call(self) -> None:
        self._function()
