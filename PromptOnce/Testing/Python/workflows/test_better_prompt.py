"""Negative points are searched on the prompted slice of a case by the loaded model."""

from __future__ import annotations

import numpy as np
import pytest
from worker.disks import disk_frames

from PromptOnceLib.cases.case import Case, prepare_case
from PromptOnceLib.errors import CancelledError, InputError
from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.imaging.volume import Geometry, Volume
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Prompt
from PromptOnceLib.segmentation.segment import Labels
from PromptOnceLib.worker.requests_slices import PromptedMasks
from PromptOnceLib.workflows.better_prompt import search_better_prompt

FRAMES = disk_frames(slices=5)
FRAMES[:, :6, :8] = 255  # bright too, and no part of the disk
DISK = (disk_frames(slices=5) > 128).astype(np.uint8)
VOLUME = Volume(FRAMES, Geometry(FRAMES.shape[::-1], (1.0, 1.0, 3.0)))


def case(**changes: object) -> Case:
    values = {"volume": VOLUME, "source": Labels(DISK, "disk"), "window": "full", "reference": DISK, **changes}
    return prepare_case(**values)


class Bright:
    """In place of a segmenter: marks what is bright, but not what a negative point lies on where it heeds them."""

    def __init__(self, heeds: bool = False) -> None:
        self.heeds, self.stack = heeds, None

    def use_stack(self, stack: Stack) -> None:
        self.stack = stack

    def predict(self, prompt: Prompt) -> PromptedMasks:
        mask = (self.stack.frames[prompt.slice] > 128).astype(np.uint8)
        points = [point for point in prompt.objects[0].points if not point.positive]
        if self.heeds and any(point.x < 8 and point.y < 6 for point in points):
            mask[:6, :8] = 0
        return PromptedMasks(mask[None], (1.0,), (1.0,))


def test_every_trial_is_one_segmentation_of_the_prompted_slice() -> None:
    told: list[int] = []
    found = search_better_prompt(Bright(), case(slice_index=3), candidates=2, on_trial=told.append)
    bright, disk = FRAMES[3] > 128, DISK[3] > 0
    assert found.before == found.after == pytest.approx(2 * disk.sum() / (bright.sum() + disk.sum()))
    assert told == [1, 2, 3, 4, 5]
    assert found.segmentations == 5
    assert found.prompt == case(slice_index=3).prompt.objects[0]


def test_what_a_point_gains_is_measured_on_the_cases_reference() -> None:
    found = search_better_prompt(Bright(heeds=True), case())
    assert found.after == 1.0 > found.before
    assert len(found.points) == 1
    assert found.prompt.box == case().prompt.objects[0].box


def test_a_search_is_cancelled_between_two_segmentations() -> None:
    told: list[int] = []
    with pytest.raises(CancelledError):
        search_better_prompt(Bright(), case(), on_trial=told.append, should_cancel=lambda: len(told) == 2)
    assert told == [1, 2]


def test_one_object_on_one_slice_with_a_reference_is_needed() -> None:
    with pytest.raises(InputError, match="with a reference"):
        search_better_prompt(Bright(), case(reference=None))
    box = ObjectPrompt(box=Box(x0=1, y0=1, x1=9, y1=9))
    two = Prompt(slice=2, objects=(box.model_copy(update={"name": "a"}), box))
    with pytest.raises(InputError, match="one object with a prompt on one slice"):
        search_better_prompt(Bright(), case(source=two))
