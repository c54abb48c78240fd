"""From the first click to figures; once with the real worker, started by itself, and the embedded model."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest
import slicer
from worker.gate import Gate

from gui.user import ball, reference_map


def dice(mask, reference):
    return 2 * np.count_nonzero(mask & reference) / (np.count_nonzero(mask) + np.count_nonzero(reference))


@pytest.mark.real_worker
def test_box_points_preview_propagate_compare(user):
    bench, work, panel = user.bench, user.work, user.panel
    volume = user.load_ball()
    user.choose(volume)
    assert "10 slices along k" in panel.volume.axis_text.text
    user.box_the_ball()
    user.wait_for_mask()
    box = user.prompt.objects[0].box
    assert np.allclose((box.x0, box.y0, box.x1, box.y1), (26, 18, 86, 78), atol=0.3)
    assert dice(seed_mask(user), ball()[5]) > 0.9
    assert 0 < float(panel.prompt.objects.item(0, 3).text()) <= 1

    bench.click(panel.prompt.tools["positive"])
    user.click_at(50, 50)
    user.click_at(60, 40)
    bench.click(panel.prompt.tools["negative"])
    user.click_at(5, 5)
    bench.click(panel.prompt.tools["negative"])
    assert work.editor.tool is None
    bench.wait_until(lambda: len(user.prompt.objects[0].points) == 3, "three points")
    user.wait_for_mask()
    assert [p.positive for p in user.prompt.objects[0].points] == [True, True, False]

    panel.compare.widget.collapsed = False
    user.pick_node(panel.compare.reference, reference_map(volume, ball()))
    user.propagate()
    user.wait_for_run()
    assert panel.run.notice.text == "Done: 10 slices."
    mask = user.result()
    assert dice(mask, ball()) > 0.85
    assert f"Dice {dice(mask, ball()):.4f}" in panel.compare.headline.text
    assert not work.preview.visible
    assert np.array_equal(slicer.util.arrayFromTableColumn(work.comparison.table, "Slice"), np.arange(10))
    assert work.comparison.chart.GetTitle() == "object"

    click_row(user, 2)
    assert shown_slice(user) == 2
    bench.click(panel.run.undo)
    assert work.runs.writer.node.GetSegmentation().GetNumberOfSegments() == 0
    bench.click(panel.run.redo)
    assert np.array_equal(user.result(), mask)


def click_row(user, row):
    user.panel.compare.table.cellClicked.emit(row, 0)
    user.wait_for_panel()


def shown_slice(user):
    from PromptOnceLib.gui.volume import slice_views

    return slice_views.shown_slice(user.case.image.grid)


def seed_mask(user):
    """The mask that the overlay shows."""
    node = next(n for n in slicer.util.getNodesByClass("vtkMRMLSegmentationNode") if n.GetHideFromEditors())
    segment_id = node.GetSegmentation().GetNthSegmentID(0)
    return (
        slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, user.case.image.node)[user.case.objects.seed] > 0
    )


def test_frames_that_show_nothing_are_said_beside_the_window_and_after_a_run(user):
    array = np.full((4, 32, 40), -1000, np.int16)
    user.choose(slicer.util.addVolumeFromArray(array, name="air"))
    user.pick(user.panel.volume.window, "soft tissue")
    user.draw_box(8, 8, 24, 24)
    user.wait_for_mask()
    constant = "All voxels of the image have the same value (-1000): it shows nothing."
    black = "The image shows nothing under this window: all slices are black."
    assert user.panel.volume.notice.text == f"{constant} {black}"
    user.propagate()
    user.wait_for_run()
    assert user.panel.run.notice.text == f"Done: 4 slices. {black}"
    user.pick(user.panel.volume.window, "lung")
    user.wait_for_mask()
    assert user.panel.volume.notice.text == constant


@pytest.mark.usefixtures("_fake_worker")
def test_cancel_keeps_what_is_done_and_the_next_run_completes_it_in_the_same_segment(user, monkeypatch):
    with Gate(slices=4) as gate:
        monkeypatch.setenv(*gate.variable)
        user.choose(user.load_ball())
        user.box_the_ball()
        user.wait_for_panel()
        user.bench.click(user.panel.run.propagate)
        user.bench.wait_until(lambda: gate.stopped() and user.work.runs.job.progress.done == 4, "four slices")
        user.bench.click(user.panel.run.cancel)
        user.wait_for_run()
    done = user.work.runs.job.result.computed
    assert np.flatnonzero(done).tolist() == [5, 6, 7, 8]
    assert "4 of 10 slices are done and kept" in user.panel.run.notice.text
    assert np.array_equal(user.result().any(axis=(1, 2)), done)
    writer = user.work.runs.writer
    user.propagate()
    user.wait_for_run()
    assert user.panel.run.notice.text == "Done: 10 slices."
    assert user.work.runs.writer.node is writer.node
    assert user.work.runs.writer.segment_ids == writer.segment_ids
    assert user.result().any(axis=(1, 2)).all()


@pytest.mark.usefixtures("_fake_worker")
def test_a_range_and_two_objects_go_into_segments_of_their_own_beside_others(user):
    volume = user.load_ball()
    own = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "the user's")
    own.CreateDefaultDisplayNodes()
    own.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    kept = own.GetSegmentation().AddEmptySegment("", "kept")
    slicer.util.updateSegmentBinaryLabelmapFromArray(ball().astype(np.uint8), own, kept, volume)
    user.choose(volume)
    user.pick_node(user.panel.run.segmentation, own)
    user.box_the_ball()
    user.panel.prompt.name.text = "ball"
    user.panel.prompt.name.editingFinished.emit()
    user.bench.click(user.panel.prompt.add)
    user.draw_box(2, 2, 20, 20)
    user.bench.wait_until(lambda: len(user.prompt.objects) == 2)
    user.panel.run.limit.setChecked(True)
    user.panel.run.first.setValue(4)
    user.panel.run.last.setValue(6)
    user.propagate()
    user.wait_for_run()
    segmentation = own.GetSegmentation()
    names = [segmentation.GetNthSegment(i).GetName() for i in range(segmentation.GetNumberOfSegments())]
    assert names == ["kept", "ball", "object"]
    assert np.flatnonzero(user.result().any(axis=(1, 2))).tolist() == [4, 5, 6]
    assert np.array_equal(slicer.util.arrayFromSegmentBinaryLabelmap(own, kept, volume) > 0, ball())


@pytest.mark.usefixtures("_fake_worker")
def test_the_console_segments_and_evaluates(user):
    logic = slicer.util.getModuleLogic("PromptOnce")
    volume = user.load_ball()
    prompt = logic.promptFromIJK(volume, box=((26, 18, 5), (86, 78, 5)), positive=[(56, 48, 5)])
    run = logic.segmentVolume(volume, prompt, device="cpu", firstSlice=4, lastSlice=6)
    assert run.finished
    truth = reference_map(volume, ball())
    found = logic.evaluate(volume, run.writer.node, None, truth)
    assert [row.dice > 0.85 for row in found.rows[4:7]] == [True] * 3
    ended = []
    logic.segmentVolume(volume, prompt, device="cpu", firstSlice=5, lastSlice=6, wait=False, onFinished=ended.append)
    assert ended == []
    user.bench.wait_until(lambda: ended, "the end of the run", 90)
    assert ended[0].error is None


def test_the_modules_own_test_passes(user):
    test = sys.modules["PromptOnce"].PromptOnceTest()
    test.setUp()
    test.test_from_prompt_to_figures()


@pytest.mark.usefixtures("_fake_worker")
def test_closing_the_module_ends_the_worker_of_the_console(user):
    logic = slicer.util.getModuleLogic("PromptOnce")
    volume = user.load_ball()
    logic.segmentVolume(volume, logic.promptFromIJK(volume, positive=[(56, 48, 5)]), device="cpu", lastSlice=5)
    process = logic.session.client._transport.process_id
    user.widget.cleanup()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
