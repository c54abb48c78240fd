"""The panel Review: a reference for each object, figures that are always those of the selected one, plot and table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer

from gui.user import User, ball, reference_map

pytestmark = pytest.mark.usefixtures("_fake_worker")


def reference(user: User, *names: str) -> Any:
    """A segmentation with segments of these names; the first is the ball, others are a corner."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "truth")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(user.case.node)
    corner = np.zeros(ball().shape, np.uint8)
    corner[:, :9, :9] = 1
    for number, name in enumerate(names):
        segment_id = node.GetSegmentation().AddEmptySegment("", name)
        mask = corner if number else ball().astype(np.uint8)
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, segment_id, user.case.node)
    return node


def name_object(user: User, name: str) -> None:
    user.panel.prompt.name.text = name
    user.panel.prompt.name.editingFinished.emit()
    user.wait_for_panel()


def segmented(user: User, *names: str) -> Any:
    """Objects of these names, boxed and propagated; the first is selected again."""
    volume = user.load_ball()
    user.choose(volume)
    for number, name in enumerate(names):
        if number:
            user.bench.click(user.panel.prompt.add)
        name_object(user, name)
        user.draw_box(26, 18, 86, 78)
        user.bench.wait_until(lambda number=number: user.prompt is not None and len(user.prompt.objects) == number + 1)
    user.propagate()
    user.wait_for_run()
    user.work.current.select_object(0)
    user.wait_for_panel()
    return volume


def select(user: User, number: int) -> None:
    user.panel.prompt.objects.setCurrentCell(number, 1)
    user.wait_for_panel()


def test_each_object_is_compared_with_the_segment_of_its_name_or_the_one_chosen_for_it(user: User) -> None:
    segmented(user, "lung", "corner")
    panel = user.panel.compare
    user.pick_node(panel.reference, reference(user, "Lung", "Corner", "other"))
    assert panel.segment.currentText == "Lung"
    assert "Dice 0." in panel.headline.text or "Dice 1." in panel.headline.text
    select(user, 1)
    assert panel.segment.currentText == "Corner"
    assert "Dice 0.0000" in panel.headline.text
    user.pick(panel.segment, panel.segment.itemData(0))
    assert "Dice 0.0000" not in panel.headline.text
    select(user, 0)
    assert panel.segment.currentText == "Lung"
    select(user, 1)
    assert panel.segment.currentText == "Lung", "chosen for this object"


def test_an_object_without_a_segment_of_its_name_is_not_compared_with_another_one(user: User) -> None:
    segmented(user, "lung")
    panel = user.panel.compare
    user.pick_node(panel.reference, reference(user, "left lung", "right lung"))
    assert "has no segment called lung" in panel.notice.text
    assert "Dice" not in panel.headline.text
    user.pick(panel.segment, panel.segment.itemData(0))
    assert panel.notice.text == ""
    assert panel.headline.text.index("Dice") < panel.headline.text.index("Jaccard")


def test_a_segmentation_on_the_volume_with_a_segment_of_the_objects_name_is_compared_with_unasked(user: User) -> None:
    segmented(user, "lung", "corner")
    panel = user.panel.compare
    assert panel.reference.currentNode() is None, "the result itself is no reference"
    node = reference(user, "Lung", "other")
    user.bench.leave_module()
    slicer.util.selectModule("PromptOnce")
    user.wait_for_panel()
    assert panel.reference.currentNode() is node
    assert panel.segment.currentText == "Lung"
    assert "Dice" in panel.headline.text
    select(user, 1)
    assert panel.reference.currentNode() is None
    assert "Dice" not in panel.headline.text
    select(user, 0)
    user.pick_node(panel.reference, None)
    assert panel.reference.currentNode() is None, "declined"
    assert "Dice" not in panel.headline.text


def test_of_two_segmentations_with_the_name_none_is_chosen(user: User) -> None:
    segmented(user, "lung")
    reference(user, "lung")
    reference(user, "lung")
    user.work.comparison.look_again()
    user.wait_for_panel()
    assert user.panel.compare.reference.currentNode() is None


def test_a_label_map_is_the_reference_of_one_object(user: User) -> None:
    volume = segmented(user, "lung", "corner")
    panel = user.panel.compare
    balls = reference_map(volume, ball())
    nothing = reference_map(volume, ball() & False)
    user.pick_node(panel.reference, balls)
    good = panel.headline.text
    select(user, 1)
    assert panel.reference.currentNode() is None, "another object"
    user.pick_node(panel.reference, nothing)
    assert "Dice 0.0000" in panel.headline.text
    select(user, 0)
    assert panel.reference.currentNode() is balls
    assert panel.headline.text == good


def test_volumes_of_result_and_reference_are_told_in_millilitres(user: User) -> None:
    segmented(user, "lung")
    assert "ml" in user.panel.compare.headline.text
    user.pick_node(user.panel.compare.reference, reference(user, "lung"))
    wanted = f"reference {ball().sum() * 3 / 1000:.1f} ml"
    assert wanted in user.panel.compare.totals.text


def test_a_loaded_scene_shows_the_figures_of_the_selected_object_and_no_table_of_another(
    user: User, tmp_path: Any
) -> None:
    segmented(user, "lung", "corner")
    path = str(tmp_path / "scene.mrb")
    assert slicer.mrmlScene.WriteToMRB(path, None)
    slicer.mrmlScene.Clear(0)
    assert slicer.mrmlScene.ReadFromMRB(path, True, None)
    user.wait_for_panel()
    panel = user.panel.compare
    assert panel.table.visible
    assert "Volume" in panel.headline.text
    select(user, 1)
    assert not panel.table.visible
    assert "Volume" in panel.headline.text


def test_table_and_plot_can_be_read(user: User) -> None:
    user.panel.run.limit.setChecked(True)
    user.choose(user.load_ball())
    user.panel.run.limit.setChecked(True)
    user.panel.run.first.setValue(3)
    user.panel.run.last.setValue(6)
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    user.bench.settle()
    table, chart = user.panel.compare.table, user.work.comparison.chart
    texts = {table.item(row, column).text() for row in range(table.rowCount) for column in range(table.columnCount)}
    assert "nan" not in texts
    assert table.item(0, 1).text() == ""
    assert table.item(4, 1).text() != ""
    assert table.horizontalHeader().length() <= table.viewport().width
    assert not chart.GetLegendVisibility(), "it lies over the curves"
    assert "Predicted IoU" in user.panel.compare.legend.text
    low, high = chart.GetXAxisRange()
    assert (low, high % 5) == (0, 0), "five intervals of whole slices"
    assert high >= 9
