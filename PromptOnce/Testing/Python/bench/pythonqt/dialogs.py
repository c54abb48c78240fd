"""Modal dialogs: nobody is there to answer them, so they are recorded, and answered with what the test prepared.

Messages that only want to be read (one button) need no answer. Every other dialog without a prepared answer raises
UnexpectedDialogError. The static functions of QFileDialog and QInputDialog return as in PythonQt: the string alone.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from PySide6 import QtWidgets
from PySide6.QtWidgets import QDialog, QFileDialog, QInputDialog, QMenu, QMessageBox

from bench.errors import UnexpectedDialogError


@dataclass(frozen=True)
class Shown:
    """One dialog that was opened."""

    kind: str
    text: str
    detail: str = ""


@dataclass
class Dialogs:
    """What was shown, and the answers for what will be."""

    shown: list[Shown] = field(default_factory=list)
    answers: deque[Any] = field(default_factory=deque)

    def answer(self, *values: Any) -> None:
        """Prepare what the next dialogs return: a button or result code, or a path or text."""
        self.answers.extend(values)

    def clear(self) -> None:
        self.shown.clear()
        self.answers.clear()

    def open(self, dialog: Shown, default: Any = None) -> Any:
        """Record a dialog; the answer prepared for it, else the default.

        Raises:
            UnexpectedDialogError: there is neither.
        """
        self.shown.append(dialog)
        if self.answers:
            return self.answers.popleft()
        if default is None:
            raise UnexpectedDialogError(f"{dialog.kind} opened without a prepared answer: {dialog.text}")
        return default


DIALOGS = Dialogs()

_BUTTONS = {
    "information": QMessageBox.StandardButton.Ok,
    "warning": QMessageBox.StandardButton.Ok,
    "critical": QMessageBox.StandardButton.Ok,
    "question": None,
}


def install() -> None:
    """Replace what would wait for a user."""
    for name in ("exec", "exec_"):
        setattr(QMessageBox, name, _exec_message)
        setattr(QDialog, name, _exec_dialog)
        setattr(QMenu, name, _exec_menu)
    for kind, default in _BUTTONS.items():
        setattr(QMessageBox, kind, staticmethod(_message_function(kind, default)))
    for name in ("getOpenFileName", "getOpenFileNames", "getSaveFileName", "getExistingDirectory"):
        setattr(QFileDialog, name, staticmethod(_asking_function(f"QFileDialog.{name}")))
    for name in ("getText", "getItem", "getInt", "getDouble", "getMultiLineText"):
        setattr(QInputDialog, name, staticmethod(_asking_function(f"QInputDialog.{name}")))
    QtWidgets.QColorDialog.getColor = staticmethod(_asking_function("QColorDialog.getColor"))


def _exec_message(box: Any, *_: Any) -> Any:
    buttons = QMessageBox.standardButtons(box)
    only_ok = buttons in (QMessageBox.StandardButton.Ok, QMessageBox.StandardButton.NoButton)
    shown = Shown(_kind(QMessageBox.icon(box)), QMessageBox.text(box), QMessageBox.detailedText(box))
    return DIALOGS.open(shown, QMessageBox.StandardButton.Ok if only_ok else None)


def _kind(icon: Any) -> str:
    kinds = {QMessageBox.Icon.Critical: "critical", QMessageBox.Icon.Warning: "warning"}
    return kinds.get(icon, "question" if icon == QMessageBox.Icon.Question else "information")


def _exec_dialog(dialog: Any, *_: Any) -> Any:
    return DIALOGS.open(Shown(type(dialog).__name__, QDialog.windowTitle(dialog)))


def _exec_menu(menu: Any, *_: Any) -> Any:
    """The answer is the text of the action to trigger."""
    texts = [action.text for action in QMenu.actions(menu)]
    wanted = DIALOGS.open(Shown("QMenu", ", ".join(texts)))
    chosen = next(action for action in QMenu.actions(menu) if action.text == wanted)
    chosen.trigger()
    return chosen


def _message_function(kind: str, default: Any) -> Any:
    def message(_parent: Any, title: str, text: str, *_: Any) -> Any:
        return DIALOGS.open(Shown(kind, text, title), default)

    return message


def _asking_function(kind: str) -> Any:
    def ask(*arguments: Any) -> Any:
        return DIALOGS.open(Shown(kind, " | ".join(a for a in arguments if isinstance(a, str))))

    return ask
