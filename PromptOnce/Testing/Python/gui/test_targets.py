"""Into which segments results go: after another volume, after segments went, and where two objects want the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer

from gui.test_scenes_of_others import file_of_a_result, load_segmentation, runs_into_drawn_segment
from gui.user import User
from PromptOnceLib.mrml.volumes import volume_geometry

pytestmark = pytest.mark.usefixtures("_fake_worker")


def box_two(user: User) -> None:
    """Two objects with a box each."""
    user.box_the_ball()
    user.bench.click(user.panel.prompt.add)
    user.wait_for_panel()
    user.draw_box(30, 20, 60, 50)
    user.bench.wait_until(lambda: user.case.prompt is not None and len(user.case.prompt.objects) == 2, "both boxes")
    user.wait_for_panel()


def segments(node: Any) -> list[str]:
    found = node.GetSegmentation()
    return [found.GetSegment(segment_id).GetName() for segment_id in found.GetSegmentIDs()]


# The same for two


def test_two_objects_are_not_written_into_one_segment(user: User) -> None:
    node, segment_id = runs_into_drawn_segment(user, "tumour")
    user.pick(user.panel.run.segment, segment_id)
    box_two(user)
    user.pick(user.panel.run.segment, segment_id)
    before = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, user.case.node)
    user.bench.click(user.panel.run.propagate)
    user.wait_for_panel()
    assert not user.work.runs.running
    assert user.panel.run.notice.text == (
        '"object" and "object 2" would go into the same segment. Choose another one for one of them.'
    )
    assert np.array_equal(slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, user.case.node), before)
    assert segments(node) == ["tumour"]
    user.pick(user.panel.run.segment, "")
    user.propagate()
    user.wait_for_run()
    assert segments(node) == ["tumour", "object 2"]


def test_segments_of_one_name_in_a_loaded_result_get_objects_with_names_of_their_own(
    user: User, tmp_path: Path
) -> None:
    volume = user.load_ball()
    node = load_segmentation(file_of_a_result(tmp_path, volume_geometry(volume)))
    segmentation = node.GetSegmentation()
    first = segmentation.GetSegment(segmentation.GetNthSegmentID(0))
    second = slicer.vtkSegment()
    second.DeepCopy(first)
    segmentation.AddSegment(second, "second")
    user.choose(volume)
    names = [item.name for item in user.case.objects.objects]
    assert names == ["left", "left 2"]
    targets = [user.work.target.segment_for(item.key) for item in user.case.objects.objects]
    assert targets == list(segmentation.GetSegmentIDs())


# Other volumes


def test_the_segmentation_that_was_chosen_is_there_again_after_another_volume(user: User) -> None:
    volume = user.load_ball()
    user.choose(volume)
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    first = user.work.target.segmentation
    user.panel.run.options.collapsed = False
    user.pick_node(user.panel.run.segmentation, None)
    user.propagate()
    user.wait_for_run()
    assert user.work.target.segmentation is not first
    user.pick_node(user.panel.run.segmentation, first)
    other = user.load_ball("another")
    user.choose(other)
    assert user.work.target.segmentation is None
    user.choose(volume)
    assert user.work.target.segmentation is first
    user.pick_node(user.panel.run.segmentation, None)
    user.choose(other)
    user.choose(volume)
    assert user.work.target.segmentation is None, "a new one was chosen"
    slicer.mrmlScene.RemoveNode(first)
    user.choose(other)
    user.choose(volume)


def test_the_segment_that_was_chosen_is_there_again_after_another_volume(user: User) -> None:
    node, segment_id = runs_into_drawn_segment(user, "tumour")
    user.pick(user.panel.run.segment, segment_id)
    user.box_the_ball()
    volume = user.case.node
    user.choose(user.load_ball("another"))
    user.choose(volume)
    assert user.work.target.segmentation is node
    assert user.work.target.segment_for(user.case.selected.key) == segment_id
    assert user.panel.run.segment.currentText == "tumour"


# Segments that went


def remove_segment(user: User) -> None:
    writer = user.work.runs.writer
    writer.node.GetSegmentation().RemoveSegment(writer.segment_ids[0])
    user.wait_for_panel()


def test_a_run_whose_segment_was_removed_is_neither_undone_nor_redone_into_nothing(done: User) -> None:
    remove_segment(done)
    done.bench.click(done.panel.run.undo)
    done.wait_for_panel()
    assert done.panel.run.notice.text == (
        "The segment of the result was removed: the result has no place. Run it again."
    )
    assert not done.panel.run.redo.enabled
    assert not done.panel.run.undo.enabled


def test_a_run_is_redone_after_the_segment_that_it_went_into_was_removed(user: User) -> None:
    node, segment_id = runs_into_drawn_segment(user, "tumour")
    user.pick(user.panel.run.segment, segment_id)
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    after = user.result()
    user.bench.click(user.panel.run.undo)
    user.wait_for_panel()
    node.GetSegmentation().RemoveSegment(segment_id)
    user.wait_for_panel()
    user.bench.click(user.panel.run.redo)
    user.wait_for_panel()
    assert np.array_equal(user.result(), after)
    assert user.panel.run.notice.text == "The run was restored."


def test_what_is_left_of_a_run_is_undone_and_redone(user: User) -> None:
    user.choose(user.load_ball())
    box_two(user)
    user.propagate()
    user.wait_for_run()
    node = user.work.runs.writer.node
    remove_segment(user)
    user.bench.click(user.panel.run.undo)
    user.wait_for_panel()
    assert 'Undone: the run into "object 2".' in user.panel.run.notice.text
    assert segments(node) == []
    user.bench.click(user.panel.run.redo)
    user.wait_for_panel()
    assert segments(node) == ["object 2"]


def test_a_removed_segment_is_not_reviewed_any_more(done: User) -> None:
    remove_segment(done)
    done.bench.leave_module()
    slicer.util.selectModule("PromptOnce")
    done.wait_for_panel()
    assert done.work.corrections.segment.place is None
    assert done.work.comparison.lines == []
