"""Binding widgets to parameters: which widget can show which type, and how it is read, written and heard."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctk
import qt
import slicer

from bench.parameter_node.fields import Choice, Field, Maximum, Minimum, WithinRange


@dataclass
class Decimals:
    """Annotation: digits after the point in spin boxes."""

    value: int


@dataclass
class SingleStep:
    """Annotation: the step of spin boxes and sliders."""

    value: float


@dataclass
class Connector:
    """One widget bound to one parameter."""

    widget: Any
    signal: str
    read: Callable[[], Any]
    write: Callable[[Any], None]
    changed: Callable[[], None] | None = None

    def start(self, changed: Callable[[], None]) -> None:
        self.changed = changed
        if self.signal:
            getattr(self.widget, self.signal).connect(self._on_signal)

    def stop(self) -> None:
        self.changed = None
        if self.signal:
            getattr(self.widget, self.signal).disconnect(self._on_signal)

    def _on_signal(self, *_: Any) -> None:
        if self.changed is not None:
            self.changed()


_SPIN_BOXES = ("QDoubleSpinBox", "ctkDoubleSpinBox", "qMRMLSpinBox")
_SLIDERS = ("ctkSliderWidget", "ctkDoubleSlider", "qMRMLSliderWidget")
_ONLY_BOUNDED = ("QSlider", "ctkSliderWidget", "qMRMLSliderWidget")


def connector_for(widget: Any, field: Field) -> Connector:
    """The connector of this kind of widget and this type of parameter.

    Raises:
        RuntimeError: Slicer has none either, or the parameter needs limits to be shown in this widget.
    """
    kind, name = field.kinds[0], type(widget).__name__
    if kind is bool and name in ("QCheckBox", "ctkCheckBox", "QPushButton"):
        widget.checkable = True
        return _attribute(widget, "toggled", "checked", kind)
    if kind is int and name in ("QSpinBox", "QSlider"):
        return _number(widget, field)
    if kind in (int, float) and name in _SPIN_BOXES + _SLIDERS:
        return _number(widget, field)
    if name in ("QComboBox", "ctkComboBox"):
        return _choice(widget, field)
    if kind is str and name == "QLineEdit":
        return _attribute(widget, "textChanged", "text", str)
    if kind is str and name == "QLabel":
        return _attribute(widget, "", "text", str)
    if kind is str and name == "QTextEdit":
        return Connector(widget, "textChanged", widget.toPlainText, widget.setPlainText)
    if kind is Path and isinstance(widget, ctk.ctkPathLineEdit):
        return _attribute(widget, "currentPathChanged", "currentPath", Path)
    if kind is Path and isinstance(widget, ctk.ctkDirectoryButton):
        return _attribute(widget, "directoryChanged", "directory", Path)
    if field.is_node() and isinstance(widget, slicer.qMRMLNodeComboBox):
        widget.nodeTypes = [node_class.__name__ for node_class in field.kinds]
        return Connector(widget, "currentNodeChanged", widget.currentNode, widget.setCurrentNode)
    raise RuntimeError(f"{name} cannot be bound to the parameter {field.name} of type {field.annotated}")


def _attribute(widget: Any, signal: str, attribute: str, kind: type) -> Connector:
    def write(value: Any) -> None:
        value = str(value) if kind is Path else value
        if getattr(widget, attribute) != value:  # writing a line edit moves its cursor
            setattr(widget, attribute, value)

    return Connector(widget, signal, lambda: kind(getattr(widget, attribute)), write)


def _limits(field: Field) -> tuple[float | None, float | None]:
    low = [a.minimum for a in field.annotations if isinstance(a, WithinRange | Minimum)]
    high = [a.maximum for a in field.annotations if isinstance(a, WithinRange | Maximum)]
    return (low[0] if low else None), (high[0] if high else None)


def _number(widget: Any, field: Field) -> Connector:
    low, high = _limits(field)
    if type(widget).__name__ in _ONLY_BOUNDED and None in (low, high):
        raise RuntimeError(f"{field.name} needs limits (WithinRange) to be shown in a slider")
    whole = isinstance(widget, qt.QSpinBox | qt.QSlider)
    if field.kinds[0] is int and not whole:
        widget.decimals = 0
    for annotation in field.annotations:
        if isinstance(annotation, Decimals):
            widget.decimals = annotation.value
        if isinstance(annotation, SingleStep):
            widget.singleStep = annotation.value
    unlimited = (-(2**31), 2**31 - 1) if whole else (float("-inf"), float("inf"))
    widget.minimum, widget.maximum = unlimited[0] if low is None else low, unlimited[1] if high is None else high
    return _attribute(widget, "valueChanged", "value", field.kinds[0])


def _choice(widget: qt.QComboBox, field: Field) -> Connector:
    kind = field.kinds[0]
    if issubclass(kind, enum.Enum):
        values = list(kind)
        labels = [kind.label(value) if hasattr(kind, "label") else value.name for value in values]
    else:
        values = next((a.choices for a in field.annotations if isinstance(a, Choice)), [])
        labels = [str(value) for value in values]
    if not values:
        raise RuntimeError(f"{field.name} needs a Choice to be shown in a combo box")
    widget.clear()
    widget.addItems(labels)
    return Connector(
        widget,
        "currentIndexChanged",
        lambda: values[widget.currentIndex],
        lambda value: widget.setCurrentIndex(values.index(value)),
    )
