"""qMRMLTableView: the rows of a table node."""

from __future__ import annotations

from typing import Any

import vtk
from PySide6.QtCore import QItemSelection, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QTableView, QWidget

from bench.pythonqt.stand_ins import stand_in, stored_property
from bench.qmrml.observing import Observing
from bench.qmrml.scene_widget import SCENE_SIGNALS

_COLUMN_TYPES_SHOWN_AS_NUMBERS = (vtk.VTK_CHAR, vtk.VTK_UNSIGNED_CHAR, vtk.VTK_SIGNED_CHAR)


def _text(table: Any, row: int, column: int) -> str:
    value = table.GetValue(row, column)
    small = table.GetColumn(column).GetDataType() in _COLUMN_TYPES_SHOWN_AS_NUMBERS
    return str(value.ToInt()) if small else str(value.ToString())


def _fill(model: QStandardItemModel, node: Any) -> None:
    """The texts of the table; as in Slicer, the first row holds the names of columns that are not used as titles."""
    model.clear()
    table = node.GetTable() if node is not None else None
    if table is None:
        return
    first_column, titles = int(node.GetUseFirstColumnAsRowHeader()), node.GetUseColumnTitleAsColumnHeader()
    for column in range(first_column, table.GetNumberOfColumns()):
        name = table.GetColumnName(column)
        items = [] if titles else [QStandardItem(name)]
        items += [QStandardItem(_text(table, row, column)) for row in range(table.GetNumberOfRows())]
        for item in items:
            item.setEditable(not node.GetLocked())
        model.appendColumn(items)
        unit = node.GetColumnUnitLabel(name)
        title = (node.GetColumnTitle(name) or name) + (f" [{unit}]" if unit else "")
        model.setHorizontalHeaderItem(column - first_column, QStandardItem(title if titles else chr(65 + column)))
    if first_column:
        labels = [] if titles else [table.GetColumnName(0)]
        model.setVerticalHeaderLabels(labels + [_text(table, row, 0) for row in range(table.GetNumberOfRows())])


@stand_in("slicer")
class qMRMLTableView(QTableView):
    """Follows its table node, or the one its view node names."""

    mrmlSceneChanged = Signal(object)
    _selection_changed = Signal()
    cpp_signals = {**SCENE_SIGNALS, "selectionChanged()": "_selection_changed"}  # noqa: RUF012
    transposed = stored_property(bool, "transposed", False)
    firstRowLocked = stored_property(bool, "firstRowLocked", False)
    firstColumnLocked = stored_property(bool, "firstColumnLocked", False)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._node: Any = None
        self._view_node: Any = None
        self._table_events, self._view_events = Observing(self), Observing(self)
        self._table_model, self._proxy = QStandardItemModel(self), QSortFilterProxyModel(self)
        self._proxy.setSourceModel(self._table_model)
        self.setModel(self._proxy)

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)

    def mrmlTableNode(self) -> Any:
        return self._node

    def setMRMLTableNode(self, node: Any) -> None:
        if node is self._node:
            return
        self._node = node
        self._table_events.clear()
        if node is not None:
            self._table_events.add(node, [vtk.vtkCommand.ModifiedEvent], qMRMLTableView._update)
        self._update()
        self._selection_changed.emit()

    def _update(self) -> None:
        _fill(self._table_model, self._node)

    def mrmlTableViewNode(self) -> Any:
        return self._view_node

    def setMRMLTableViewNode(self, node: Any) -> None:
        self._view_node = node
        self._view_events.clear()
        if node is not None:
            self._view_events.add(node, [vtk.vtkCommand.ModifiedEvent], qMRMLTableView._follow_view_node)
            self._follow_view_node()

    def _follow_view_node(self) -> None:
        self.setMRMLTableNode(self._view_node.GetTableNode())

    def tableModel(self) -> QStandardItemModel:
        return self._table_model

    def sortFilterProxyModel(self) -> QSortFilterProxyModel:
        return self._proxy

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        self._selection_changed.emit()

    def sizeHintForColumn(self, column: int) -> int:
        width = super().sizeHintForColumn(column)
        header = self._proxy.headerData(column, Qt.Orientation.Horizontal) or ""
        return max(width, self.fontMetrics().horizontalAdvance(str(header)) + 12)
