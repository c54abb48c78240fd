"""The stand-ins for Slicer's widgets follow the scene."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

VOLUME, VECTOR, LABELS = "vtkMRMLScalarVolumeNode", "vtkMRMLVectorVolumeNode", "vtkMRMLLabelMapVolumeNode"


@pytest.fixture
def selector(bench: Any) -> Any:
    """A selector for volumes that may be none."""
    import slicer

    combo = slicer.qMRMLNodeComboBox()
    combo.nodeTypes = [VOLUME]
    combo.noneEnabled = True
    combo.setMRMLScene(slicer.mrmlScene)
    return combo


def names(combo: Any) -> list[str]:
    return [combo.nodeFromIndex(i).GetName() for i in range(combo.nodeCount())]


def test_a_selector_lists_nodes_as_they_come_and_go(bench: Any, selector: Any) -> None:
    first = bench.scene.AddNewNodeByClass(VOLUME, "first")
    second = bench.scene.AddNewNodeByClass(VOLUME, "second")
    bench.scene.AddNewNodeByClass("vtkMRMLTextNode", "text")
    assert names(selector) == ["first", "second"]
    assert selector.currentNode() is None
    second.SetName("renamed")
    assert names(selector) == ["first", "renamed"]
    bench.scene.RemoveNode(first)
    assert names(selector) == ["renamed"]
    second.HideFromEditorsOn()
    assert names(selector) == []


def test_only_the_wanted_classes_are_listed(bench: Any, selector: Any) -> None:
    for kind in (VOLUME, VECTOR, LABELS):
        bench.scene.AddNewNodeByClass(kind, kind)
    assert names(selector) == [VOLUME, VECTOR, LABELS]
    selector.hideChildNodeTypes = [LABELS]
    assert names(selector) == [VOLUME, VECTOR]
    selector.hideChildNodeTypes = []
    selector.showChildNodeTypes = False
    assert names(selector) == [VOLUME]
    selector.nodeTypes = [VOLUME, VECTOR]
    assert names(selector) == [VOLUME, VECTOR]


def test_the_current_node_is_announced_once(bench: Any, selector: Any) -> None:
    node = bench.scene.AddNewNodeByClass(VOLUME, "one")
    told: list[Any] = []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", told.append)
    selector.setCurrentNode(node)
    selector.setCurrentNodeID(node.GetID())
    assert told == [node]
    assert selector.currentNodeID == node.GetID()
    selector.setCurrentNode(None)
    assert told == [node, None]
    assert selector.currentNodeID == ""


def test_a_removed_current_node_gives_way_to_its_neighbor(bench: Any, selector: Any) -> None:
    nodes = [bench.scene.AddNewNodeByClass(VOLUME, name) for name in "abc"]
    selector.setCurrentNode(nodes[1])
    bench.scene.RemoveNode(nodes[1])
    assert selector.currentNode() is nodes[2]
    bench.scene.Clear(0)
    assert selector.currentNode() is None


def test_a_selector_without_none_and_actions_takes_the_first_node(bench: Any, selector: Any) -> None:
    selector.noneEnabled = selector.addEnabled = selector.removeEnabled = False
    node = bench.scene.AddNewNodeByClass(VOLUME, "one")
    assert selector.currentNode() is node


def test_a_new_node_gets_the_base_name_and_is_selected(bench: Any, selector: Any) -> None:
    selector.baseName = "Result"
    added: list[Any] = []
    selector.connect("nodeAddedByUser(vtkMRMLNode*)", added.append)
    node = selector.addNode()
    assert node.GetName().startswith("Result")
    assert selector.currentNode() is node
    assert added == [node]


def test_attributes_filter_nodes(bench: Any, selector: Any) -> None:
    plain = bench.scene.AddNewNodeByClass(VOLUME, "plain")
    marked = bench.scene.AddNewNodeByClass(VOLUME, "marked")
    marked.SetAttribute("Purpose", "input")
    selector.addAttribute(VOLUME, "Purpose", "input")
    assert names(selector) == ["marked"]
    selector.removeAttribute(VOLUME, "Purpose")
    assert selector.nodeCount() == 2
    assert plain


def test_a_selector_without_a_scene_keeps_the_node_it_shall_show(bench: Any) -> None:
    import slicer

    node = bench.scene.AddNewNodeByClass(VOLUME, "one")
    combo = slicer.qMRMLNodeComboBox()
    combo.nodeTypes = [VOLUME]
    combo.setCurrentNode(node)
    assert not combo.enabled
    combo.setMRMLScene(slicer.mrmlScene)
    assert combo.currentNode() is node


def test_selectors_that_are_gone_hear_nothing_more(bench: Any) -> None:
    import slicer

    combo = slicer.qMRMLNodeComboBox()
    combo.setMRMLScene(slicer.mrmlScene)
    combo.delete()
    bench.scene.AddNewNodeByClass(VOLUME, "late")
    assert bench.errors == []


def test_segments_are_listed_and_kept(bench: Any) -> None:
    import slicer

    widget, told = slicer.qMRMLSegmentSelectorWidget(), []
    widget.connect("currentSegmentChanged(QString)", told.append)
    widget.setMRMLScene(slicer.mrmlScene)
    node = bench.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "organs")
    widget.setCurrentNode(node)
    assert widget.currentSegmentID() == ""
    liver, spleen = (node.GetSegmentation().AddEmptySegment("", name) for name in ("liver", "spleen"))
    assert widget.segmentIDs() == [liver, spleen]
    assert widget.currentSegmentID() == liver
    widget.setCurrentSegmentID(spleen)
    node.GetSegmentation().GetSegment(spleen).SetName("Spleen")
    assert widget.currentSegmentID() == spleen
    node.GetSegmentation().RemoveSegment(spleen)
    assert widget.currentSegmentID() == liver
    assert told == [liver, spleen, liver]


def test_a_segment_selector_with_none_starts_with_none(bench: Any) -> None:
    import slicer

    widget = slicer.qMRMLSegmentSelectorWidget()
    widget.noneEnabled = True
    widget.setMRMLScene(slicer.mrmlScene)
    node = bench.scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    segment = node.GetSegmentation().AddEmptySegment("", "liver")
    assert widget.currentNode() is None
    widget.setCurrentNode(node)
    assert widget.currentSegmentID() == ""
    widget.setCurrentSegmentID(segment)
    assert widget.currentSegmentID() == segment


def test_the_place_widget_switches_the_mode_of_the_mouse(bench: Any) -> None:
    import slicer

    interaction = bench.app.applicationLogic().GetInteractionNode()
    widget, told = slicer.qSlicerMarkupsPlaceWidget(), []
    widget.connect("activeMarkupsPlaceModeChanged(bool)", told.append)
    widget.setMRMLScene(slicer.mrmlScene)
    node = bench.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    widget.setCurrentNode(node)
    widget.placeMultipleMarkups = widget.ForcePlaceMultipleMarkups
    widget.placeModeEnabled = True
    assert interaction.GetCurrentInteractionMode() == slicer.vtkMRMLInteractionNode.Place
    assert interaction.GetPlaceModePersistence()
    assert widget.placeButton().checked
    interaction.SetCurrentInteractionMode(slicer.vtkMRMLInteractionNode.ViewTransform)
    assert not widget.placeModeEnabled
    assert told == [True, False]
    node.AddControlPoint(1.0, 2.0, 3.0)
    widget.deleteLastPoint()
    assert node.GetNumberOfControlPoints() == 0


@pytest.fixture
def table(bench: Any) -> Any:
    """A table node with the Dice of four slices."""
    import slicer

    node = bench.scene.AddNewNodeByClass("vtkMRMLTableNode", "slices")
    columns = [np.arange(4), np.array([0.5, 0.75, np.nan, 1.0])]
    slicer.util.updateTableFromArray(node, columns, ["Slice", "Dice"])
    return node


def test_a_table_view_shows_the_table_and_tells_of_clicks(bench: Any, table: Any) -> None:
    import slicer
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    table.SetUseColumnTitleAsColumnHeader(True)
    view, told = slicer.qMRMLTableView(), []
    view.setMRMLTableNode(table)
    view.connect("selectionChanged()", lambda: told.append([i.row() for i in view.selectedIndexes()]))
    model = view.model()
    assert [model.headerData(i, Qt.Orientation.Horizontal) for i in (0, 1)] == ["Slice", "Dice"]
    assert [model.index(row, 1).data() for row in range(4)] == ["0.5", "0.75", "nan", "1"]
    view.show()
    place = view.visualRect(model.index(2, 1)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert told == [[2]]


def test_a_table_view_without_titles_has_the_names_in_its_first_row(bench: Any, table: Any) -> None:
    import slicer

    view = slicer.qMRMLTableView()
    view.setMRMLTableNode(table)
    assert view.model().rowCount() == 5
    assert view.model().index(0, 1).data() == "Dice"


def test_a_table_view_follows_its_table(bench: Any, table: Any) -> None:
    import slicer

    view = slicer.qMRMLTableView()
    view.setMRMLTableNode(table)
    slicer.util.updateTableFromArray(table, [np.arange(6), np.linspace(0, 1, 6)], ["Slice", "Dice"])
    assert view.model().rowCount() == 7


def test_a_click_on_a_point_of_a_plot_selects_it(bench: Any, table: Any) -> None:
    import slicer
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest

    series = bench.scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", "Dice")
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetXColumnName("Slice")
    series.SetYColumnName("Dice")
    series.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
    chart = bench.scene.AddNewNodeByClass("vtkMRMLPlotChartNode", "chart")
    chart.AddAndObservePlotSeriesNodeID(series.GetID())
    slicer.modules.plots.logic().ShowChartInLayout(chart)
    bench.process_events()
    view = bench.app.layoutManager().plotWidget(0).plotView()
    told: list[Any] = []
    view.connect("dataSelected(vtkStringArray*,vtkCollection*)", lambda ids, rows: told.append((ids, rows)))
    from bench.qmrml.chart_drawing import Axes, series_of

    found = series_of(chart)
    x, y = Axes(chart, found, (view.width, view.height)).pixels(found[0].points)[1]
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(round(x) + 3, round(y) - 2))
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(view.width - 2, view.height - 2))
    assert len(told) == 1
    ids, rows = told[0]
    assert ids.GetValue(0) == series.GetID()
    assert rows.GetItemAsObject(0).GetValue(0) == 1
