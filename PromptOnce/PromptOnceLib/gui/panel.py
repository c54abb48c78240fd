"""What all panels have in common."""

from __future__ import annotations

from typing import Any

import ctk
import qt

from PromptOnceLib.gui.notices import Notices, Part
from PromptOnceLib.gui.qt.refresher import Refresher
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.qt.widgets import connect, line_label, scroll_to, show_text


class PanelTools:
    """What a panel needs to be one. refresher: calls panels that are outdated. notices: what each has to say."""

    def __init__(self, refresher: Refresher, notices: Notices) -> None:
        self.refresher, self.notices = refresher, notices


class Panel:
    """One collapsible part of the module's panel. It shows what its feature holds and forwards what the user does.

    part: its name among the notices. notice_lines: of room that is kept for them. `build` makes the widgets. `refresh`
    shows everything anew: at the next turn of the event loop after any of the signals that it follows, and when the
    panel is unfolded.
    """

    part: Part
    notice_lines = 0

    def __init__(self, title: str, tools: PanelTools) -> None:
        self._tools = tools
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
        if self.notice.parent() is None:  # no place among the rows
            column.addWidget(self.notice)
        connect(self.widget, "contentsCollapsed(bool)", self._folded)
        notices = tools.notices
        notices.changed.connect(self._said)

    def build(self) -> None:
        """Make the widgets."""

    def follow(self, *signals: Signal[...]) -> None:
        """Refresh after each of these."""
        for signal in signals:
            signal.connect(self.outdated)

    def outdated(self, *_args: object) -> None:
        """Refresh at the next turn of the event loop."""
        self._tools.refresher.ask(self.refresh)

    def refresh(self) -> None:
        """Show everything as it is now."""
        show_text(self.notice, self._tools.notices.of(self.part), self.notice_lines)

    def show_instead_of_notice(self, label: Any, text: str) -> None:
        """Show a text in the place of the notice while there is none."""
        shown = "" if self.notice.text else text
        self.notice.setVisible(not shown)
        show_text(label, shown, self.notice_lines if shown else 0)

    def say(self, sentence: str) -> None:
        """Show a sentence below the rows; "" takes it away."""
        self._tools.notices.say(self.part, sentence)

    def cleanup(self) -> None:
        """Let go of what would outlive the panel."""

    def unfold(self) -> None:
        """Show the panel, wherever it is."""
        self.widget.collapsed = False
        self._tools.refresher.ask(self._scroll_here)

    def _folded(self, collapsed: bool) -> None:
        if not collapsed:
            self.unfolded()
            self._tools.refresher.ask(self._scroll_here)

    def unfolded(self) -> None:
        """Show what nobody saw before."""
        self.refresh()

    def _scroll_here(self) -> None:
        """Once all has its place; the scroll area does not follow by itself."""
        scroll_to(self.widget)

    def _said(self, part: Part) -> None:
        if part == self.part:
            self.outdated()


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


def show_node(selector: Any, node: Any | None) -> None:
    """Have a node selector show a node, without telling anybody."""
    if selector.currentNode() is not node:
        blocked = selector.blockSignals(True)
        selector.setCurrentNode(node)
        selector.blockSignals(blocked)


def narrow(combo: Any) -> Any:
    """Let a combo box with long texts not set the width of the panel."""
    combo.setSizeAdjustPolicy(qt.QComboBox.AdjustToMinimumContentsLengthWithIcon)
    combo.minimumContentsLength = 8
    combo.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)
    return combo
