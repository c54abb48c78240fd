"""Saving a seed: what is asked of the worker, in which order, and that nothing is saved before all of it is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from worker.disks import disk_frames, disk_prompt
from worker.seeds import disk_mask

from PromptOnceLib.cases.case import Case, prepare_case
from PromptOnceLib.errors import SeedError
from PromptOnceLib.imaging.volume import Geometry, Volume
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.worker.requests_slices import PromptedMasks
from PromptOnceLib.workflows.save_seed import steps_of_saving
from PromptOnceLib.workflows.steps import PromptStep, PropagationStep

FILES = ModelFiles(name="nano", checkpoint=Path("nano"), config="config", sha256="0" * 64)
MASK = disk_mask(80, 96)


@pytest.fixture
def library(tmp_path: Path) -> SeedLibrary:
    return SeedLibrary(tmp_path / "library")


def disk_case(slices: int = 11) -> Case:
    frames = disk_frames(slices=slices)
    volume = Volume(frames, Geometry((96, 80, slices), (1.0, 1.0, 3.0)))
    return prepare_case(volume, disk_prompt(5 if slices > 1 else 0), window="full")


def saving(library: SeedLibrary, case: Case, **changes: Any):
    options = {"frame_confirmed": True, "target": "disk", **changes}
    return steps_of_saving(library, case, "disk", FILES, **options)


def complete(step: PropagationStep) -> SegmentationResult:
    """A result that shows the mask on all slices."""
    shape = step.stack.frames.shape
    result = SegmentationResult.empty(("disk",), shape, 0)
    for index in range(shape[0]):
        result.set_slice(index, MASK[None].astype(np.uint8), (0.9,), (0.9,))
    return result


def next_step(steps, answer: Any) -> Any:
    """The next step or, at the end, the seed."""
    try:
        return steps.send(answer)
    except StopIteration as end:
        return end.value


def test_masks_are_computed_the_trip_is_made_and_then_the_seed_is_saved_once(library: SeedLibrary) -> None:
    steps = saving(library, disk_case())
    step = next(steps)
    assert isinstance(step, PromptStep)
    step = steps.send(PromptedMasks(MASK[None].astype(np.uint8), (0.9,), (0.8,)))
    for _ in range(3):
        assert isinstance(step, PropagationStep)
        assert library.list().seeds == (), "saved before its round trip was over"
        last, step = step, next_step(steps, complete(step))
    assert (last.number, last.count) == (3, 3)
    (seed,) = library.list().seeds
    assert step.id == seed.id
    assert (seed.record.target, seed.record.model.name) == ("disk", "nano")
    assert seed.record.round_trip is not None
    assert seed.record.round_trip.worst == 1
    np.testing.assert_array_equal(seed.masks[0], MASK)


@pytest.mark.parametrize(("slices", "round_trip"), [(11, False), (1, True)])
def test_accepted_masks_without_a_trip_need_no_worker(library: SeedLibrary, slices: int, round_trip: bool) -> None:
    with pytest.raises(StopIteration):
        next(saving(library, disk_case(slices), accepted=[MASK], round_trip=round_trip))
    (seed,) = library.list().seeds
    assert seed.record.round_trip is None


def test_a_result_that_is_there_already_is_not_computed_again(library: SeedLibrary) -> None:
    case = disk_case()
    result = complete(PropagationStep(case.stack, disk_prompt(), None))  # type: ignore[arg-type]
    step = next(saving(library, case, accepted=[MASK], result=result))
    assert isinstance(step, PropagationStep)
    assert step.number == 1
    assert step.prompt.slice == 10, "the way back comes first"


def test_what_cannot_be_saved_is_refused_before_the_worker_is_asked(library: SeedLibrary) -> None:
    case = disk_case()
    with pytest.raises(SeedError, match="confirm"):
        next(saving(library, case, accepted=[MASK], frame_confirmed=False))
    with pytest.raises(SeedError, match='mask of "disk" is empty on slice 5'):
        next(saving(library, case, accepted=[np.zeros_like(MASK)]))
    with pytest.raises(StopIteration):
        next(saving(library, case, accepted=[MASK], round_trip=False))
    with pytest.raises(SeedError, match="already"):
        next(saving(library, case, accepted=[MASK]))
