"""Prompts and slice views: layouts, other volumes, the mouse on what is drawn already."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

pytestmark = pytest.mark.usefixtures("_fake_worker")


@pytest.fixture
def alone(user, tmp_path):
    """A user without an engine, who has chosen a volume."""
    user.use_private_environment(tmp_path / "engine")
    user.choose(user.load_ball())
    return user


def box(user):
    prompt = user.prompt
    return None if prompt is None else prompt.objects[0].box


def corners(user):
    found = box(user)
    return None if found is None else (found.x0, found.y0, found.x1, found.y1)


def settled(user):
    """Whether every edit has been taken in."""
    return user.case.objects.settled


def add_point(user, x, y, index=None):
    user.bench.click(user.panel.prompt.tools["positive"])
    user.bench.mouse("Red").click_ras(user.place(x, y, index))
    user.bench.click(user.panel.prompt.tools["positive"])
    user.bench.wait_until(lambda: user.prompt is not None and settled(user), "the point")
    user.wait_for_panel()


def shown_slice(user):
    from PromptOnceLib.gui.volume import slice_views

    return slice_views.shown_slice(user.case.image.grid)


def set_layout(user, layout):
    slicer.app.layoutManager().setLayout(layout)
    user.bench.process_events()


def test_a_layout_without_slice_views_is_said_and_prompting_goes_on_in_another(alone):
    set_layout(alone, slicer.vtkMRMLLayoutNode.SlicerLayoutOneUp3DView)
    alone.bench.click(alone.panel.prompt.tools["box"])
    alone.wait_for_panel()
    assert "No slice view is shown" in alone.panel.prompt.notice.text
    assert alone.work.editor.tool is None
    set_layout(alone, slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    alone.bench.click(alone.panel.volume.seed)
    assert alone.panel.prompt.notice.text == ""
    alone.box_the_ball()
    assert np.allclose(corners(alone), (26, 18, 86, 78), atol=0.5)


def test_prompting_works_in_the_view_that_the_layout_shows(alone):
    set_layout(alone, slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpGreenSliceView)
    alone.bench.click(alone.panel.volume.seed)
    assert shown_slice(alone) == 5
    alone.bench.click(alone.panel.prompt.tools["positive"])
    alone.bench.mouse("Green").click_ras(alone.place(40, 30))
    alone.bench.wait_until(lambda: alone.prompt is not None, "the point")
    point = alone.prompt.objects[0].points[0]
    assert np.allclose((point.x, point.y), (40, 30), atol=0.5)


def test_the_panel_tells_when_the_views_show_another_volume_and_the_button_brings_it_back(alone):
    from PromptOnceLib.gui.volume import slice_views

    node = alone.case.image.node
    assert not alone.panel.volume.shown.visible
    slice_views.show_volume(alone.load_ball("second"))
    alone.wait_for_panel()
    assert "another volume" in alone.panel.volume.shown.text
    alone.bench.click(alone.panel.volume.seed)
    alone.wait_for_panel()
    assert slice_views.is_shown(node)
    assert not alone.panel.volume.shown.visible


def test_prompts_of_a_volume_that_is_not_chosen_are_hidden_until_it_is_again(alone):
    first = alone.case.image.node
    add_point(alone, 40, 30)
    drawn = alone.case.objects.selected
    assert drawn.visible
    alone.choose(alone.load_ball("second"))
    assert not drawn.visible
    alone.choose(first)
    assert drawn.visible


def test_prompts_of_a_deleted_volume_are_not_left_in_the_views(alone):
    add_point(alone, 40, 30)
    node = alone.case.objects.selected.node("positive")
    slicer.mrmlScene.RemoveNode(alone.case.image.node)
    alone.wait_for_panel()
    assert not node.GetDisplayVisibility()


def test_a_tool_goes_to_the_prompted_slice_once_something_is_marked_there(alone):
    from PromptOnceLib.gui.volume import slice_views

    add_point(alone, 40, 30)
    slice_views.go_to_slice(alone.case.image.grid, 8)
    alone.bench.click(alone.panel.prompt.tools["negative"])
    assert shown_slice(alone) == 5


def test_a_corner_of_the_box_is_dragged_and_the_drag_is_one_step_to_undo(alone):
    alone.box_the_ball()
    before = corners(alone)
    # A handle is grabbed beside the line.
    alone.bench.mouse("Red").drag_ras(alone.place(86.3, 78.3), alone.place(96, 88))
    alone.bench.wait_until(lambda: settled(alone) and corners(alone)[2] > 94, "the larger box")
    assert np.allclose(corners(alone), (26, 18, 96, 88), atol=1.0)
    alone.wait_for_panel()
    alone.bench.click(alone.panel.prompt.undo)
    assert np.allclose(corners(alone), before, atol=0.001)


def test_a_point_deleted_with_the_key_is_gone_and_comes_back_by_undo(alone):
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    add_point(alone, 40, 30)
    mouse = alone.bench.mouse("Red")
    mouse.move(mouse.pixel(alone.place(40, 30)))
    QTest.keyClick(mouse.view, Qt.Key.Key_Delete)
    alone.bench.wait_until(lambda: alone.prompt is None and settled(alone), "the point to go")
    alone.wait_for_panel()
    alone.bench.click(alone.panel.prompt.undo)
    assert len(alone.prompt.objects[0].points) == 1


def test_the_plots_view_belongs_to_the_module_before_the_layout_sees_it(user):
    owners = []
    scene = slicer.mrmlScene

    def look(*_args):
        nodes = slicer.util.getNodesByClass("vtkMRMLPlotViewNode")
        owners.extend(n.GetParentLayoutNode() for n in nodes if n.GetName() == "PromptOncePlot")

    tag = scene.AddObserver(scene.NodeAddedEvent, look)
    user.choose(user.load_ball())
    user.panel.compare.widget.collapsed = False
    from PromptOnceLib.segmentation.result import SegmentationResult

    key = user.case.objects.selected.key
    user.work.comparison.take(SegmentationResult.empty(["ball"], (10, 96, 112), 0), [key])
    user.wait_for_panel()
    scene.RemoveObserver(tag)
    assert owners
    assert all(owner is not None for owner in owners)
