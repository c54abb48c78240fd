"""Corrections by hand in the result: never overwritten in silence, and undo says what goes with a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer

from gui.user import User

pytestmark = pytest.mark.usefixtures("_fake_worker")


def correct(user: User, *slices: int) -> np.ndarray:
    """Draw a square on slices of the result, as the Segment Editor does; the whole mask afterwards."""
    writer, volume = user.work.runs.writer, user.case.image.node
    array = user.result().astype(np.uint8)
    for index in slices:
        array[index] = 0
        array[index, 43:53, 51:61] = 1  # in the middle of the ball
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, writer.node, writer.segment_ids[0], volume)
    return array > 0


def asked(user: User) -> str:
    """The question in the panel; "" while there is none."""
    question = user.panel.run.question
    return question.text.text if question.widget.visible else ""


def press_propagate(user: User) -> None:
    user.bench.click(user.panel.run.propagate)
    user.wait_for_panel()


def test_without_corrections_nothing_is_asked(done: User) -> None:
    done.propagate()
    assert asked(done) == ""
    done.wait_for_run()
    assert done.panel.run.notice.text == "Done: 10 slices."


def test_propagate_says_which_slices_were_corrected_before_it_touches_them(done: User) -> None:
    by_hand = correct(done, 2, 3, 7)
    press_propagate(done)
    assert asked(done) == 'Corrected by hand since the last run: slices 2 to 3 and 7 of "object".'
    assert not done.work.runs.running
    assert np.array_equal(done.result(), by_hand)


def test_one_click_keeps_the_corrected_slices(done: User) -> None:
    from_run, by_hand = done.result(), correct(done, 2, 3, 7)
    press_propagate(done)
    done.bench.click(done.panel.run.question.keep)
    done.wait_for_run()
    others = [0, 1, 4, 5, 6, 8, 9]
    assert np.array_equal(done.result()[[2, 3, 7]], by_hand[[2, 3, 7]])
    assert np.array_equal(done.result()[others], from_run[others])
    assert 'Corrected by hand and kept: slices 2 to 3 and 7 of "object".' in done.panel.run.notice.text
    assert asked(done) == ""
    press_propagate(done)
    assert "2 to 3 and 7" in asked(done)


def test_the_table_shows_the_slices_as_they_were_kept(done: User) -> None:
    correct(done, 7)
    press_propagate(done)
    done.bench.click(done.panel.run.question.keep)
    done.wait_for_run()
    area = slicer.util.arrayFromTableColumn(done.work.comparison.table, "Area")
    assert area[7] == 100


def test_one_click_overwrites_them_and_undo_brings_them_back(done: User) -> None:
    from_run, by_hand = done.result(), correct(done, 4)
    press_propagate(done)
    done.bench.click(done.panel.run.question.overwrite)
    done.wait_for_run()
    assert np.array_equal(done.result(), from_run)
    done.bench.click(done.panel.run.undo)
    assert np.array_equal(done.result(), by_hand)


def test_the_answer_begins_the_run_that_was_asked_for(done: User) -> None:
    correct(done, 1, 8)
    done.panel.run.options.collapsed = False
    done.bench.settle()
    done.bench.click(done.panel.run.forward)
    done.wait_for_panel()
    assert "slice 8 of" in asked(done)  # a run forward does not come to slice 1
    done.bench.click(done.panel.run.question.overwrite)
    done.wait_for_run()
    assert done.work.runs.job.settings.direction == "forward"


def test_slices_out_of_the_range_are_not_asked_about(done: User) -> None:
    correct(done, 1)
    done.work.choices.set(limitRange=True, firstSlice=4, lastSlice=8)
    done.propagate()
    assert asked(done) == ""
    done.wait_for_run()


def test_another_segment_as_the_target_needs_no_question(done: User) -> None:
    correct(done, 1)
    press_propagate(done)
    done.pick(done.panel.run.segment, "")
    done.propagate()
    assert asked(done) == ""
    done.wait_for_run()


def test_corrections_are_known_in_a_scene_that_was_saved_and_loaded(done: User, tmp_path: Any) -> None:
    correct(done, 6)
    path = str(tmp_path / "scene.mrb")
    assert slicer.mrmlScene.WriteToMRB(path, None)
    slicer.mrmlScene.Clear(0)
    assert slicer.mrmlScene.ReadFromMRB(path, True, None)
    done.wait_for_panel()
    press_propagate(done)
    assert "slice 6 of" in asked(done)


def test_undo_says_what_is_undone(done: User) -> None:
    done.bench.click(done.panel.run.undo)
    done.wait_for_panel()
    assert done.panel.run.notice.text == 'Undone: the run into "object". Redo run restores it.'
    done.bench.click(done.panel.run.redo)
    done.wait_for_panel()
    assert done.panel.run.notice.text == "The run was restored."


def test_undo_says_which_corrections_go_with_the_run_and_redo_brings_them_back(done: User) -> None:
    by_hand = correct(done, 2, 3)
    done.bench.click(done.panel.run.undo)
    done.wait_for_panel()
    assert 'This also undid what was corrected or accepted: slices 2 to 3 of "object".' in done.panel.run.notice.text
    done.bench.click(done.panel.run.redo)
    assert np.array_equal(done.result(), by_hand)


def test_a_closed_volume_takes_the_question_along(done: User) -> None:
    correct(done, 2)
    press_propagate(done)
    done.choose(done.load_ball("second"))
    assert asked(done) == ""
