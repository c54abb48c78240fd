"""Reviewing a result in the panel: ribbon, Next to review, Accept, Correct here, Propagate changes, going back."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from worker.fake_process import INSTEAD

from gui.correct_steps import correct_here, fixed, press, propagate_changes, said, show, states
from gui.test_corrections import correct as draw_squares
from gui.user import User

pytestmark = pytest.mark.usefixtures("_fake_worker")


def test_without_a_result_nothing_can_be_done(user: User) -> None:
    panel = user.panel.correct
    assert not any(one.enabled for one in (panel.next, panel.accept, panel.correct, panel.propagate, panel.undo))
    user.choose(user.load_ball())
    assert not any(one.enabled for one in (panel.next, panel.accept, panel.correct, panel.propagate, panel.undo))
    assert "Once an object has a result" in panel.hint.text
    assert not panel.ribbon.widget.visible


def test_the_ribbon_shows_a_cell_for_every_slice_and_goes_where_it_is_clicked(done: User) -> None:
    assert states(done)[5] == "prompted"
    assert len(states(done)) == 10
    assert set(states(done)) <= {"prompted", "confident", "doubtful"}
    ribbon = done.panel.correct.ribbon
    x, y = ribbon.place_of(7)
    done.bench.click_at(ribbon.widget, x, y)
    done.wait_for_panel()
    assert done.work.corrections.walk.shown == 7
    assert done.panel.correct.slice.text.startswith("Slice 7: ")
    assert ribbon.widget.accessibleDescription.startswith("Slice 7: ")


def test_arrow_keys_go_from_slice_to_slice(done: User) -> None:
    show(done, 5)
    done.panel.correct.ribbon.widget.setFocus()
    for keys, wanted in (("Right", 6), ("Left", 5), ("Left", 4), ("End", 9), ("Right", 9), ("Home", 0), ("Left", 0)):
        done.bench.press_keys(keys)
        done.wait_for_panel()
        assert done.work.corrections.walk.shown == wanted


def test_the_ribbon_follows_the_view(done: User) -> None:
    view = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    done.case.image.grid.show_slice(view, 2)
    done.wait_for_panel()
    assert done.panel.correct.slice.text.startswith("Slice 2: ")


def test_next_to_review_goes_through_the_slices_by_confidence(done: User) -> None:
    order = done.work.corrections.segment.order
    assert 5 not in order
    confidence = [done.work.corrections.segment.cells[index].confidence for index in order]
    assert confidence == sorted(confidence)
    seen = []
    for _ in range(3):
        done.bench.press_keys("N")
        seen.append(done.work.corrections.walk.shown)
    assert seen == order[:3]
    done.bench.press_keys("A")
    assert fixed(done) == sorted([(5, "prompted"), (order[2], "accepted")])
    done.bench.press_keys("N")
    assert done.work.corrections.walk.shown in set(order) - {order[2]}


def test_the_keys_are_dead_without_a_result_and_while_typing(user: User) -> None:
    user.choose(user.load_ball())
    user.bench.press_keys("A")
    assert said(user) == ""
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    name = user.panel.prompt.name
    name.clear()
    user.bench.type_text(name, "v")
    user.bench.press_keys("A")
    user.bench.press_keys("N")
    assert name.text.lower() == "van"
    assert fixed(user) == [(5, "prompted")]


def test_accept_settles_the_slice_and_undo_takes_it_back(done: User) -> None:
    before = done.result()
    show(done, 3)
    press(done, "accept")
    assert said(done) == 'Slice 3 of "object" accepted.'
    assert states(done)[3] == "accepted"
    press(done, "undo")
    assert said(done) == 'Undone: slice 3 of "object" accepted.'
    assert fixed(done) == [(5, "prompted")]
    press(done, "redo")
    assert fixed(done) == [(3, "accepted"), (5, "prompted")]
    assert np.array_equal(done.result(), before)


def test_a_slice_is_corrected_with_the_prompt_tools(done: User) -> None:
    from worker.fake_engine import CORRECTING_IOU

    show(done, 8)
    press(done, "accept")
    correct_here(done, 7)
    assert done.work.preview.scores[done.case.selected.key][1] == pytest.approx(CORRECTING_IOU)
    assert done.panel.correct.correct.text == "Stop correcting"
    assert done.panel.correct.propagate.text == "Propagate changes (1 slices)"
    assert not done.panel.run.propagate.enabled
    propagate_changes(done)
    assert said(done) == 'Slice 7 of "object" corrected.'
    assert fixed(done) == [(5, "prompted"), (7, "corrected"), (8, "accepted")]
    assert done.case.correction is None
    assert not done.work.preview.visible
    assert done.prompt.slice == 5  # what was prompted first is there again
    assert [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")] == []


def test_only_the_touched_slices_change(done: User) -> None:
    """The fake engine finds what is bright: the squares drawn on slices 1 and 9 stay."""
    show(done, 3)
    press(done, "accept")
    by_hand = draw_squares(done, 4)
    assert done.work.corrections.changes == (4,)
    assert done.work.corrections.touched == 0  # between 3 and 5 there is no open slice
    propagate_changes(done)
    assert np.array_equal(done.result(), by_hand)
    assert fixed(done) == [(3, "accepted"), (4, "corrected"), (5, "prompted")]


def test_what_is_drawn_by_hand_is_offered_as_a_correction(done: User) -> None:
    by_hand = draw_squares(done, 7)
    done.wait_for_panel()
    assert states(done)[7] == "edited"
    assert done.panel.correct.hint.text == "Drawn by hand: slice 7. Propagate changes starts from there."
    assert done.panel.correct.propagate.text == "Propagate changes (3 slices)"
    propagate_changes(done)
    assert np.array_equal(done.result()[7], by_hand[7])
    assert states(done)[7] == "corrected"
    assert done.work.corrections.changes == ()
    press(done, "undo")
    assert np.array_equal(done.result(), by_hand)
    assert states(done)[7] == "edited"


def test_undo_says_what_was_drawn_since_and_redo_brings_it_back(done: User) -> None:
    show(done, 3)
    press(done, "accept")
    by_hand = draw_squares(done, 8)
    press(done, "undo")
    assert "This also removed what was drawn by hand: slice 8" in said(done)
    press(done, "redo")
    assert np.array_equal(done.result(), by_hand)


def test_a_correction_can_be_given_up(done: User) -> None:
    before = done.result()
    correct_here(done, 7)
    press(done, "correct")
    assert done.case.correction is None
    assert fixed(done) == [(5, "prompted")]
    assert np.array_equal(done.result(), before)
    display = done.work.runs.writer.node.GetDisplayNode()
    assert display.GetSegmentVisibility2DFill(done.work.runs.writer.segment_ids[0])


def test_a_run_is_not_begun_in_the_middle_of_a_correction(done: User) -> None:
    correct_here(done, 7)
    done.bench.press_keys("Ctrl+Shift+G")
    done.wait_for_panel()
    assert not done.work.runs.running
    assert "A correction is under way" in done.panel.run.notice.text


def test_the_next_run_asks_about_settled_slices_and_goes_out_from_them_too(done: User) -> None:
    show(done, 2)
    press(done, "accept")
    by_hand = draw_squares(done, 7)
    propagate_changes(done)
    done.bench.click(done.panel.run.propagate)
    done.wait_for_panel()
    question = done.panel.run.question
    assert question.text.text == 'Corrected or accepted: slices 2 and 7 of "object".'
    done.bench.click(question.keep)
    done.wait_for_run()
    assert done.work.runs.job.prompt.objects[0].indices == (2, 5, 7)
    assert np.array_equal(done.result()[7], by_hand[7])
    assert fixed(done) == [(2, "accepted"), (5, "prompted"), (7, "corrected")]
    assert not done.panel.correct.undo.enabled
    done.bench.click(done.panel.run.propagate)
    done.wait_for_panel()
    done.bench.click(question.overwrite)
    done.wait_for_run()
    assert fixed(done) == [(5, "prompted")]


def test_each_object_has_a_ribbon_of_its_own(done: User) -> None:
    show(done, 3)
    press(done, "accept")
    done.bench.click(done.panel.prompt.add)
    done.wait_for_panel()
    assert states(done) == []
    done.pick(done.panel.correct.segment, done.work.runs.writer.segment_ids[0])
    assert states(done)[3] == "accepted"


def test_a_correction_uses_what_the_engine_remembers_of_the_run(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(INSTEAD)
    user.choose(user.load_ball())
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    stack = user.work.engine.session.stack
    before = user.result()
    show(user, 8)
    press(user, "accept")
    correct_here(user, 9)
    assert user.work.engine.session.stack is stack
    shown = user.work.preview.masks[1].masks[0] > 0
    propagate_changes(user)
    assert np.array_equal(user.result()[9], shown)
    assert np.array_equal(user.result()[:9], before[:9])
    assert user.work.engine.session.stack is stack
