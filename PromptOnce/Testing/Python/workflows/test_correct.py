"""A slice is corrected and only what it touches is propagated again; the rest stays byte for byte."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from worker.disks import disk_frames, disk_prompt, stack_of

from PromptOnceLib.errors import CancelledError, InputError, PromptError
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt, encode_mask
from PromptOnceLib.prompts.prompt_set import PromptSet
from PromptOnceLib.segmentation.ways import Ways
from PromptOnceLib.worker.protocol import SliceDone
from PromptOnceLib.worker.segmenter import Segmenter
from PromptOnceLib.workflows.correct import Correctable, steps_of_correction
from PromptOnceLib.workflows.drive import run_steps
from PromptOnceLib.workflows.steps import PropagationStep

STACK = stack_of(disk_frames())


@pytest.fixture
def result(shared_segmenter: Segmenter) -> Correctable:
    """The disk from a prompt on slice 5, with slices 2 and 8 accepted."""
    shared_segmenter.use_stack(STACK)
    job = shared_segmenter.propagate(disk_prompt())
    found = Correctable(STACK, job.result, PromptSet.of(disk_prompt()))
    return found.accepting("disk", 2).accepting("disk", 8)


def square() -> np.ndarray:
    mask = np.zeros(STACK.frames.shape[1:], bool)
    mask[20:60, 30:70] = True
    return mask


def test_only_slices_up_to_the_next_fixed_ones_change(shared_segmenter: Segmenter, result: Correctable) -> None:
    events: list[SliceDone] = []
    drawn = ObjectPrompt(mask=encode_mask(square()))
    steps = steps_of_correction(result, "disk", 7, drawn)
    new = run_steps(shared_segmenter, steps, on_progress=lambda _, event: events.append(event))

    assert [event.slice for event in events] == [7, 6]
    assert (events[-1].done, events[-1].total) == (2, 2)
    np.testing.assert_array_equal(new.result.masks[0, 7], square())
    others = [0, 1, 2, 3, 4, 5, 8, 9, 10]
    for array in ("masks", "presence", "predicted_iou"):
        before, after = getattr(result.result, array), getattr(new.result, array)
        np.testing.assert_array_equal(after[:, others], before[:, others])
    assert new.prompts.object("disk").indices == (2, 5, 7, 8)
    assert [fixed.state for fixed in new.prompts.object("disk").slices] == [
        "accepted", "prompted", "corrected", "accepted",
    ]  # fmt: skip
    assert result.touched("disk", 7) == 1
    assert result.touched("disk", 0) == 1
    assert result.touched("disk", 9) == 1
    assert result.prompts.object("disk").indices == (2, 5, 8)  # the old one is as it was


def test_what_is_computed_again_is_made_as_the_run_made_it(result: Correctable) -> None:
    result.result.ways["disk"] = Ways("off", "both", "largest", 5)
    drawn = ObjectPrompt(mask=encode_mask(square()))
    step = next(steps_of_correction(result, "disk", 7, drawn))
    assert isinstance(step, PropagationStep)
    assert step.settings.ways == Ways("off", "both", "largest", 5)


def test_clicks_correct_what_the_worker_has_from_its_last_run(shared_segmenter: Segmenter) -> None:
    shared_segmenter.use_stack(STACK)
    job = shared_segmenter.propagate(disk_prompt())
    old = Correctable(STACK, job.result, PromptSet.of(disk_prompt()))
    click = ObjectPrompt(points=(Point(x=53, y=40, positive=True),))
    corrected = run_steps(shared_segmenter, steps_of_correction(old, "disk", 8, click))
    alone = shared_segmenter.predict(Prompt(slice=8, objects=(click,)))
    disk = disk_frames()[8] > 130
    found = corrected.result.masks[0, 8] > 0
    assert (found != (alone.masks[0] > 0)).any()  # memory and previous logits were used
    assert (found & disk).sum() > 0.85 * disk.sum()


def test_another_object_stays_as_it_is(shared_segmenter: Segmenter) -> None:
    second = ObjectPrompt(name="second", box=Box(x0=2, y0=2, x1=20, y1=20))
    prompt = disk_prompt().model_copy(update={"objects": (*disk_prompt().objects, second)})
    shared_segmenter.use_stack(STACK)
    old = Correctable(STACK, shared_segmenter.propagate(prompt).result, PromptSet.of(prompt))
    drawn = ObjectPrompt(mask=encode_mask(square()))
    new = run_steps(shared_segmenter, steps_of_correction(old, "second", 7, drawn))
    np.testing.assert_array_equal(new.result.masks[0], old.result.masks[0])
    np.testing.assert_array_equal(new.result.masks[1, 7], square())
    assert (new.result.masks[1] != old.result.masks[1]).any()
    # Fixed on slices 5 and 7 the one, on 5 the other: propagated in groups, each from its own slices.
    whole = shared_segmenter.propagate(new.prompts)
    np.testing.assert_array_equal(whole.result.masks[1, 7], square())
    assert whole.result.computed.all()
    np.testing.assert_array_equal(whole.result.masks[0], old.result.masks[0])


def test_a_correction_stays_out_of_other_segments(shared_segmenter: Segmenter, result: Correctable) -> None:
    walls = np.zeros(STACK.frames.shape, bool)
    walls[:, :, 50:] = True
    box = disk_prompt(9).objects[0]
    new = run_steps(shared_segmenter, steps_of_correction(result, "disk", 9, box, walls=walls))
    assert new.result.masks[0, 9].any()
    assert not new.result.masks[0, 9:, :, 50:].any()
    np.testing.assert_array_equal(new.result.masks[0, :9], result.result.masks[0, :9])
    drawn = ObjectPrompt(mask=encode_mask(square()))
    kept = run_steps(shared_segmenter, steps_of_correction(result, "disk", 9, drawn, walls=walls))
    np.testing.assert_array_equal(kept.result.masks[0, 9], square())


def test_a_cancelled_correction_leaves_the_old_result(shared_segmenter: Segmenter, result: Correctable) -> None:
    before = result.result.masks.copy()
    drawn = ObjectPrompt(mask=encode_mask(square()))
    only = Correctable(STACK, result.result, PromptSet.of(disk_prompt()))
    with pytest.raises(CancelledError):
        run_steps(shared_segmenter, steps_of_correction(only, "disk", 9, drawn), should_cancel=lambda: True)
    np.testing.assert_array_equal(result.result.masks, before)


def test_what_cannot_be_corrected_is_said(result: Correctable) -> None:
    drawn = ObjectPrompt(mask=encode_mask(square()))
    with pytest.raises(PromptError, match="no object"):
        next(steps_of_correction(result, "liver", 6, drawn))
    with pytest.raises(InputError, match="no slice 99"):
        next(steps_of_correction(result, "disk", 99, drawn))
    with pytest.raises(PromptError, match="5 rows and 7 columns"):
        next(steps_of_correction(result, "disk", 6, ObjectPrompt(mask=encode_mask(np.ones((5, 7), bool)))))
    result.result.masks[0, 0] = 0
    nothing = ObjectPrompt(points=(Point(x=53, y=40, positive=False),))
    with pytest.raises(PromptError, match="no mask they could take something from"):
        Prompt(slice=0, objects=(result.marks_on("disk", 0, nothing),)).validate_for(STACK.frames.shape, True)
    only = Correctable(STACK, result.result, PromptSet.of(disk_prompt()))
    with pytest.raises(PromptError, match="absent from every slice"):
        only.fixing("disk", 5, np.zeros(STACK.frames.shape[1:], bool), "corrected")


def test_an_object_that_is_absent_from_a_slice_is_absent_beyond(
    shared_segmenter: Segmenter, result: Correctable
) -> None:
    absent = ObjectPrompt(mask=encode_mask(np.zeros_like(square())))
    new = run_steps(shared_segmenter, steps_of_correction(result, "disk", 9, absent))
    assert new.result.masks[0].any((1, 2)).tolist() == [True] * 9 + [False] * 2
    assert new.result.presence[0, 10] == 0
    others = list(range(9))
    np.testing.assert_array_equal(new.result.masks[0, others], result.result.masks[0, others])
    # The sweep from slice 5 now goes on to where the object ends.
    ended = run_steps(shared_segmenter, steps_of_correction(new, "disk", 8, absent))
    assert ended.result.masks[0].any((1, 2)).tolist() == [True] * 8 + [False] * 3
    again = run_steps(shared_segmenter, steps_of_correction(ended, "disk", 8, ObjectPrompt(mask=encode_mask(square()))))
    assert again.result.masks[0, 7].any()
    assert new.prompts.object("disk").absent == {9}


def test_negative_points_alone_take_from_the_mask_that_is_there(shared_segmenter: Segmenter) -> None:
    stack = stack_of(disk_frames())  # nothing was propagated in it: the mask alone is corrected
    shared_segmenter.use_stack(stack)
    leaking = disk_frames() > 130
    leaking[7, 5:20, 70:90] = True
    found = Correctable(STACK, shared_segmenter.propagate(disk_prompt()).result, PromptSet.of(disk_prompt()))
    found.result.masks[0, 7] = leaking[7]
    marks = ObjectPrompt(points=(Point(x=80, y=12, positive=False),))
    new = run_steps(shared_segmenter, steps_of_correction(replace(found, stack=stack), "disk", 7, marks))
    mask = new.result.masks[0, 7] > 0
    disk = disk_frames()[7] > 130
    assert not mask[12, 80]
    assert (mask & disk).sum() > 0.8 * disk.sum()


def test_a_box_says_anew_where_the_object_is(shared_segmenter: Segmenter, result: Correctable) -> None:
    box = disk_prompt(7).objects[0]
    corrected = run_steps(shared_segmenter, steps_of_correction(result, "disk", 7, box))
    alone = shared_segmenter.predict(Prompt(slice=7, objects=(box,)))
    np.testing.assert_array_equal(corrected.result.masks[0, 7], alone.masks[0])
