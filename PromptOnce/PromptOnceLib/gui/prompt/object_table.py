"""The objects of the prompt as a table, as Slicer's Segment Editor shows segments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qt

from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect
from PromptOnceLib.mrml.prompts.objects import PromptObjects
from PromptOnceLib.segmentation.segment import Color

_COLOR, _NAME, _VISIBLE, _IOU = range(4)
_WIDTHS = {_COLOR: 28, _VISIBLE: 52, _IOU: 96}  # pixels; the name gets the rest
_ROW_HEIGHT, _ROWS = 22, 3


class ObjectTable:
    """Colour, name, visibility and predicted IoU of each object; the selected row is the selected object.

    on_selected: called with the number of the object that the user has chosen. on_shown: called with the number of an
    object and whether its markups are to be shown.
    """

    def __init__(self, on_selected: Callable[[int], object], on_shown: Callable[[int, bool], object]) -> None:
        self._on_selected, self._on_shown = on_selected, on_shown
        self.widget = qt.QTableWidget(0, len(range(4)))
        table = self.widget
        table.setHorizontalHeaderLabels(["", _("Name"), _("Visible"), _("Predicted IoU")])
        table.horizontalHeaderItem(_IOU).setToolTip(
            _("The model's own estimate of its mask on the prompted slice, 0 to 1; no measure of the true quality")
        )
        table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        table.setSelectionMode(qt.QAbstractItemView.SingleSelection)
        table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        table.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
        table.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        header = table.horizontalHeader()
        header.setMinimumSectionSize(min(_WIDTHS.values()))
        for column, width in _WIDTHS.items():
            header.setSectionResizeMode(column, qt.QHeaderView.Fixed)
            header.resizeSection(column, width)
        header.setSectionResizeMode(_NAME, qt.QHeaderView.Stretch)
        table.setFixedHeight(header.sizeHint.height() + _ROWS * _ROW_HEIGHT + 2 * table.frameWidth)
        self._shown: list[tuple[str, Color, bool, str]] = []
        connect(table, "itemSelectionChanged()", self._selected)
        connect(table, "itemChanged(QTableWidgetItem*)", self._changed)

    def show(self, objects: PromptObjects | None, scores: Mapping[str, tuple[float, float]]) -> None:
        """Show these objects, without telling anybody; scores: presence and predicted IoU by key."""
        rows = [] if objects is None else [_row_of(item, scores.get(item.key)) for item in objects.objects]
        blocked = self.widget.blockSignals(True)
        if rows != self._shown:
            self._shown = rows
            self.widget.setRowCount(len(rows))
            for number, shown in enumerate(rows):
                self._fill(number, *shown)
        if objects is not None and self.widget.currentRow() != objects.current:
            self.widget.setCurrentCell(objects.current, _NAME)
        self.widget.blockSignals(blocked)

    def _fill(self, number: int, name: str, color: Color, visible: bool, iou: str) -> None:
        cells = [qt.QTableWidgetItem(text) for text in ("", name, "", iou)]
        cells[_COLOR].setIcon(_swatch(color))
        cells[_NAME].setToolTip(name)
        cells[_VISIBLE].setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable | qt.Qt.ItemIsUserCheckable)
        cells[_VISIBLE].setCheckState(qt.Qt.Checked if visible else qt.Qt.Unchecked)
        for column, cell in enumerate(cells):
            self.widget.setItem(number, column, cell)

    def _selected(self) -> None:
        number = self.widget.currentRow()
        if number >= 0:
            self._on_selected(number)

    def _changed(self, cell: Any) -> None:
        """Only what can be ticked can be changed."""
        if cell.column() == _VISIBLE:
            self._on_shown(cell.row(), cell.checkState() == qt.Qt.Checked)


def _row_of(item: Any, score: tuple[float, float] | None) -> tuple[str, Color, bool, str]:
    return item.name, item.color, item.visible, "" if score is None else f"{score[1]:.2f}"


def _swatch(color: Color) -> Any:
    picture = qt.QPixmap(14, 14)
    picture.fill(qt.QColor.fromRgbF(*color))
    return qt.QIcon(picture)
