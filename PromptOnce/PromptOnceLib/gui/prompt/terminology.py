"""What an object is, in the words of Slicer's terminologies: a button that opens Slicer's own list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer

from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect, elided
from PromptOnceLib.segmentation.segment import DEFAULT_TERMINOLOGY

_WIDTH = 70  # pixels
_TYPE, _MEANING = 2, 2  # parts of a serialized entry: the type, and its meaning for people


class TerminologyChooser:
    """A button that shows an entry and opens the list of all, in a window that blocks nothing.

    entry: the chosen one, None for Slicer's default. on_chosen: called when the user has chosen another.
    """

    def __init__(self, on_chosen: Callable[[], object]) -> None:
        self.entry: str | None = None
        self.button = qt.QPushButton()
        # Outside the application, and where the module Terminologies is switched off, there is no list.
        if not hasattr(slicer, "qSlicerTerminologyNavigatorWidget"):
            self.button.hide()
        self._on_chosen = on_chosen
        self._dialog: Any = None
        self._navigator: Any = None
        connect(self.button, "clicked(bool)", lambda _checked: self._open())

    def show(self, entry: str | None) -> None:
        """Show this entry on the button."""
        self.entry = entry
        self.button.text = elided(self.button, _meaning(entry), _WIDTH)
        self.button.setToolTip(
            _("What the object is (terminology of its segment): {meaning}").format(meaning=_meaning(entry))
        )

    def close(self) -> None:
        """Close the list."""
        if self._dialog is not None:
            self._dialog.close()
            self._dialog.deleteLater()
        self._dialog = self._navigator = None

    def _open(self) -> None:
        self.close()
        self._dialog = qt.QDialog(slicer.util.mainWindow())
        self._dialog.windowTitle = _("Terminology")
        self._navigator = slicer.qSlicerTerminologyNavigatorWidget()
        self._navigator.setOverrideSectionVisible(False)
        logic, entry = slicer.modules.terminologies.logic(), slicer.vtkSlicerTerminologyEntry()
        logic.DeserializeTerminologyEntry(self.entry or DEFAULT_TERMINOLOGY, entry)
        self._navigator.setTerminologyEntry(entry)
        buttons = qt.QDialogButtonBox(qt.QDialogButtonBox.Ok | qt.QDialogButtonBox.Cancel)
        layout = qt.QVBoxLayout()
        layout.addWidget(self._navigator)
        layout.addWidget(buttons)
        self._dialog.setLayout(layout)
        connect(buttons, "accepted()", self._take)
        connect(buttons, "rejected()", self._dialog.close)
        self._dialog.show()

    def _take(self) -> None:
        entry = slicer.vtkSlicerTerminologyEntry()
        if self._navigator.terminologyEntry(entry):
            self.entry = slicer.modules.terminologies.logic().SerializeTerminologyEntry(entry)
            self._on_chosen()
        self.close()


def _meaning(entry: str | None) -> str:
    """The type's meaning in a serialized entry, for example Liver."""
    parts = (entry or DEFAULT_TERMINOLOGY).split("~")
    codes = parts[_TYPE].split("^") if len(parts) > _TYPE else []
    return codes[_MEANING] if len(codes) > _MEANING else _("Terminology")
