"""Drawing a plot chart node with QPainter: axes, series, titles, legend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen, QPolygonF
from vtkmodules.util.numpy_support import vtk_to_numpy

_LEFT, _TOP, _RIGHT, _BOTTOM = 56, 28, 12, 44  # margins around the axes in pixels
_TICKS = 5

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """One series of the chart: its node, and its points as an array (points, 2) in data units."""

    node: Any
    points: Points


def series_of(chart: Any) -> list[Series]:
    """The series of a vtkMRMLPlotChartNode that have their columns."""
    found = []
    for index in range(chart.GetNumberOfPlotSeriesNodes()):
        node = chart.GetNthPlotSeriesNode(index)
        table_node = node.GetTableNode()
        table = table_node.GetTable() if table_node is not None else None
        y = table.GetColumnByName(node.GetYColumnName()) if table is not None else None
        if y is None:
            continue
        ys = vtk_to_numpy(y).astype(float)
        x = table.GetColumnByName(node.GetXColumnName()) if node.GetXColumnName() else None
        xs = np.arange(len(ys), dtype=float) if x is None else vtk_to_numpy(x).astype(float)
        found.append(Series(node, np.column_stack([xs, ys])))
    return found


class Axes:
    """Where data are in the picture."""

    def __init__(self, chart: Any, series: list[Series], size: tuple[int, int]) -> None:
        every = np.concatenate([s.points for s in series]) if series else np.zeros((0, 2))
        every = every[np.isfinite(every).all(axis=1)]
        low, high = (every.min(axis=0), every.max(axis=0)) if len(every) else (np.zeros(2), np.ones(2))
        if not chart.GetXAxisRangeAuto():
            low[0], high[0] = chart.GetXAxisRange()
        if not chart.GetYAxisRangeAuto():
            low[1], high[1] = chart.GetYAxisRange()
        self.low, self.span = low, np.where(high > low, high - low, 1.0)
        self.area = QRect(_LEFT, _TOP, max(size[0] - _LEFT - _RIGHT, 10), max(size[1] - _TOP - _BOTTOM, 10))

    def pixels(self, points: Points) -> Points:
        """Points (points, 2) in data units to pixels of the picture, x to the right and y down."""
        part = (points - self.low) / self.span
        x = self.area.left() + part[:, 0] * self.area.width()
        return np.column_stack([x, self.area.bottom() - part[:, 1] * self.area.height()])

    def draw(self, painter: QPainter, chart: Any) -> None:
        painter.setPen(QPen(QColor("#444444")))
        painter.drawRect(self.area)
        metrics = QFontMetrics(painter.font())
        for tick in range(_TICKS + 1):
            part = tick / _TICKS
            x, y = self.area.left() + part * self.area.width(), self.area.bottom() - part * self.area.height()
            x_text, y_text = (f"{self.low[axis] + part * self.span[axis]:.4g}" for axis in (0, 1))
            painter.drawText(QPointF(x - metrics.horizontalAdvance(x_text) / 2, self.area.bottom() + 14), x_text)
            painter.drawText(QPointF(_LEFT - 6 - metrics.horizontalAdvance(y_text), y + 4), y_text)
        width, height = self.area.right() + _RIGHT, self.area.bottom() + _BOTTOM
        center = Qt.AlignmentFlag.AlignHCenter
        painter.drawText(QRectF(0, 4, width, 20), center, chart.GetTitle() or "")
        painter.drawText(QRectF(0, height - 22, width, 20), center, chart.GetXAxisTitle() or "")
        painter.save()
        painter.rotate(-90)
        painter.drawText(QRectF(-height, 2, height, 16), center, chart.GetYAxisTitle() or "")
        painter.restore()


def draw_series(painter: QPainter, axes: Axes, series: Series, row: int | None) -> None:
    """Lines and markers, as the series node asks for them, and its line of the legend, None for no legend."""
    color = QColor.fromRgbF(*series.node.GetColor())
    pixels = axes.pixels(series.points)
    good = np.isfinite(pixels).all(axis=1)
    painter.setPen(QPen(color, 2))
    if series.node.GetLineStyle() != series.node.LineStyleNone:
        painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in pixels[good]]))
    painter.setBrush(color)
    if series.node.GetMarkerStyle() != series.node.MarkerStyleNone:
        for x, y in pixels[good]:
            painter.drawEllipse(QPointF(x, y), 3, 3)
    if row is None:
        return
    y = axes.area.top() + 14 + 14 * row
    painter.drawLine(axes.area.left() + 8, y - 4, axes.area.left() + 24, y - 4)
    painter.drawText(axes.area.left() + 28, y, series.node.GetName() or "")
