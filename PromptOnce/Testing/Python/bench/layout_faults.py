"""What is wrong with the places of widgets in the panel, as a user sees it in Slicer's dock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QSizePolicy, QWidget

# These lay out their children by themselves.
_ATOMS = ("QComboBox", "QAbstractSpinBox", "QAbstractScrollArea", "QLineEdit", "QLabel", "QProgressBar")
_STAND_INS = ("qMRML", "ctkPathLineEdit", "ctkDirectoryButton", "ctkColorPickerButton")


def faults(panel: QWidget, viewport: QWidget) -> list[str]:
    """Sentences about widgets of a panel that is seen through a viewport; empty where all is right."""
    return list(_faults_in(panel, viewport))


def _faults_in(container: QWidget, viewport: QWidget) -> Iterator[str]:
    shown = [child for child in container.children() if isinstance(child, QWidget) and child.visible]
    for number, widget in enumerate(shown):
        yield from _own_faults(widget)
        yield from _outside(widget, container, viewport)
        for other in shown[:number]:
            common = widget.geometry.intersected(other.geometry)
            if not common.isEmpty():
                yield f"{_called(widget)} lies over {_called(other)} by {common.width()} x {common.height()}"
        if not _is_atom(widget):
            yield from _faults_in(widget, viewport)


def _own_faults(widget: QWidget) -> Iterator[str]:
    if isinstance(widget, QLabel) and widget.text:
        if widget.wordWrap:
            needed = widget.heightForWidth(widget.width)
            if widget.height < needed:
                yield f"{_called(widget)} has {widget.height} of {needed} pixels of height"
            elif _least_height(widget) < needed:
                yield f"{_called(widget)} may be squeezed to {_least_height(widget)} of {needed} pixels of height"
        elif widget.width < widget.sizeHint.width() or widget.height < widget.sizeHint.height():
            yield f"{_called(widget)} is cut off: {_size(widget)}"
    elif isinstance(widget, QAbstractButton | QLineEdit) and not widget.inherits("ctkCollapsibleButton"):
        least = widget.minimumSizeHint
        if widget.width < least.width() or widget.height < least.height():
            yield f"{_called(widget)} is smaller than it can be: {_size(widget)}"


def _least_height(label: QLabel) -> int:
    """What a layout that is short of room leaves it: QScrollArea asks for the least height, not that for its width."""
    if label.minimumHeight > 0:
        return int(label.minimumHeight)
    shrinks = label.sizePolicy.verticalPolicy() & QSizePolicy.PolicyFlag.ShrinkFlag
    hint: Any = label.minimumSizeHint if shrinks else label.sizeHint
    return int(hint.height())


def _outside(widget: QWidget, container: QWidget, viewport: QWidget) -> Iterator[str]:
    place = QRect(widget.mapTo(viewport, QPoint(0, 0)), widget.size)
    if place.left() < 0 or place.right() >= viewport.width:
        yield f"{_called(widget)} is cut off: from {place.left()} to {place.right()} of {viewport.width}"
    if not container.rect.contains(widget.geometry):
        yield f"{_called(widget)} reaches out of {_called(container)}"


def _is_atom(widget: QWidget) -> bool:
    return any(widget.inherits(name) for name in _ATOMS) or type(widget).__name__.startswith(_STAND_INS)


def _size(widget: QWidget) -> str:
    hint: Any = widget.sizeHint
    return f"{widget.width} x {widget.height}, wants {hint.width()} x {hint.height()}"


def _called(widget: QWidget) -> str:
    text = getattr(widget, "text", None)
    return f"{type(widget).__name__} {text!r}" if isinstance(text, str) and text else type(widget).__name__
