"""Where a seed takes over: the slice on which the model is most confident to see the object right after the seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from worker.disks import disk_frames, stack_of
from worker.seeds import disk_seed

from PromptOnceLib.cases.case import Case
from PromptOnceLib.errors import CancelledError
from PromptOnceLib.imaging.stack import AxisChoice, Stack
from PromptOnceLib.imaging.volume import Geometry, Volume
from PromptOnceLib.prompts.conditioning import ConditioningFrame, SharedSeed
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.segmenter import Segmenter, Settings
from PromptOnceLib.workflows.drive import run_steps
from PromptOnceLib.workflows.start_slice import (
    MOST_CANDIDATES,
    FoundStart,
    steps_of_confident_start,
    steps_of_start,
)
from PromptOnceLib.workflows.steps import Step

DISK = range(1, 4)


def stack_without_its_middle(slices: int = 11) -> Stack:
    """The disk is on a few of the first slices, the central one shows nothing but noise."""
    frames = np.clip(np.random.default_rng(3).normal(60, 8, (slices, 80, 96)), 0, 255).astype(np.uint8)
    frames[list(DISK)] = disk_frames()[list(DISK)]
    return stack_of(frames)


def case_of(stack: Stack, seed: SharedSeed) -> Case:
    slices, rows, columns = stack.frames.shape
    volume = Volume(stack.frames, Geometry((columns, rows, slices), (1, 1, 5)))
    return Case(volume, AxisChoice(0, "k"), stack, seed, None, ("said before",))


def numbered(slices: int) -> Stack:
    """Every frame shows the number of its slice."""
    values = np.arange(slices, dtype=np.uint8)[:, None, None]
    return stack_of(np.ascontiguousarray(np.broadcast_to(values, (slices, 8, 8))))


def go(
    stack: Stack, seed: SharedSeed, scores: dict[int, tuple[float, ...]], within: range | None = None
) -> tuple[FoundStart, list[list[int]]]:
    """The steps with made-up presence by slice and object; also which slices were looked at."""
    names = [item.name for item in seed.objects]
    steps, looked = steps_of_confident_start(stack, seed, within), []
    step: Step = next(steps)
    try:
        while True:
            assert step.settings == Settings(direction="forward", alone=True)
            slices = [int(frame[0, 0]) for frame in step.stack.frames]
            looked.append(slices)
            result = SegmentationResult.empty(names, step.stack.frames.shape, 0)
            for place, index in enumerate(slices):
                presence = scores.get(index, (0.0,) * len(names))
                masks = np.zeros((len(names), 8, 8), np.uint8)
                masks[:, 0, 0] = [value > 0.5 for value in presence]
                result.set_slice(place, masks, presence, (0.5,) * len(names))
            step = steps.send(result)
    except StopIteration as end:
        return end.value, looked


def test_an_object_that_the_central_slice_does_not_show_is_found_elsewhere(shared_segmenter: Segmenter) -> None:
    stack, seed = stack_without_its_middle(), disk_seed(5)
    shared_segmenter.use_stack(stack)
    seen: list[protocol.SliceDone] = []

    steps = steps_of_start(case_of(stack, seed), "confident")
    found = run_steps(shared_segmenter, steps, on_progress=lambda _, event: seen.append(event))

    assert found.prompt.slice in DISK
    assert found.notices[0] == "said before"
    assert f"Slice {found.prompt.slice} is the one where" in found.notices[1]
    assert [(event.done, event.total) for event in seen] == [(n, 11) for n in range(1, 12)]
    assert shared_segmenter.stack is stack
    kept = shared_segmenter.propagate(found.prompt).result
    areas = kept.masks[0].sum(axis=(1, 2))
    assert all(600 < areas[index] < 1000 for index in DISK), areas


def test_the_slice_most_similar_to_the_seeds_frame_is_found(shared_segmenter: Segmenter) -> None:
    stack = stack_of(disk_frames())
    (item,) = disk_seed().objects
    case = case_of(stack, SharedSeed((ConditioningFrame(disk_frames()[2], (item,)),), 5, 0))
    seen: list[protocol.FrameDone] = []
    found = run_steps(
        shared_segmenter, steps_of_start(case, "similar"), on_progress=lambda _, event: seen.append(event)
    )
    assert found.prompt.slice == 2
    assert found.notices == ("said before", "Slice 2 is most similar to the seed's frame (1.00).")
    assert [(event.done, event.total) for event in seen][-1] == (12, 12)
    assert run_steps(shared_segmenter, steps_of_start(case, "similar", range(3, 11))).prompt.slice == 3


def test_a_start_that_is_not_searched_for_needs_no_worker() -> None:
    case = case_of(stack_of(disk_frames()), disk_seed(4))
    for start in ("central", 4):
        with pytest.raises(StopIteration) as end:
            next(steps_of_start(case, start))
        assert end.value.value is case


def test_it_can_be_cancelled(shared_segmenter: Segmenter) -> None:
    stack, seen = stack_of(disk_frames(slices=60)), []
    shared_segmenter.use_stack(stack)
    with pytest.raises(CancelledError):
        run_steps(
            shared_segmenter,
            steps_of_start(case_of(stack, disk_seed(30)), "confident"),
            on_progress=lambda _, event: seen.append(event),
            should_cancel=lambda: len(seen) > 1,
        )
    assert len(seen) < MOST_CANDIDATES
    assert shared_segmenter.stack is stack


def test_a_short_stack_is_looked_at_once_and_whole() -> None:
    found, looked = go(numbered(12), disk_seed(5), {8: (0.6,), 9: (0.9,)})
    assert (found.slice, found.score) == (9, pytest.approx(0.45))
    assert looked == [list(range(12))]


def test_a_long_stack_is_looked_at_in_steps_and_then_around_the_best() -> None:
    found, (coarse, closer) = go(numbered(151), disk_seed(75), {40: (0.8,), 43: (0.9,), 140: (0.7,)})
    assert coarse == list(range(0, 151, 10))
    assert 30 < min(closer) < 40 < max(closer) < 50
    assert len(closer) <= MOST_CANDIDATES
    assert (found.slice, found.score) == (43, pytest.approx(0.45))


def test_of_equally_sure_slices_the_one_nearest_to_the_start_is_taken() -> None:
    found, _ = go(numbered(12), disk_seed(5), {1: (0.9,), 7: (0.9,), 11: (0.9,)})
    assert found.slice == 7


def test_several_objects_count_with_their_mean_and_a_missing_one_as_nothing() -> None:
    (item,) = disk_seed().objects
    frame = ConditioningFrame(disk_seed().frames[0].frame, (item, item.model_copy(update={"name": "other"})))
    both = replace(disk_seed(5), frames=(frame,))
    found, _ = go(numbered(12), both, {2: (0.99, 0.4), 9: (0.7, 0.7)})
    assert (found.slice, found.score) == (9, pytest.approx(0.35))


def test_an_object_found_nowhere_leaves_the_start_where_it_was_and_says_so() -> None:
    stack, seed = numbered(40), disk_seed(20)
    found, looked = go(stack, seed, {})
    assert (found.slice, found.score) == (20, 0.0)
    assert len(looked) == 1, "there is no best slice to look around"
    assert "No slice" in found.put(case_of(stack, seed)).notices[-1]


@pytest.mark.parametrize("within", [range(60, 71), range(60, 151), range(12, 44)])
def test_nothing_outside_of_the_range_is_looked_at_or_chosen(within: range) -> None:
    scores = {index: (0.9 if index in (40, 100) else 0.7,) for index in range(151)}
    found, looked = go(numbered(151), disk_seed(50), scores, within)
    assert {index for slices in looked for index in slices} <= set(within)
    assert looked[0][0] == within[0]
    assert looked[0][-1] == within[-1]
    assert found.slice in within


def test_an_object_found_nowhere_in_the_range_leaves_the_start_as_near_as_can_be() -> None:
    assert go(numbered(40), disk_seed(20), {20: (0.9,)}, range(25, 40))[0].slice == 25
    assert go(numbered(40), disk_seed(20), {20: (0.9,)}, range(3, 9))[0].slice == 8
