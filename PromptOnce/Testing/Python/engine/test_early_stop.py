"""Where a pass stops when its objects have ended, and that nothing else changes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.test_masks_equal_upstream import blobs, bright, presence_by_brightness
from PromptOnceLib.engine.devices import Placement, on_cpu
from PromptOnceLib.engine.early_stop import ABSENT_SLICES, LOST_SLICES, EarlyStop
from PromptOnceLib.engine.network import Model
from PromptOnceLib.engine.preprocessing import network_input, network_pixels
from PromptOnceLib.engine.propagation import Direction, Propagation, SliceOutput, Task
from PromptOnceLib.engine.sweeps import Sweeps, SweepTask
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.prompts.conditioning import ConditioningFrame


def first_end(areas: list[int], presence: list[float] | None = None) -> int | None:
    """Index of the slice at which a pass of one object ends; presence: 1 where there is area, unless given."""
    ending = EarlyStop()
    for index, area in enumerate(areas):
        mask = np.zeros((1, 40, 40), np.uint8)
        mask.reshape(-1)[:area] = 1
        if ending.has_come(mask, (float(area > 0) if presence is None else presence[index],)):
            return index
    return None


def test_an_object_that_tapers_off_has_ended_after_a_few_empty_slices() -> None:
    assert first_end([400, 300, 150, 40] + 20 * [0]) == 3 + ABSENT_SLICES


def test_an_object_that_is_lost_at_full_size_is_waited_for_longer() -> None:
    assert first_end([400, 390, 380] + 20 * [0]) == 2 + LOST_SLICES


def test_specks_and_disbelieved_masks_count_as_absent() -> None:
    assert first_end([1000, 300, 100] + 20 * [3]) == 2 + ABSENT_SLICES
    assert first_end([1000, 300, 100] + 20 * [200], [1.0, 1.0, 1.0] + 20 * [0.2]) == 2 + ABSENT_SLICES


def test_a_gap_shorter_than_that_does_not_end_a_pass() -> None:
    gap = (ABSENT_SLICES - 1) * [0]
    assert first_end([400, 200, 100, *gap, 90, *gap, 200, 300]) is None


def test_what_was_never_there_has_not_ended() -> None:
    assert first_end(50 * [0]) is None


def test_one_object_that_goes_on_keeps_the_others_going() -> None:
    ending, mask = EarlyStop(), np.ones((2, 8, 8), np.uint8)
    mask[0] = 0
    assert not any(ending.has_come(mask, (0.0, 1.0)) for _ in range(30))


def outputs_with_object_in(
    bright_slices: Collection[int],
    task: Task | SweepTask,
    notices: list[str],
    model: Model,
    placement: Placement | None = None,
) -> list[SliceOutput]:
    """The embedded model, with an object that is present on these slices of the stack only."""
    frames = blobs(30)
    dim = [k for k in range(30) if k not in bright_slices]
    frames[dim] = frames[dim] // 2
    pixels = [network_pixels(frame, model.image_size) for frame in frames]
    means = network_input(pixels, torch.device("cpu")).mean(dim=(1, 2, 3)).tolist()
    threshold = (max(means[k] for k in dim) + min(means[k] for k in bright_slices)) / 2
    with presence_by_brightness(model.network, threshold):
        work = Propagation(Tracker(model, placement or on_cpu()), frames, notices.append)
        return list(work.run(task) if isinstance(task, Task) else Sweeps(work).run(task))


@pytest.mark.slow
def test_slices_left_out_are_named_and_the_others_are_unchanged(nano: tuple[Model, Path]) -> None:
    notices: list[str] = []
    everything = outputs_with_object_in(range(10, 20), Task([bright(15)], 15, 0, 29), [], nano[0])
    stopping = Task([bright(15)], 15, 0, 29, stop_when_absent=True)
    stopped = outputs_with_object_in(range(10, 20), stopping, notices, nano[0])

    by_slice = {output.slice: output for output in stopped}
    assert set(range(10, 20)) < set(by_slice) < set(range(30))
    for output in everything:
        if output.slice in by_slice:
            np.testing.assert_array_equal(output.masks, by_slice[output.slice].masks)
        else:
            assert not output.masks.any()
    left_out = sorted(set(range(30)) - set(by_slice))
    ends = {str(end) for end in (left_out[0], left_out[-1])}
    assert len(notices) == 2
    assert all(any(end in text for text in notices) for end in ends)


@pytest.mark.slow
def test_after_a_shared_seed_a_start_outside_the_object_does_not_stop(nano: tuple[Model, Path]) -> None:
    seed = ConditioningFrame(blobs(30)[15], (bright(15),))
    task = Task([bright(15)], 2, 0, 29, conditioning=(seed,), stop_when_absent=True)
    slices = {output.slice for output in outputs_with_object_in(range(12, 30), task, [], nano[0])}
    assert set(range(2, 30)) <= slices


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_an_object_up_to_the_end_gives_no_notice(nano: tuple[Model, Path], direction: Direction) -> None:
    task = Task([bright(15)], 15, 10, 19, direction=direction, stop_when_absent=True)
    notices: list[str] = []
    assert len(outputs_with_object_in(range(10, 20), task, notices, nano[0])) in (5, 6)
    assert not notices


@pytest.mark.parametrize(("direction", "first_found"), [("both", 12), ("forward", 14)])
def test_beyond_several_prompted_slices_what_has_ended_is_left_out(
    nano: tuple[Model, Path], direction: Direction, first_found: int
) -> None:
    fixed, notices = {k: [bright(k)] for k in (14, 18)}, list[str]()
    task = SweepTask(fixed, 0, 29, direction=direction)
    everything = outputs_with_object_in(range(12, 20), task, [], nano[0])
    stopped = outputs_with_object_in(range(12, 20), replace(task, stop_when_absent=True), notices, nano[0])

    masks = {output.slice: output.masks for output in stopped}
    assert set(range(first_found, 20)) < set(masks) < {output.slice for output in everything}
    for output in everything:
        np.testing.assert_array_equal(output.masks, masks.get(output.slice, np.zeros_like(output.masks)))
    assert len(notices) == (2 if direction == "both" else 1)
    assert "to 29 were not computed" in notices[-1]


@pytest.mark.parametrize("direction", ["both", "forward", "backward"])
def test_between_prompted_slices_every_slice_is_computed(nano: tuple[Model, Path], direction: Direction) -> None:
    task = SweepTask({k: [bright(k)] for k in (2, 27)}, 2, 27, direction=direction, stop_when_absent=True)
    notices = list[str]()
    outputs = outputs_with_object_in([0, 1, 2, 3, 26, 27, 28, 29], task, notices, nano[0])
    assert {output.slice for output in outputs} == set(range(2, 28))
    assert not notices
