"""What all panels have in common."""

from __future__ import annotations

from typing import Any

import ctk
import qt

from PromptOnceLib.gui.qt.widgets import connect, line_label, show_text
from PromptOnceLib.gui.workbench import Workbench


class Panel:
    """One collapsible part of the module's panel. It shows the workbench and forwards what the user does.

    part: its name among the workbench's notices. `refresh` is called after every change; `notice` shows a sentence.
    """

    part = ""

    def __init__(self, title: str, bench: Workbench) -> None:
        self.bench = bench
        self.widget = ctk.ctkCollapsibleButton()
        self.widget.text = title
        self.form = qt.QFormLayout()
        self.form.setFieldGrowthPolicy(qt.QFormLayout.AllNonFixedFieldsGrow)
        # Below the form, not in it: a QFormLayout may keep the height that a wrapped text had at another width, and
        # takes what is missing from other rows; a QVBoxLayout does not.
        column = qt.QVBoxLayout()
        column.addLayout(self.form)
        self.widget.setLayout(column)
        self.notice = line_label()
        self.build()
        column.addWidget(self.notice)
        connect(self.widget, "contentsCollapsed(bool)", self._folded)

    def build(self) -> None:
        """Make the widgets."""

    def refresh(self) -> None:
        """Show the workbench as it is now."""
        show_text(self.notice, self.bench.notices.get(self.part, ""))

    def _folded(self, collapsed: bool) -> None:
        if not collapsed:
            self.refresh()

    def cleanup(self) -> None:
        """Let go of what would outlive the panel."""


def fill(combo: Any, entries: list[tuple[str, str]], current: str) -> None:
    """Have a combo box hold these (text, data) entries and show the current one, without telling anybody.

    Nothing is touched when it holds them already, so that an open list is not closed under the user.
    """
    held = [(combo.itemText(index), combo.itemData(index)) for index in range(combo.count)]
    blocked = combo.blockSignals(True)
    if held != entries:
        combo.clear()
        for text, data in entries:
            combo.addItem(text, data)
    index = next((i for i, (_, data) in enumerate(entries) if data == current), -1)
    if combo.currentIndex != index:
        combo.setCurrentIndex(index)
    combo.blockSignals(blocked)


def narrow(combo: Any) -> Any:
    """Let a combo box with long texts not set the width of the panel."""
    combo.setSizeAdjustPolicy(qt.QComboBox.AdjustToMinimumContentsLengthWithIcon)
    combo.minimumContentsLength = 8
    combo.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)
    return combo
