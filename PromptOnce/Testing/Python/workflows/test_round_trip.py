"""The round trip of a seed: figures without a reference."""

from __future__ import annotations

import numpy as np
import pytest
from worker.disks import COLUMNS, ROWS, SLICES, disk_frames, disk_prompt, stack_of
from worker.seeds import disk_mask, disk_seed

from PromptOnceLib.errors import CancelledError, PromptError
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Prompt
from PromptOnceLib.seeds.reliability import RoundTrip
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.worker.segmenter import Segmenter
from PromptOnceLib.workflows.drive import run_steps
from PromptOnceLib.workflows.round_trip import (
    RoundTripFigures,
    steps_of_prompt,
    steps_of_shared_seed,
)
from PromptOnceLib.workflows.steps import Step

STACK = stack_of(disk_frames())


def result_of(masks: np.ndarray, shape: tuple[int, ...] = STACK.frames.shape, names: tuple[str, ...] = ("disk",)):
    """A complete result with these masks (objects, n, rows, columns), present where not empty."""
    result = SegmentationResult.empty(names, shape, 0)
    for index in range(shape[0]):
        present = [float(mask.any()) for mask in masks[:, index]]
        result.set_slice(index, masks[:, index], present, present)
    return result


def square(first: int, last: int, size: int = 20) -> np.ndarray:
    masks = np.zeros((1, SLICES, ROWS, COLUMNS), np.uint8)
    masks[:, first : last + 1, 30 : 30 + size, 40 : 40 + size] = 1
    return masks


def test_a_disk_comes_back_where_it_was(shared_segmenter: Segmenter) -> None:
    prompt = disk_prompt()
    seen: list[Step] = []
    slices: list[int] = []
    steps = steps_of_prompt(STACK, prompt, shared_segmenter.predict(prompt).masks)
    figures = run_steps(
        shared_segmenter, steps, on_step=seen.append, on_progress=lambda _, event: slices.append(event.slice)
    )

    assert [(step.number, step.count) for step in seen] == [(1, 3), (2, 3), (3, 3)]
    assert len(slices) == 11 + 6 + 6
    assert len(figures.dice) == 1
    assert figures.dice[0] > 0.8
    assert figures.dice[0] == min(figures.forward[0], figures.backward[0])
    assert figures.record("nano").worst == figures.dice[0]


def test_an_applied_seed_comes_back_to_its_own_frame(shared_segmenter: Segmenter) -> None:
    shared_segmenter.use_stack(STACK)
    stored = disk_mask()[None].astype(np.uint8)
    figures = run_steps(shared_segmenter, steps_of_shared_seed(STACK, disk_seed(), stored))
    assert figures.forward[0] > 0.7
    assert figures.backward == (None,)
    assert shared_segmenter.stack is STACK
    assert shared_segmenter.predict(disk_prompt()).masks.shape == (1, ROWS, COLUMNS)

    other_place = np.roll(stored, 40, axis=2)
    worse = run_steps(shared_segmenter, steps_of_shared_seed(STACK, disk_seed(), other_place))
    assert worse.forward[0] < 0.3


def test_a_cancelled_round_trip_has_no_figures_and_leaves_the_stack(shared_segmenter: Segmenter) -> None:
    steps = steps_of_shared_seed(STACK, disk_seed(), disk_mask()[None].astype(np.uint8))
    before = shared_segmenter.stack
    with pytest.raises(CancelledError):
        run_steps(shared_segmenter, steps, should_cancel=lambda: True)
    assert shared_segmenter.stack is before


def test_the_way_back_starts_at_the_last_slices_that_show_the_object() -> None:
    steps = steps_of_prompt(STACK, disk_prompt(), square(5, 5)[:, 5])
    next(steps)
    out = square(3, 9)
    out[:, 9, :2] = 1  # a slice of its own kind, to be known again
    back = steps.send(result_of(out))
    assert (back.prompt.slice, back.settings.first, back.settings.last) == (9, 5, 9)
    assert back.settings.direction == "backward"
    np.testing.assert_array_equal(back.prompt.objects[0].mask_array(), out[0, 9])
    assert back.prompt.objects[0].box is None

    back = steps.send(result_of(square(5, 5)))
    assert (back.prompt.slice, back.settings.direction, back.number) == (3, "forward", 3)
    with pytest.raises(StopIteration) as end:
        steps.send(result_of(square(5, 5, size=10)))
    assert end.value.value == RoundTripFigures((1.0,), (pytest.approx(2 * 100 / 500),))
    assert end.value.value.dice == (pytest.approx(0.4),)


def test_a_slice_where_the_object_is_not_present_does_not_count() -> None:
    steps = steps_of_prompt(STACK, disk_prompt(), square(5, 5)[:, 5])
    next(steps)
    out = result_of(square(5, 9))
    out.presence[:, 8:] = 0.4
    assert steps.send(out).prompt.slice == 7


def test_an_object_on_the_prompted_slice_alone_has_no_figure_and_a_lost_one_has_zero() -> None:
    def figures_of(out: np.ndarray) -> RoundTripFigures:
        steps = steps_of_prompt(STACK, disk_prompt(), square(5, 5)[:, 5])
        next(steps)
        with pytest.raises(StopIteration) as end:
            steps.send(result_of(out))
        return end.value.value

    alone = figures_of(square(5, 5))
    assert alone.dice == (None,)
    assert alone.record("nano") is None
    assert figures_of(np.zeros_like(square(5, 5))).dice == (0.0,)


def test_every_object_goes_its_own_way() -> None:
    other = ObjectPrompt(name="other", box=Box(x0=2, y0=2, x1=20, y1=20))
    prompt = Prompt(axis=0, slice=5, objects=(*disk_prompt().objects, other))
    seed_masks = np.concatenate([square(5, 5)[:, 5], square(5, 5, 8)[:, 5]])
    steps = steps_of_prompt(STACK, prompt, seed_masks)
    assert next(steps).count == 5
    back = steps.send(result_of(np.concatenate([square(5, 8), square(2, 5, 8)]), names=("disk", "other")))
    assert [item.name for item in back.prompt.objects] == ["disk"]
    back = steps.send(result_of(square(5, 5)))
    assert ([item.name for item in back.prompt.objects], back.prompt.slice) == (["other"], 2)
    with pytest.raises(StopIteration) as end:
        steps.send(result_of(square(5, 5, 8)))
    assert end.value.value == RoundTripFigures((1.0, None), (None, 1.0))
    assert isinstance(end.value.value.record("nano"), RoundTrip)


def test_an_applied_seed_goes_back_from_the_slice_that_shows_most_where_the_start_shows_nothing() -> None:
    out = square(0, 2)
    out[:, 1, 30:60, 40:70] = 1
    steps = steps_of_shared_seed(STACK, disk_seed(7), disk_mask()[None].astype(np.uint8), result_of(out))
    back = next(steps)
    np.testing.assert_array_equal(back.prompt.frames[0].frame, STACK.frames[1])
    np.testing.assert_array_equal(back.prompt.objects[0].mask_array(), out[0, 1])
    assert back.stack.frames.shape == (1, 84, 92)
    assert (back.number, back.count) == (1, 1)

    lost = steps_of_shared_seed(STACK, disk_seed(7), disk_mask()[None], result_of(np.zeros_like(out)))
    with pytest.raises(StopIteration) as end:
        next(lost)
    assert end.value.value.dice == (0.0,)


def test_a_round_trip_needs_masks_to_compare_with() -> None:
    with pytest.raises(PromptError, match="masks"):
        next(steps_of_prompt(STACK, disk_prompt(), np.zeros((1, ROWS, COLUMNS), np.uint8)))
