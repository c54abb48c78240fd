"""The panel Review shows the figures of what the segments hold now, whatever was undone or corrected since."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from gui.correct_steps import correct_here, press, propagate_changes
from gui.test_clean_up_and_zoom import _quick_worker, load_rod_and_speck
from gui.test_corrections import correct as draw_squares
from gui.test_scenes_of_others import drawn_segment
from gui.user import User

__all__ = ["_quick_worker"]

fake_worker = pytest.mark.usefixtures("_fake_worker")


def millilitres_told(user: User) -> float:
    return float(dict(user.work.comparison.lines)["Volume"].split()[0])


def millilitres(user: User) -> float:
    """Of the segment as it is now."""
    node, segment_id = user.work.corrections.segment.place
    voxels = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, user.case.node) > 0
    return float(voxels.sum() * np.prod(user.case.node.GetSpacing()) / 1000)


@fake_worker
def test_figures_are_those_of_a_spacing_that_was_put_right(user: User) -> None:
    user.choose(user.load_ball())
    user.case.node.SetSpacing(0.5, 0.5, 3)  # in the module Volumes
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    assert millilitres_told(user) == pytest.approx(millilitres(user), abs=0.1)


@pytest.mark.usefixtures("_quick_worker")
def test_figures_after_undoing_the_clean_up_are_those_of_the_corrected_result(user: User) -> None:
    user.choose(load_rod_and_speck())
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    draw_squares(user, 5)
    user.wait_for_panel()
    propagate_changes(user)
    user.panel.run.options.collapsed = False
    user.bench.process_events()
    user.bench.click(user.panel.run.clean_up.undo)
    user.wait_for_panel()
    assert millilitres_told(user) == pytest.approx(millilitres(user), abs=0.1)


@fake_worker
def test_figures_after_undoing_a_correction_are_those_of_before(done: User) -> None:
    array = slicer.util.arrayFromVolume(done.case.node)
    array[7, :48] = -60
    slicer.util.arrayFromVolumeModified(done.case.node)
    before = millilitres_told(done)
    correct_here(done, 7)
    propagate_changes(done)
    assert millilitres_told(done) < before
    press(done, "undo")
    assert millilitres_told(done) == before == pytest.approx(millilitres(done), abs=0.1)


@fake_worker
def test_a_segment_elsewhere_has_no_figures_and_it_is_said(user: User) -> None:
    user.choose(user.load_ball("here"))
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    node = user.work.target.segmentation
    matrix = np.diag([-1.0, -1.0, 3.0, 1.0])
    matrix[:3, 3] = 1000
    elsewhere = user.load_ball("elsewhere", matrix=matrix)
    user.choose(elsewhere)
    user.panel.run.options.collapsed = False
    user.pick_node(user.panel.run.segmentation, node)
    user.pick(user.panel.correct.segment, node.GetSegmentation().GetNthSegmentID(0))
    user.pick_node(user.panel.compare.reference, drawn_segment(elsewhere, "object")[0])
    assert "lies outside elsewhere" in user.panel.compare.notice.text


@fake_worker
def test_figures_of_a_run_that_was_undone_are_gone_and_those_of_before_are_back(user: User) -> None:
    user.choose(user.load_ball())
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    node, segment_id = user.work.corrections.segment.place
    mask = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, user.case.node)
    mask[7:] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, segment_id, user.case.node)
    before = millilitres(user)
    user.bench.click(user.panel.run.propagate)
    user.wait_for_panel()
    user.bench.click(user.panel.run.question.overwrite)
    user.wait_for_run()
    after = millilitres_told(user)
    assert after > before
    user.bench.click(user.panel.run.undo)
    user.wait_for_panel()
    assert millilitres_told(user) == pytest.approx(before, abs=0.1)
    assert (user.work.comparison.table, user.work.comparison.chart) == (None, None)
    user.bench.click(user.panel.run.redo)
    user.wait_for_panel()
    assert millilitres_told(user) == after
    assert user.work.comparison.table is not None


@fake_worker
def test_figures_follow_what_is_drawn_in_the_segment_editor(user: User) -> None:
    user.choose(user.load_ball())
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    before = millilitres_told(user)
    for index in (8, 7):
        user.bench.leave_module()
        draw_squares(user, index)
        slicer.util.selectModule("PromptOnce")
        user.wait_for_panel()
        assert millilitres_told(user) == pytest.approx(millilitres(user), abs=0.1)
        assert millilitres_told(user) != before
        area = slicer.util.arrayFromTableColumn(user.work.comparison.table, "Area")
        node, segment_id = user.work.corrections.segment.place
        drawn = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, user.case.node) > 0
        assert area.tolist() == drawn.sum(axis=(1, 2)).tolist()
        presence = slicer.util.arrayFromTableColumn(user.work.comparison.table, "Presence")
        assert presence[5] > 0
    drawn[:] = False
    slicer.util.updateSegmentBinaryLabelmapFromArray(drawn.astype(np.uint8), node, segment_id, user.case.node)
    user.bench.wait_until(lambda: millilitres_told(user) == 0, "the figures, in the open module too")


@fake_worker
def test_lists_of_segments_are_those_of_now_when_the_module_is_opened(user: User) -> None:
    user.choose(user.load_ball())
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    segmentation = user.work.target.segmentation.GetSegmentation()
    user.bench.leave_module()
    segmentation.AddEmptySegment("added", "added")
    segmentation.GetNthSegment(0).SetName("renamed")
    slicer.util.selectModule("PromptOnce")
    user.wait_for_panel()
    shown = user.panel.run.segment
    assert [shown.itemText(number) for number in range(shown.count)] == ["new segment", "renamed", "added"]
