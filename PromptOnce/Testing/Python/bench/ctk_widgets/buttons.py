"""Buttons, check boxes and the message box."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QCheckBox, QColorDialog, QMessageBox, QPushButton, QWidget

from bench.pythonqt.stand_ins import stand_in, stored_property


def _split(arguments: tuple[Any, ...]) -> tuple[str, QWidget | None]:
    """The text and the parent of a constructor that takes (parent) or (text, parent)."""
    text = next((a for a in arguments if isinstance(a, str)), "")
    return text, next((a for a in arguments if isinstance(a, QWidget)), None)


@stand_in("ctk")
class ctkCheckBox(QCheckBox):
    """A check box with an icon of its own."""

    indicatorIcon = stored_property(QIcon, "indicatorIcon", QIcon())
    indicatorIconSize = stored_property(QSize, "indicatorIconSize", QSize(16, 16))

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)


@stand_in("ctk")
class ctkMenuButton(QPushButton):
    """A button with a menu beside its own action."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*_split(arguments))


@stand_in("ctk")
class ctkCheckablePushButton(QPushButton):
    """A button with a check box that makes it a toggle."""

    checkBoxToggled = Signal(bool)
    indicatorAlignment = stored_property(int, "indicatorAlignment", 0)
    checkBoxControlsButton = stored_property(bool, "checkBoxControlsButton", True)
    checkBoxControlsButtonToggleState = stored_property(bool, "checkBoxControlsButtonToggleState", True)
    checkBoxUserCheckable = stored_property(bool, "checkBoxUserCheckable", True)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*_split(arguments))

    def _set_state(self, state: int) -> None:
        self.setCheckable(bool(state))
        self.checkBoxToggled.emit(bool(state))

    checkState = Property(int, lambda self: 2 if self.checkable else 0, _set_state)


@stand_in("ctk")
class ctkColorPickerButton(QPushButton):
    """A button that shows a color and asks for another when it is clicked."""

    UseCTKColorDialog = 0x00000100
    colorChanged = Signal(QColor)
    colorNameChanged = Signal(str)
    displayColorName = stored_property(bool, "displayColorName", True)
    dialogOptions = stored_property(int, "dialogOptions", 0)

    def __init__(self, *arguments: Any) -> None:
        """Arguments: (parent), (text, parent) or (color, text, parent)."""
        super().__init__(*_split(arguments))
        self._color = next((a for a in arguments if isinstance(a, QColor)), QColor(Qt.GlobalColor.black))
        self.clicked.connect(lambda _checked=False: self.changeColor())
        self._draw()

    def _draw(self) -> None:
        swatch = QPixmap(16, 16)
        swatch.fill(self._color)
        self.setIcon(QIcon(swatch))
        if self.displayColorName:
            self.setText(self._color.name())

    def _on_displayColorName(self, displayed: bool) -> None:
        self.setText(self._color.name() if displayed else "")

    def setColor(self, color: QColor) -> None:
        if color != self._color:
            self._color = QColor(color)
            self._draw()
            self.colorChanged.emit(self._color)

    color = Property(QColor, lambda self: self._color, setColor)
    colorName = stored_property(str, "colorName", "")

    def changeColor(self) -> None:
        chosen = QColorDialog.getColor(self._color, self)
        if chosen.isValid():
            self.setColor(chosen)


@stand_in("ctk")
class ctkMessageBox(QMessageBox):
    """A message box with "don't show again"."""

    dontShowAgain = stored_property(bool, "dontShowAgain", False)
    dontShowAgainVisible = stored_property(bool, "dontShowAgainVisible", False)
    dontShowAgainSettingsKey = stored_property(str, "dontShowAgainSettingsKey", "")

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
