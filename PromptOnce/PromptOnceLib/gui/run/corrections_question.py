"""What the panel asks before a run that would overwrite what somebody has corrected by hand."""

from __future__ import annotations

from typing import Any

import qt

from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect, line_label, row, show_text
from PromptOnceLib.gui.run.propagation import RunController


class CorrectionsQuestion:
    """A sentence and two buttons; either begins the run. There while the run controller has a question.

    widget: to be put into a layout.
    """

    def __init__(self, runs: RunController) -> None:
        self._runs = runs
        self.widget, self.text = qt.QWidget(), line_label()
        self.keep = _button(_("Keep them"), _("Propagate into all other slices"))
        self.overwrite = _button(_("Overwrite them"), _("Propagate into these as well; Undo run restores them"))
        column = qt.QVBoxLayout(self.widget)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.text)
        column.addLayout(row(self.keep, self.overwrite, None))
        connect(self.keep, "clicked(bool)", lambda _checked: runs.answer("keep"))
        connect(self.overwrite, "clicked(bool)", lambda _checked: runs.answer("overwrite"))
        self.widget.hide()

    def refresh(self) -> None:
        """Show the question there is now."""
        show_text(self.text, self._runs.question)
        self.widget.setVisible(bool(self._runs.question))


def _button(text: str, tip: str) -> Any:
    button = qt.QPushButton(text)
    button.setToolTip(tip)
    return button
