"""The figures of a run as a table, a plot over the slices, and lines of text for the panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
from numpy.typing import NDArray

from PromptOnceLib.mrml.owned_nodes import mark, node_on, nodes_on, remove
from PromptOnceLib.segmentation.metrics import Summary
from PromptOnceLib.segmentation.result import SliceResult, Totals
from PromptOnceLib.segmentation.segment import Color

SLICE_COLUMN = "Slice"
_DECIMALS = 4
_TICKS = 5  # intervals of the axis of slices, each of whole slices
# Column, field of SliceResult, unit, what it says.
_COLUMNS = (
    ("Area", "area", "pixels", "Pixels of the mask"),
    ("Presence", "presence", "", "Probability that the object is on the slice, by the model"),
    ("Predicted IoU", "predicted_iou", "", "The model's own estimate of its mask, 0 to 1"),
    ("Dice", "dice", "", "Agreement with the reference, 0 to 1"),
    ("Jaccard", "jaccard", "", "Agreement with the reference, 0 to 1"),
)
_PLOTTED: dict[str, Color] = {
    "Presence": (0.55, 0.55, 0.55),
    "Predicted IoU": (0.0, 0.6, 0.85),
    "Dice": (0.9, 0.45, 0.0),
    "Jaccard": (0.8, 0.35, 0.65),
}


@dataclass(frozen=True, eq=False)
class TableNodes:
    """The table node, one plot series node for each figure in it, and the chart of those that have values."""

    table: Any
    series: dict[str, Any]
    chart: Any


def write_tables(volume_node: Any, rows: Sequence[SliceResult], title: str = "PromptOnce") -> TableNodes:
    """Write the per-slice table and its plot; the nodes of an earlier run on the same volume are used again.

    Figures have four decimals, so that the table can be read in a narrow panel. Undefined ones are NaN: where a slice
    was not computed, and Dice and Jaccard without a reference or where mask and reference are both empty.
    """
    table = _node(volume_node, "vtkMRMLTableNode", "slice table", "PromptOnce slices")
    columns = [np.array([row.slice for row in rows], np.int32)]
    columns += [np.array([_number(row, field) for row in rows], np.float64) for _, field, _, _ in _COLUMNS]
    with slicer.util.NodeModify(table):
        slicer.util.updateTableFromArray(table, columns, [SLICE_COLUMN, *(name for name, *_ in _COLUMNS)])
        table.SetUseColumnTitleAsColumnHeader(True)
        table.SetLocked(True)
        for name, _, unit, description in _COLUMNS:
            table.SetColumnUnitLabel(name, unit)
            table.SetColumnDescription(name, description)
    series = {name: _series(volume_node, table, name, color) for name, color in _PLOTTED.items()}
    values = {name: column for (name, *_), column in zip(_COLUMNS, columns[1:], strict=True)}
    shown = [series[name] for name in _PLOTTED if not np.isnan(values[name]).all()]
    return TableNodes(table, series, _chart(volume_node, shown, title, len(rows)))


def shows(table: Any, areas: NDArray[np.int_]) -> bool:
    """Whether a table that `write_tables` has made tells these areas of a mask, pixels a slice."""
    told = np.asarray(slicer.util.arrayFromTableColumn(table, "Area"), np.float64)
    known = np.isfinite(told)
    return len(told) == len(areas) and np.array_equal(told[known], areas[known])


def remove_tables(volume_node: Any) -> None:
    """Remove what `write_tables` has made for a volume."""
    for class_name in ("vtkMRMLPlotChartNode", "vtkMRMLPlotSeriesNode", "vtkMRMLTableNode"):
        for node in nodes_on(volume_node, class_name):
            remove(node)


def totals_in_words(figures: Totals) -> list[tuple[str, str]]:
    """The figures of the volume as pairs of a name and a value; those that need a reference only where there is one."""
    lines = [
        ("Slices", f"{figures.computed_slices} of {figures.slices}"),
        ("Volume", f"{figures.millilitres:.1f} ml"),
    ]
    if figures.reference_slices_not_computed is None:
        return lines
    lines.append(("Reference volume", f"{figures.reference_millilitres:.1f} ml"))
    lines += [("Dice", _figure(figures.dice)), ("Jaccard", _figure(figures.jaccard))]
    for name, summary in (("Dice per slice", figures.dice_per_slice), ("Jaccard per slice", figures.jaccard_per_slice)):
        lines.append((name, _summary(summary)))
    if figures.reference_slices_not_computed:
        lines.append(("Slices with reference, not computed", str(figures.reference_slices_not_computed)))
    return lines


def _node(volume_node: Any, class_name: str, role: str, name: str) -> Any:
    """The node with this role on the volume, made if there is none."""
    node = node_on(volume_node, class_name, role)
    if node is None:
        scene = volume_node.GetScene()
        node = scene.AddNewNodeByClass(class_name, scene.GenerateUniqueName(name))
        mark(node, role, volume_node)
    return node


def _series(volume_node: Any, table: Any, column: str, color: Color) -> Any:
    series = _node(volume_node, "vtkMRMLPlotSeriesNode", f"series {column}", column)
    with slicer.util.NodeModify(series):
        series.SetName(column)  # the legend's text
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetXColumnName(SLICE_COLUMN)
        series.SetYColumnName(column)
        series.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
        series.SetLineStyle(slicer.vtkMRMLPlotSeriesNode.LineStyleSolid)
        series.SetMarkerStyle(slicer.vtkMRMLPlotSeriesNode.MarkerStyleCircle)
        series.SetMarkerSize(5)
        series.SetColor(*color)
    return series


def _chart(volume_node: Any, series: Sequence[Any], title: str, slices: int) -> Any:
    chart = _node(volume_node, "vtkMRMLPlotChartNode", "slice chart", "PromptOnce slices")
    with slicer.util.NodeModify(chart):
        chart.RemoveAllPlotSeriesNodeIDs()
        for node in series:
            chart.AddAndObservePlotSeriesNodeID(node.GetID())
        chart.SetTitle(title)
        chart.SetXAxisTitle(SLICE_COLUMN)
        chart.SetYAxisTitle("")
        chart.SetLegendVisibility(False)  # it would lie over the curves; whoever shows the chart names them beside it
        chart.SetXAxisRangeAuto(False)
        chart.SetXAxisRange(0.0, float(_TICKS * max(1, -(-(slices - 1) // _TICKS))))
        chart.SetYAxisRangeAuto(False)
        chart.SetYAxisRange(0.0, 1.0)
    return chart


def _number(row: SliceResult, field: str) -> float:
    value = getattr(row, field)
    return float("nan") if value is None else round(float(value), _DECIMALS)


def _figure(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.4f}"


def _summary(summary: Summary | None) -> str:
    if summary is None:
        return "not defined"
    return f"mean {summary.mean:.4f}, median {summary.median:.4f}, {summary.min:.4f} to {summary.max:.4f}"
