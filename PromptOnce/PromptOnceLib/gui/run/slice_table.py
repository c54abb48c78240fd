"""The figures of every slice as a table that fits a narrow panel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import qt
import slicer

from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect

_HEIGHT, _ROW_HEIGHT = 170, 20  # pixels
_DECIMALS = 3
_WHOLE = ("Slice", "Area")


class SliceTable:
    """Shows a table node, whose figures stay what they are; what is not defined is an empty cell.

    on_slice: called with the number of the slice that was clicked.
    """

    def __init__(self, on_slice: Callable[[int], object]) -> None:
        self.widget = qt.QTableWidget()
        table = self.widget
        table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        table.setSelectionMode(qt.QAbstractItemView.SingleSelection)
        table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        table.setFixedHeight(_HEIGHT)
        table.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
        table.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        connect(table, "cellClicked(int,int)", lambda number, _column: on_slice(number))

    def show(self, node: Any) -> None:
        """Show the columns of a table node that hold any figure."""
        names = [node.GetColumnName(number) for number in range(node.GetNumberOfColumns())]
        columns = {name: np.asarray(slicer.util.arrayFromTableColumn(node, name), float) for name in names}
        shown = {name: values for name, values in columns.items() if name in _WHOLE or np.isfinite(values).any()}
        rows = len(next(iter(columns.values()), ()))
        self.widget.setColumnCount(len(shown))
        self.widget.setHorizontalHeaderLabels([_title(name) for name in shown])
        self.widget.setRowCount(rows)
        for column, (name, values) in enumerate(shown.items()):
            for number, value in enumerate(values):
                cell = qt.QTableWidgetItem(_text(name, value))
                cell.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
                self.widget.setItem(number, column, cell)


def _title(name: str) -> str:
    return {"Predicted IoU": _("Pred. IoU")}.get(name, name)


def _text(name: str, value: float) -> str:
    if not np.isfinite(value):
        return ""
    return f"{value:.0f}" if name in _WHOLE else f"{value:.{_DECIMALS}f}"
