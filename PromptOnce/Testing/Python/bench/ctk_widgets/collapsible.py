"""Widgets that show or hide their contents."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, QEvent, QObject, QRect, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QGroupBox, QStyle, QStyleOption, QStyleOptionButton, QWidget

from bench.pythonqt.stand_ins import stand_in, stored_property

_UNLIMITED = 16777215  # Qt's QWIDGETSIZE_MAX
_SHOWN_OR_HIDDEN = {QEvent.Type.Show, QEvent.Type.ShowToParent, QEvent.Type.HideToParent}
_EXPLICIT = Qt.WidgetAttribute.WA_WState_ExplicitShowHide


class _Contents(QObject):
    """Hides the children of a widget, and shows again those that were not hidden for themselves.

    As in CTK nothing is hidden before the widget is shown for the first time, whatever `collapsed` says until then.
    """

    def __init__(self, owner: QWidget) -> None:
        super().__init__(owner)
        self._owner = owner
        self.collapsed = False
        self._forcing = False
        self._wanted: dict[QWidget, bool] = {}  # whether the panel wants to see a child
        owner.installEventFilter(self)

    def collapse(self, collapsed: bool) -> None:
        self.collapsed = collapsed
        self.follow()
        self._owner.updateGeometry()

    def follow(self) -> None:
        """Show or hide all children, also those that were added meanwhile."""
        if not self._owner.testAttribute(Qt.WidgetAttribute.WA_WState_Created):
            return
        for child in self._owner.children():
            if isinstance(child, QWidget):
                self._follow(child)

    def _follow(self, child: QWidget) -> None:
        if child not in self._wanted:
            self._wanted[child] = not (child.isHidden() and child.testAttribute(_EXPLICIT))
            child.installEventFilter(self)
        self._forcing = True
        child.setVisible(self._wanted[child] and not self.collapsed)
        if self._wanted[child]:
            # So that the panel hiding it, too, is still an event.
            child.setAttribute(_EXPLICIT, False)
        self._forcing = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind not in _SHOWN_OR_HIDDEN:
            return False
        if watched is self._owner:
            if kind == QEvent.Type.Show:
                self.follow()
        elif not self._forcing and isinstance(watched, QWidget):
            # What the panel asks of a hidden child is remembered for when the contents are shown.
            if kind == QEvent.Type.HideToParent:
                self._wanted[watched] = False
            elif kind == QEvent.Type.ShowToParent:
                self._wanted[watched] = True
                self._follow(watched)
        return False


@stand_in("ctk")
class ctkCollapsibleButton(QAbstractButton):
    """A header to click, and the layout that the panel puts into it."""

    contentsCollapsed = Signal(bool)
    collapsedHeight = stored_property(int, "collapsedHeight", 10)
    flat = stored_property(bool, "flat", False)
    contentsFrameShape = stored_property(int, "contentsFrameShape", 0)
    contentsFrameShadow = stored_property(int, "contentsFrameShadow", 0)
    contentsLineWidth = stored_property(int, "contentsLineWidth", 1)
    contentsMidLineWidth = stored_property(int, "contentsMidLineWidth", 0)

    def __init__(self, *arguments: Any) -> None:
        """Arguments: (parent=None) or (text, parent=None)."""
        text = arguments[0] if arguments and isinstance(arguments[0], str) else ""
        super().__init__(next((a for a in arguments if isinstance(a, QWidget)), None))
        self._contents = _Contents(self)
        self.setText(text)
        self.setCheckable(True)
        self.setChecked(True)
        self.setContentsMargins(0, self._header_height(), 0, 0)
        self.toggled.connect(lambda checked: self._collapse(not checked))

    def _get_collapsed(self) -> bool:
        return self._contents.collapsed

    def _set_collapsed(self, collapsed: bool) -> None:
        if self.checkable:
            self.setChecked(not collapsed)
        else:
            self._collapse(collapsed)

    collapsed = Property(bool, _get_collapsed, _set_collapsed)

    def _collapse(self, collapsed: bool) -> None:
        if collapsed == self._contents.collapsed:
            return
        self._contents.collapse(collapsed)
        self.setMaximumHeight(self._header_height() if collapsed else _UNLIMITED)
        self.contentsCollapsed.emit(collapsed)

    def childEvent(self, event: Any) -> None:
        if event.type() == QEvent.Type.ChildPolished:
            self._contents.follow()

    def _header_height(self) -> int:
        return int(self.fontMetrics().height()) + 10

    def hitButton(self, position: Any) -> bool:
        return bool(position.y() < self._header_height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        option = QStyleOptionButton()
        option.initFrom(self)
        option.rect = QRect(0, 0, self.width, self._header_height())
        self.style().drawControl(QStyle.ControlElement.CE_PushButtonBevel, option, painter, self)
        arrow = QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QRect(6, option.rect.height() // 2 - 5, 10, 10)
        collapsed, down = QStyle.PrimitiveElement.PE_IndicatorArrowRight, QStyle.PrimitiveElement.PE_IndicatorArrowDown
        self.style().drawPrimitive(collapsed if self._contents.collapsed else down, arrow, painter, self)
        text = option.rect.adjusted(24, 0, -6, 0)
        painter.drawText(text, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), self.text)


@stand_in("ctk")
class ctkCollapsibleGroupBox(QGroupBox):
    """A group box whose check box shows or hides the contents."""

    collapsedHeight = stored_property(int, "collapsedHeight", 14)

    def __init__(self, *arguments: Any) -> None:
        """Arguments: (parent=None) or (title, parent=None)."""
        super().__init__(*[a for a in arguments if a is not None])
        self._contents = _Contents(self)
        self.setCheckable(True)
        self.setChecked(True)
        self.toggled.connect(lambda checked: self._contents.collapse(not checked))

    def _set_collapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    collapsed = Property(bool, lambda self: not self.checked, _set_collapsed)
