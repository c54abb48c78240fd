"""Shortcuts that work only while the module is entered and nobody types in a text field.

None is Slicer's own in the main window, in a slice view or for markups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
    "swap": "X",
    "put_away": "Esc",
    "next": "N",
    "accept": "A",
}
WITH_A_TOOL = ("swap", "put_away")
"""Those that work only while the mouse places something: plain keys are Slicer's in other cases."""
WITH_A_RESULT = ("next", "accept")
"""Those that work only while the selected object has a result."""

_TEXT_FIELDS = ("QLineEdit", "QTextEdit", "QPlainTextEdit", "QAbstractSpinBox")


class Shortcuts:
    """The shortcuts of KEYS, each with its action."""

    def __init__(self, actions: Mapping[str, Callable[[], object]]) -> None:
        self._actions = actions
        self._shortcuts: dict[str, Any] = {}
        self._dead = {*WITH_A_TOOL, *WITH_A_RESULT}

    def switch_on(self) -> None:
        """Listen to the keys."""
        window = slicer.util.mainWindow()
        if self._shortcuts or window is None:
            return
        for name, action in self._actions.items():
            shortcut = qt.QShortcut(qt.QKeySequence(KEYS[name]), window)
            connect(shortcut, "activated()", lambda action=action: _unless_typing(action))
            shortcut.setEnabled(name not in self._dead)
            self._shortcuts[name] = shortcut

    def use(self, names: Iterable[str], alive: bool) -> None:
        """Say whether some of them, such as WITH_A_TOOL, work now."""
        for name in names:
            (self._dead.discard if alive else self._dead.add)(name)
            if name in self._shortcuts:
                self._shortcuts[name].setEnabled(alive)

    def switch_off(self) -> None:
        """Leave the keys to others."""
        for shortcut in self._shortcuts.values():
            shortcut.setEnabled(False)
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts = {}


def _unless_typing(action: Callable[[], object]) -> None:
    widget = qt.QApplication.focusWidget()
    if widget is None or not any(widget.inherits(name) for name in _TEXT_FIELDS):
        action()


def listing() -> str:
    """All shortcuts, for people, one a line."""
    meanings = {
        "box": _("box"),
        "positive": _("positive points"),
        "negative": _("negative points"),
        "undo": _("undo the last change of the prompt"),
        "redo": _("redo the change"),
        "seed": _("go to the prompted slice"),
        "propagate": _("propagate"),
        "cancel": _("cancel the run"),
        "swap": _("swap Include and Exclude, while one of them is in hand"),
        "put_away": _("put the tool away; cancel a box that was begun"),
        "next": _("show the slice to look at next"),
        "accept": _("accept the slice that is shown"),
    }
    return "\n".join(f"{KEYS[name]}: {meaning}" for name, meaning in meanings.items())
