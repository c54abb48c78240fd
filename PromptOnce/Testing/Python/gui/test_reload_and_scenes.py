"""What the module takes up again: after a reload in developer mode, and from saved scenes with results."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest
import slicer

pytestmark = pytest.mark.usefixtures("_fake_worker")


@pytest.fixture
def _the_library_is_what_it_was_afterwards():
    """Other tests hold the modules that they have imported."""
    before = library()
    yield
    for name in library():
        del sys.modules[name]
    sys.modules.update(before)


def library():
    return {name: module for name, module in sys.modules.items() if name.split(".")[0] == "PromptOnceLib"}


def worker_id(user):
    return user.work.engine.session.client._transport.process_id


@pytest.mark.usefixtures("_the_library_is_what_it_was_afterwards")
def test_a_reload_ends_the_old_worker_and_the_new_panel_takes_up_prompts_and_choices(user):
    user.choose(user.load_ball())
    user.box_the_ball()
    user.wait_for_mask()
    process, old, prompt = worker_id(user), user.panel, user.prompt
    user.widget.onReload()
    user.widget = slicer.modules.PromptOnceWidget
    user.wait_for_panel()
    assert user.panel is not old
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    taken = user.prompt.objects[0].box
    assert np.allclose([getattr(taken, n) for n in ("x0", "y0", "x1", "y1")], box_sides(prompt), atol=1e-3)
    hidden = [n for n in slicer.util.getNodesByClass("vtkMRMLSegmentationNode") if n.GetHideFromEditors()]
    assert len(hidden) <= 1
    user.bench.press_keys("Ctrl+Shift+P")
    assert user.work.editor.tool == "positive"
    assert old.bench.editor.tool is None


def box_sides(prompt):
    box = prompt.objects[0].box
    return [box.x0, box.y0, box.x1, box.y1]


def test_results_table_and_plot_are_shown_again_after_saving_and_loading_the_scene(user, tmp_path):
    user.choose(user.load_ball())
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    mask = user.result()
    figures = slicer.util.arrayFromTableColumn(user.work.comparison.table, "Presence").copy()
    path = str(tmp_path / "scene.mrb")
    assert slicer.mrmlScene.WriteToMRB(path, None)
    slicer.mrmlScene.Clear(0)
    assert slicer.mrmlScene.ReadFromMRB(path, True, None)
    user.panel.compare.widget.collapsed = False
    user.wait_for_panel()
    node = user.work.choices.node.segmentation
    assert user.panel.run.segmentation.currentNode() is node
    segment = node.GetSegmentation().GetNthSegmentID(0)
    assert np.array_equal(slicer.util.arrayFromSegmentBinaryLabelmap(node, segment, user.case.image.node) > 0, mask)
    table = user.work.comparison.table
    assert np.allclose(slicer.util.arrayFromTableColumn(table, "Presence"), figures, atol=1e-4)
    assert user.panel.compare.plot.visible
    user.propagate()
    user.wait_for_run()
    assert user.work.runs.writer.node is node
    assert user.work.runs.writer.segment_ids == (segment,)
    assert np.array_equal(user.result(), mask)


def test_two_scenes_after_each_other_are_worked_on_with_one_worker(user):
    user.choose(user.load_ball())
    user.box_the_ball()
    user.wait_for_mask()
    process = worker_id(user)
    slicer.mrmlScene.Clear(0)
    user.wait_for_panel()
    user.choose(user.load_ball("second"))
    assert user.prompt is None
    user.box_the_ball()
    user.wait_for_mask()
    assert worker_id(user) == process
