"""Showing what has changed at the next turn of the event loop, once, however much has changed until then."""

from __future__ import annotations

from collections.abc import Callable

from PromptOnceLib.gui.qt.timer import QtTimer


class Refresher:
    """Calls functions at the next turn of the event loop, each once however often it was asked for."""

    def __init__(self) -> None:
        self._waiting: dict[Callable[[], object], None] = {}
        self._timer = QtTimer(0, True, self._call)

    @property
    def pending(self) -> bool:
        """Whether something is still to be called."""
        return bool(self._waiting)

    def ask(self, function: Callable[[], object]) -> None:
        """Have a function called at the next turn."""
        self._waiting[function] = None
        self._timer.start()

    def stop(self) -> None:
        """Call nothing any more."""
        self._waiting.clear()
        self._timer.stop()

    def _call(self) -> None:
        for function in list(self._waiting):
            self._timer.start()  # where the function raises, the others come at the next turn
            del self._waiting[function]
            function()
        if not self._waiting:
            self._timer.stop()
