"""qMRMLPlotView: a chart whose points can be clicked."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk
from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from bench.pythonqt.stand_ins import stand_in
from bench.qmrml.chart_drawing import Axes, draw_series, series_of
from bench.qmrml.observing import Observing
from bench.qmrml.scene_widget import SCENE_SIGNALS

_REACH = 10.0  # pixels within which a click finds a point


@stand_in("slicer")
class qMRMLPlotView(QWidget):
    """Follows the chart that its view node names; a click near a point selects it."""

    mrmlSceneChanged = Signal(object)
    dataSelected = Signal(object, object)
    cpp_signals = {**SCENE_SIGNALS, "dataSelected(vtkStringArray*,vtkCollection*)": "dataSelected"}  # noqa: RUF012

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._view_node: Any = None
        self._chart: Any = None
        self._view_events, self._chart_events = Observing(self), Observing(self)
        self.setMinimumSize(160, 120)

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)

    def mrmlPlotViewNode(self) -> Any:
        return self._view_node

    def setMRMLPlotViewNode(self, node: Any) -> None:
        self._view_node = node
        self._view_events.clear()
        if node is not None:
            self._view_events.add(node, [vtk.vtkCommand.ModifiedEvent], qMRMLPlotView._follow)
            self._follow()

    def _follow(self) -> None:
        self._chart = self._view_node.GetPlotChartNode()
        self._chart_events.clear()
        if self._chart is not None:
            observed = [self._chart]
            for index in range(self._chart.GetNumberOfPlotSeriesNodes()):
                series = self._chart.GetNthPlotSeriesNode(index)
                observed += [node for node in (series, series.GetTableNode()) if node is not None]
            for node in observed:
                self._chart_events.add(node, [vtk.vtkCommand.ModifiedEvent], QWidget.update)
        self.update()

    def fitToContent(self) -> None:
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect, QColor("white"))
        if self._chart is None:
            return
        series = series_of(self._chart)
        axes = Axes(self._chart, series, (self.width, self.height))
        axes.draw(painter, self._chart)
        for row, one in enumerate(series):
            draw_series(painter, axes, one, row if self._chart.GetLegendVisibility() else None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the nearest point of each series that is within reach, and tell."""
        if self._chart is None:
            return
        series = series_of(self._chart)
        axes = Axes(self._chart, series, (self.width, self.height))
        ids, selections = vtk.vtkStringArray(), vtk.vtkCollection()
        for one in series:
            click = np.array([event.position().x(), event.position().y()])
            distances = np.hypot(*(axes.pixels(one.points) - click).T)
            if np.nanmin(distances, initial=np.inf) <= _REACH:
                selection = vtk.vtkIdTypeArray()
                selection.InsertNextValue(int(np.nanargmin(distances)))
                ids.InsertNextValue(one.node.GetID())
                selections.AddItem(selection)
        if ids.GetNumberOfValues():
            self.dataSelected.emit(ids, selections)
