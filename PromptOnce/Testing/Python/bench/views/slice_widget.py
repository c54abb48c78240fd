"""qMRMLSliceWidget: a slice view with its logic, under a bar with the offset."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from bench.pythonqt.stand_ins import stand_in
from bench.qmrml.observing import Observing
from bench.qmrml.scene_widget import qMRMLWidget
from bench.views.slice_view import qMRMLSliceView

_STEPS = 10  # positions of the slider per millimetre


@stand_in("slicer")
class qMRMLSliceControllerWidget(qMRMLWidget):
    """The bar over a slice view: its letter, the slider of the slice offset."""

    def __init__(self, logic: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._logic = logic
        node = logic.GetSliceNode()
        label = QLabel(node.GetLayoutLabel())
        red, green, blue = (int(255 * part) for part in node.GetLayoutColor())
        label.setStyleSheet(f"background: rgb({red},{green},{blue}); padding: 0 6px")
        self._slider, self._text = QSlider(Qt.Orientation.Horizontal), QLabel()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (label, self._slider, self._text):
            row.addWidget(widget)
        self._slider.valueChanged.connect(lambda value: self._logic.SetSliceOffset(value / _STEPS))
        self._events = Observing(self)
        self._events.add(logic, [vtk.vtkCommand.ModifiedEvent], qMRMLSliceControllerWidget._update)
        self._events.add(node, [vtk.vtkCommand.ModifiedEvent], qMRMLSliceControllerWidget._update)

    def _update(self) -> None:
        bounds, offset = [0.0] * 6, self._logic.GetSliceOffset()
        self._logic.GetLowestVolumeSliceBounds(bounds)
        self._slider.blockSignals(True)
        self._slider.setRange(round(bounds[4] * _STEPS), round(bounds[5] * _STEPS))
        self._slider.setValue(round(offset * _STEPS))
        self._slider.blockSignals(False)
        self._text.setText(f"{offset:.1f} mm")

    def sliceLogic(self) -> Any:
        return self._logic

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode()

    def fitSliceToBackground(self) -> None:
        self._logic.FitSliceToBackground()

    def setSliceOffsetValue(self, offset: float) -> None:
        self._logic.SetSliceOffset(offset)


@stand_in("slicer")
class qMRMLSliceWidget(qMRMLWidget):
    """One slice view of the layout."""

    def __init__(self, logic: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._logic = logic
        self._view, self._controller = qMRMLSliceView(), qMRMLSliceControllerWidget(logic)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._controller)
        column.addWidget(self._view, 1)
        self._view.interactorObserver().SetSliceLogic(logic)
        self._view.setMRMLSliceNode(logic.GetSliceNode())
        self._view.resized.connect(self._resize)
        self._events = Observing(self)
        self._events.add(logic, [vtk.vtkCommand.ModifiedEvent], qMRMLSliceWidget._logic_modified)
        self._connection: Any = None

    def _resize(self, size: QSize) -> None:
        self._logic.ResizeSliceNode(size.width(), size.height())

    def _logic_modified(self) -> None:
        """The end of the logic's pipeline is another one when layers come or go."""
        connection = self._logic.GetImageDataConnection()
        if connection is not self._connection:
            self._connection = connection
            self._view._set_image_connection(connection)
        self._view.scheduleRender()

    def setMRMLScene(self, scene: Any) -> None:
        super().setMRMLScene(scene)
        self._controller.setMRMLScene(scene)
        self._view.setMRMLScene(scene)
        self._events.add(scene, [slicer.vtkMRMLScene.EndBatchProcessEvent], qMRMLSliceWidget._scene_ready)

    def _scene_ready(self) -> None:
        """A closed or loaded scene has reset the slice node, its size too."""
        self._resize(self._view.size)
        self._view.scheduleRender()

    def sliceLogic(self) -> Any:
        return self._logic

    logic = sliceLogic

    def sliceView(self) -> qMRMLSliceView:
        return self._view

    viewWidget = sliceView

    def sliceController(self) -> qMRMLSliceControllerWidget:
        return self._controller

    controllerWidget = sliceController

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        return self._logic.GetSliceCompositeNode()

    def interactorStyle(self) -> Any:
        return self._view.interactorStyle()

    def fitSliceToBackground(self) -> None:
        self._logic.FitSliceToBackground()
