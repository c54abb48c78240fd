"""Combo boxes."""

from __future__ import annotations

from PySide6.QtCore import Property, Qt
from PySide6.QtGui import QIcon, QPaintEvent
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter, QWidget

from bench.pythonqt.stand_ins import stand_in, stored_property


@stand_in("ctk")
class ctkComboBox(QComboBox):
    """A combo box that shows a text of its own while nothing is selected, and shortens what does not fit."""

    AlwaysScroll, NeverScroll, ScrollWithFocus, ScrollWithNoVScrollBar = range(4)

    defaultText = stored_property(str, "defaultText", "")
    defaultIcon = stored_property(QIcon, "defaultIcon", QIcon())
    forceDefault = stored_property(bool, "forceDefault", False)
    elideMode = stored_property(int, "elideMode", int(Qt.TextElideMode.ElideNone.value))
    scrollWheelEffect = stored_property(int, "scrollWheelEffect", AlwaysScroll)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumWidth(40)  # texts are shortened

    def _select_data(self, data: str) -> None:
        index = self.findData(data)
        if index >= 0:
            self.setCurrentIndex(index)

    currentUserDataAsString = Property(str, lambda self: str(self.itemData(self.currentIndex) or ""), _select_data)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        if self.currentIndex < 0 or self.forceDefault:
            option.currentText = self.defaultText
        area = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        mode = Qt.TextElideMode(self.elideMode)
        option.currentText = self.fontMetrics().elidedText(option.currentText, mode, area.width() - 4)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
