"""The panel Compare: the reference, figures of the volume, and the slices in a table and a plot."""

from __future__ import annotations

from typing import Any

import qt
import slicer

from PromptOnceLib.gui.panel import Panel, PanelTools, fill, narrow, show_node
from PromptOnceLib.gui.parameter_node import SceneChoices
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect, line_label, show_text
from PromptOnceLib.gui.run.comparison import RunComparison

_TABLE_HEIGHT, _PLOT_HEIGHT, _ROW_HEIGHT = 180, 220, 24  # pixels
_LONGEST_LINE = 44  # characters
_VIEW_NAME = "PromptOncePlot"


class ComparePanel(Panel):
    """A click on a row of the table or a point of the plot moves the views to that slice."""

    part = "compare"

    def __init__(self, title: str, tools: PanelTools, choices: SceneChoices, comparison: RunComparison) -> None:
        self._choices, self._comparison = choices, comparison
        super().__init__(title, tools)
        self.follow(choices.changed, comparison.changed)

    def build(self) -> None:
        """See Panel."""
        self.reference = slicer.qMRMLNodeComboBox()
        self.reference.nodeTypes = ["vtkMRMLSegmentationNode", "vtkMRMLLabelMapVolumeNode"]
        self.reference.addEnabled = self.reference.removeEnabled = False
        self.reference.noneEnabled = True
        self.reference.noneDisplay = _("no reference")
        self.reference.setMRMLScene(slicer.mrmlScene)
        self.segment, self.totals = narrow(qt.QComboBox()), line_label()
        self.totals.wordWrap = False
        self.segment_label = qt.QLabel(_("Segment:"))
        self.table = slicer.qMRMLTableView()
        self.table.setMRMLScene(slicer.mrmlScene)
        self.table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        self.table.setFixedHeight(_TABLE_HEIGHT)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        self.table.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
        self.plot = slicer.qMRMLPlotView()
        self.plot.setMRMLScene(slicer.mrmlScene)
        self.plot.setFixedHeight(_PLOT_HEIGHT)
        self.plot.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
        self.form.addRow(_("Reference:"), self.reference)
        self.form.addRow(self.segment_label, self.segment)
        self.figures = qt.QWidget()
        column = qt.QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.totals, self.plot, self.table):
            column.addWidget(widget)
        self.figures.setLayout(column)
        self.form.addRow(self.figures)
        self._view: Any = None
        self._lines: list[tuple[str, str]] = []
        connect(self.reference, "nodeActivated(vtkMRMLNode*)", self._comparison.choose_reference)
        connect(self.segment, "activated(int)", self._segment_chosen)
        connect(self.table, "clicked(QModelIndex)", self._row_clicked)
        connect(self.plot, "dataSelected(vtkStringArray*,vtkCollection*)", self._point_clicked)

    def refresh(self) -> None:
        """See Panel."""
        super().refresh()
        choices, comparison = self._choices.node, self._comparison
        node = None if choices is None else choices.reference
        show_node(self.reference, node)
        self._show_segments(node)
        show_text(self.totals, "\n".join(_line(name, value) for name, value in comparison.lines))
        there = comparison.table is not None and comparison.table.GetScene() is not None
        self.table.setVisible(there)
        self.plot.setVisible(there)
        shown = comparison.table if there else None
        if self.table.mrmlTableNode() is not shown:
            self.table.setMRMLTableNode(shown)
        if comparison.lines is not self._lines:
            self._lines = comparison.lines
            self.table.resizeColumnsToContents()
        if there:
            self._show_plot(comparison.chart)

    def cleanup(self) -> None:
        """See Panel."""
        self.table.setMRMLTableNode(None)
        if self._view is not None and self._view.GetScene() is not None:
            slicer.mrmlScene.RemoveNode(self._view)

    def _show_segments(self, node: Any | None) -> None:
        """Which segment is the reference, where it is one of a segmentation."""
        choices = self._choices.node
        of_segmentation = node is not None and bool(node.IsA("vtkMRMLSegmentationNode"))
        self.segment.setVisible(of_segmentation)
        self.segment_label.setVisible(of_segmentation)
        if choices is not None and node is not None and of_segmentation:
            segmentation = node.GetSegmentation()
            entries = [(segmentation.GetSegment(i).GetName(), i) for i in segmentation.GetSegmentIDs()]
            fill(self.segment, entries, choices.referenceSegment)

    def _show_plot(self, chart: Any) -> None:
        """The panel's plot has a view node of its own, which is not saved.

        It belongs to the module, not to the layout, which would make a second view for it.
        """
        if self._view is None or self._view.GetScene() is None:
            view = slicer.vtkMRMLPlotViewNode()
            view.SetName(_VIEW_NAME)
            view.SetLayoutName(_VIEW_NAME)
            view.SetSaveWithScene(False)
            view.SetHideFromEditors(True)
            view.SetAndObserveParentLayoutNodeID(self._choices.scene_node.GetID())
            self._view = slicer.mrmlScene.AddNode(view)
            self.plot.setMRMLPlotViewNode(self._view)
        wanted = None if chart is None else chart.GetID()
        if self._view.GetPlotChartNodeID() != wanted:
            self._view.SetPlotChartNodeID(wanted)

    def _segment_chosen(self, index: int) -> None:
        self._comparison.choose_reference(self.reference.currentNode(), self.segment.itemData(index))

    def _row_clicked(self, index: Any) -> None:
        self._comparison.go_to_slice(self.table.sortFilterProxyModel().mapToSource(index).row())

    def _point_clicked(self, _series: Any, selections: Any) -> None:
        if selections is not None and selections.GetNumberOfItems() > 0:
            self._comparison.go_to_slice(selections.GetItemAsObject(0).GetValue(0))


def _line(name: str, value: str) -> str:
    """A figure with its name, in two lines where one would be too long for a narrow panel."""
    together = f"{name}: {value}"
    return together if len(together) <= _LONGEST_LINE else f"{name}:\n    {value}"
