"""Shortcuts that work only while the module is entered; no single letters, so that typing stays typing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qt
import slicer

from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect

KEYS = {
    "box": "Ctrl+Shift+B",
    "positive": "Ctrl+Shift+P",
    "negative": "Ctrl+Shift+N",
    "undo": "Ctrl+Shift+Z",
    "redo": "Ctrl+Shift+Y",
    "seed": "Ctrl+Shift+S",
    "propagate": "Ctrl+Shift+G",
    "cancel": "Ctrl+Shift+X",
}


class Shortcuts:
    """The shortcuts of KEYS, each with its action."""

    def __init__(self, actions: Mapping[str, Callable[[], object]]) -> None:
        self._actions = actions
        self._shortcuts: list[Any] = []

    def switch_on(self) -> None:
        """Listen to the keys."""
        window = slicer.util.mainWindow()
        if self._shortcuts or window is None:
            return
        for name, action in self._actions.items():
            shortcut = qt.QShortcut(qt.QKeySequence(KEYS[name]), window)
            connect(shortcut, "activated()", action)
            self._shortcuts.append(shortcut)

    def switch_off(self) -> None:
        """Leave the keys to others."""
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts = []


def listing() -> str:
    """All shortcuts, for people, one a line."""
    meanings = {
        "box": _("box"),
        "positive": _("positive points"),
        "negative": _("negative points"),
        "undo": _("undo the last change of the prompt"),
        "redo": _("redo it"),
        "seed": _("go to the prompted slice"),
        "propagate": _("propagate"),
        "cancel": _("cancel the run"),
    }
    return "\n".join(f"{KEYS[name]}: {meaning}" for name, meaning in meanings.items())
