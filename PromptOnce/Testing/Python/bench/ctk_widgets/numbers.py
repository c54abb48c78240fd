"""Sliders and spin boxes for real numbers."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSlider, QWidget

from bench.pythonqt.stand_ins import forwarded_property, stand_in, stored_property

_STEPS = 1000  # positions of a slider


class _Row(QWidget):
    """Widgets side by side without margins."""

    def __init__(self, parent: QWidget | None, *widgets: QWidget) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in widgets:
            row.addWidget(widget)


@stand_in("ctk")
class ctkDoubleSpinBox(_Row):
    """A spin box; a QWidget around one, as in CTK."""

    valueChanged = Signal(float)
    decimalsChanged = Signal(int)
    editingFinished = Signal()
    decimals = forwarded_property(int, "_spin", "decimals")
    minimum = forwarded_property(float, "_spin", "minimum")
    maximum = forwarded_property(float, "_spin", "maximum")
    singleStep = forwarded_property(float, "_spin", "singleStep")
    value = forwarded_property(float, "_spin", "value")
    prefix = forwarded_property(str, "_spin", "prefix")
    suffix = forwarded_property(str, "_spin", "suffix")
    cleanText = forwarded_property(str, "_spin", "cleanText")
    readOnly = forwarded_property(bool, "_spin", "readOnly")

    def __init__(self, parent: QWidget | None = None) -> None:
        self_spin = QDoubleSpinBox()
        super().__init__(parent, self_spin)
        self._spin = self_spin
        self._spin.valueChanged.connect(self.valueChanged)
        self._spin.editingFinished.connect(self.editingFinished)

    def setValue(self, value: float) -> None:
        self._spin.setValue(value)

    def setDecimals(self, decimals: int) -> None:
        self._spin.setDecimals(decimals)

    def setRange(self, minimum: float, maximum: float) -> None:
        self._spin.setRange(minimum, maximum)


@stand_in("ctk")
class ctkSliderWidget(_Row):
    """A slider and a spin box for one number."""

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)
    decimalsChanged = Signal(int)
    decimals = forwarded_property(int, "_spin", "decimals")
    singleStep = forwarded_property(float, "_spin", "singleStep")
    minimum = forwarded_property(float, "_spin", "minimum")
    maximum = forwarded_property(float, "_spin", "maximum")
    value = forwarded_property(float, "_spin", "value")
    prefix = forwarded_property(str, "_spin", "prefix")
    suffix = forwarded_property(str, "_spin", "suffix")
    pageStep = stored_property(float, "pageStep", 10.0)
    tickInterval = stored_property(float, "tickInterval", 0.0)
    tracking = stored_property(bool, "tracking", True)
    popupSlider = stored_property(bool, "popupSlider", False)

    def __init__(self, parent: QWidget | None = None) -> None:
        slider, spin = QSlider(Qt.Orientation.Horizontal), QDoubleSpinBox()
        super().__init__(parent, slider, spin)
        self._slider, self._spin = slider, spin
        spin.setRange(0.0, 100.0)
        slider.setRange(0, _STEPS)
        spin.valueChanged.connect(self._follow)
        slider.valueChanged.connect(lambda step: spin.setValue(spin.minimum + step / _STEPS * self._span()))
        slider.sliderReleased.connect(lambda: self.tracking or self.valueChanged.emit(spin.value))

    def _span(self) -> float:
        return float(self._spin.maximum - self._spin.minimum)

    def _follow(self, value: float) -> None:
        step = round((value - self._spin.minimum) / (self._span() or 1.0) * _STEPS)
        blocked = self._slider.blockSignals(True)
        self._slider.setValue(step)
        self._slider.blockSignals(blocked)
        if self.tracking or not self._slider.sliderDown:
            self.valueChanged.emit(value)
        else:
            self.valueIsChanging.emit(value)

    def _set_spin_visible(self, visible: bool) -> None:
        self._spin.setVisible(visible)

    spinBoxVisible = Property(bool, lambda self: not self._spin.isHidden(), _set_spin_visible)

    def setValue(self, value: float) -> None:
        self._spin.setValue(value)

    def setDecimals(self, decimals: int) -> None:
        self._spin.setDecimals(decimals)

    def setSpinBoxVisible(self, visible: bool) -> None:
        self._spin.setVisible(visible)


class _TwoNumbers(_Row):
    """Two spin boxes for the ends of a range."""

    minimumValueChanged = Signal(float)
    maximumValueChanged = Signal(float)
    valuesChanged = Signal(float, float)
    rangeChanged = Signal(float, float)
    minimumValue = forwarded_property(float, "_low", "value")
    maximumValue = forwarded_property(float, "_high", "value")
    tracking = stored_property(bool, "tracking", True)
    symmetricMoves = stored_property(bool, "symmetricMoves", False)

    def __init__(self, parent: QWidget | None = None) -> None:
        low, high = QDoubleSpinBox(), QDoubleSpinBox()
        super().__init__(parent, low, high)
        self._low, self._high = low, high
        self.setRange(0.0, 99.0)
        low.valueChanged.connect(lambda value: self._moved(self.minimumValueChanged, value))
        high.valueChanged.connect(lambda value: self._moved(self.maximumValueChanged, value))

    def _moved(self, signal: Any, value: float) -> None:
        """The moved end does not pass the other one, but takes it along."""
        if self._low.value > self._high.value:
            (self._high if signal == self.minimumValueChanged else self._low).setValue(value)
        signal.emit(value)
        self.valuesChanged.emit(self._low.value, self._high.value)

    def _set_each(self, name: str, value: Any) -> None:
        for box in (self._low, self._high):
            box.setProperty(name, value)
        if name in ("minimum", "maximum"):
            self.rangeChanged.emit(self._low.minimum, self._low.maximum)

    minimum = Property(float, lambda self: self._low.minimum, lambda self, v: self._set_each("minimum", v))
    maximum = Property(float, lambda self: self._low.maximum, lambda self, v: self._set_each("maximum", v))
    singleStep = Property(float, lambda self: self._low.singleStep, lambda self, v: self._set_each("singleStep", v))

    def setRange(self, minimum: float, maximum: float) -> None:
        self._set_each("minimum", minimum)
        self._set_each("maximum", maximum)

    def setMinimumValue(self, value: float) -> None:
        self._low.setValue(value)

    def setMaximumValue(self, value: float) -> None:
        self._high.setValue(value)

    def setValues(self, minimum: float, maximum: float) -> None:
        if minimum > self._high.value:
            self._high.setValue(maximum)
        self._low.setValue(minimum)
        self._high.setValue(maximum)


@stand_in("ctk")
class ctkDoubleRangeSlider(_TwoNumbers):
    """A slider with two handles."""


@stand_in("ctk")
class ctkRangeWidget(_TwoNumbers):
    """A slider with two handles between two spin boxes."""

    decimals = Property(int, lambda self: self._low.decimals, lambda self, v: self._set_each("decimals", v))
    prefix = Property(str, lambda self: self._low.prefix, lambda self, v: self._set_each("prefix", v))
    suffix = Property(str, lambda self: self._low.suffix, lambda self, v: self._set_each("suffix", v))

    def setDecimals(self, decimals: int) -> None:
        self._set_each("decimals", decimals)


@stand_in("ctk")
class ctkDoubleSlider(ctkSliderWidget):
    """A slider for a real number, without a spin box."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spin.hide()
