"""The panel Review: figures of the volume, the reference, and the slices in a plot and a table."""

from __future__ import annotations

from typing import Any

import qt
import slicer

from PromptOnceLib.gui.panel import Panel, PanelTools, fill, narrow, show_node
from PromptOnceLib.gui.parameter_node import SceneChoices
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import connect, line_label, show_text
from PromptOnceLib.gui.run.comparison import RunComparison
from PromptOnceLib.gui.run.slice_table import SliceTable
from PromptOnceLib.gui.volume.open_case import CurrentCase

_PLOT_HEIGHT = 170  # pixels
_VIEW_NAME = "PromptOncePlot"


class ComparePanel(Panel):
    """A click on a row of the table or a point of the plot moves the views to that slice."""

    part = "compare"

    def __init__(
        self, title: str, tools: PanelTools, current: CurrentCase, choices: SceneChoices, comparison: RunComparison
    ) -> None:
        self._current, self._choices, self._comparison = current, choices, comparison
        super().__init__(title, tools)
        self.follow(choices.changed, comparison.changed)

    def build(self) -> None:
        """See Panel."""
        self.headline, self.totals, self.legend = line_label(), line_label(), line_label()
        self.headline.setTextFormat(qt.Qt.RichText)
        self.legend.setTextFormat(qt.Qt.RichText)
        self.reference = slicer.qMRMLNodeComboBox()
        self.reference.nodeTypes = ["vtkMRMLSegmentationNode", "vtkMRMLLabelMapVolumeNode"]
        self.reference.addEnabled = self.reference.removeEnabled = False
        self.reference.noneEnabled = True
        self.reference.noneDisplay = _("no reference")
        self.reference.setMRMLScene(slicer.mrmlScene)
        self.segment = narrow(qt.QComboBox())
        self.segment_label = qt.QLabel(_("Segment:"))
        self._slices = SliceTable(self._comparison.go_to_slice)
        self.table = self._slices.widget
        self.plot = slicer.qMRMLPlotView()
        self.plot.setMRMLScene(slicer.mrmlScene)
        self.plot.setFixedHeight(_PLOT_HEIGHT)
        self.plot.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
        self.form.addRow(self.headline)
        self.form.addRow(_("Compare with:"), self.reference)
        self.form.addRow(self.segment_label, self.segment)
        self.form.addRow(self.notice)
        self.form.addRow(self.totals)
        self.figures = qt.QWidget()
        column = qt.QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.legend, self.plot, self.table):
            column.addWidget(widget)
        self.figures.setLayout(column)
        self.widget.layout().addWidget(self.figures)  # not in the form: see Panel
        self._away = False
        self._view: Any = None
        self._lines: list[tuple[str, str]] | None = None
        connect(self.reference, "nodeActivated(vtkMRMLNode*)", self._comparison.choose_reference)
        connect(self.segment, "activated(int)", self._segment_chosen)
        connect(self.plot, "dataSelected(vtkStringArray*,vtkCollection*)", self._point_clicked)

    def refresh(self) -> None:
        """See Panel."""
        super().refresh()
        comparison = self._comparison
        if not self._away:
            comparison.look_again()
        self._show_reference()
        there = comparison.table is not None and comparison.table.GetScene() is not None
        show_text(self.headline, _headline(dict(comparison.lines)))
        show_text(self.totals, _totals(dict(comparison.lines)))
        self.totals.setToolTip("\n".join(f"{name}: {value}" for name, value in comparison.lines))
        self.figures.setVisible(there)
        if not there:
            self._lines = None
            return
        if comparison.lines is not self._lines:
            self._lines = comparison.lines
            self._slices.show(comparison.table)
            show_text(self.legend, _legend(comparison.chart))
        self._show_plot(comparison.chart)

    def look_again(self) -> None:
        """The module is opened: segments may have been drawn on elsewhere."""
        self._away = False
        self._comparison.look_again()

    def leave(self) -> None:
        """Another module is opened: nobody looks, and a stroke of the Segment Editor has nothing read."""
        self._away = True

    def cleanup(self) -> None:
        """See Panel."""
        if self._view is not None and self._view.GetScene() is not None:
            slicer.mrmlScene.RemoveNode(self._view)

    def _show_reference(self) -> None:
        """What the selected object is compared with, and with which segment of it."""
        references, case = self._comparison.references, self._current.case
        show_node(self.reference, None if case is None else references.node_for(case))
        segmentation = None if case is None else references.segments_of(case)
        self.segment.setVisible(segmentation is not None)
        self.segment_label.setVisible(segmentation is not None)
        if case is not None and segmentation is not None:
            entries = [(segmentation.GetSegment(i).GetName(), i) for i in segmentation.GetSegmentIDs()]
            fill(self.segment, entries, references.segment_for(case))

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

    def _point_clicked(self, _series: Any, selections: Any) -> None:
        if selections is not None and selections.GetNumberOfItems() > 0:
            self._comparison.go_to_slice(selections.GetItemAsObject(0).GetValue(0))


def _headline(figures: dict[str, str]) -> str:
    """What somebody looks for first: how well it agrees with the reference, else how large it is."""
    if not figures:
        return _("Figures, plot and table of the result appear here.")
    names: list[str] = [name for name in ("Dice", "Jaccard") if name in figures] or ["Volume"]
    first, *rest = names
    large = f'<span style="font-size: x-large; font-weight: bold">{first} {figures[first]}</span>'
    return "&nbsp;&nbsp;&nbsp;".join([large, *(f"{name} {figures[name]}" for name in rest)])


def _totals(figures: dict[str, str]) -> str:
    """The other figures, the volumes in one line; what says the same again is left to the tool tip."""
    rest = {name: value for name, value in figures.items() if name not in ("Dice", "Jaccard", "Jaccard per slice")}
    reference = rest.pop("Reference volume", "")
    if reference:
        rest["Volume"] += _(", reference {volume}").format(volume=reference)
    return "\n".join(f"{name}: {value}" for name, value in rest.items())


def _legend(chart: Any) -> str:
    """The names of the curves in their colours, above them: in the plot they would lie over the curves."""
    entries = []
    for number in range(0 if chart is None else chart.GetNumberOfPlotSeriesNodes()):
        series = chart.GetNthPlotSeriesNode(number)
        red, green, blue = (round(255 * part) for part in series.GetColor())
        entries.append(f'<span style="color: rgb({red}, {green}, {blue})">&#9632;</span> {series.GetName()}')
    return "&nbsp;&nbsp; ".join(entries)
