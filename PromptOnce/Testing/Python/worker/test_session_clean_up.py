"""Clean-up at the end of a propagation: what goes, what never does, and what is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptSet
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.worker.requests import PropagationJob, Settings
from worker.disks import disk_prompt
from worker.fake_worker import World


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., PropagationJob]:
    """A propagation in which the worker finds everything on the slices 4 to 6 and on 9."""
    world = World(tmp_path)
    world.ready()

    def propagated(settings: Settings, cancelled: bool = False) -> PropagationJob:
        job = world.propagate("run", settings=settings)
        world.worker.give_slices(4, 5, 6, 9)
        world.worker.end_propagation(4, cancelled)
        world.settle()
        return job

    return propagated


def held(result: SegmentationResult) -> list[int]:
    return np.flatnonzero(result.masks[0].any(axis=(1, 2))).tolist()


def test_what_does_not_touch_the_prompted_slice_goes_and_is_told(run: Callable[..., PropagationJob]) -> None:
    job = run(Settings())
    assert held(job.result) == [4, 5, 6]
    assert job.removed["disk"].slices == [9]
    assert job.notices == [job.removed["disk"].sentence("disk")]
    assert job.take_changed()[-1] == 9, "who writes slices as they come is not told"


@pytest.mark.parametrize("settings", [Settings(clean_up="all"), Settings(settled=(9,))])
def test_all_pieces_stay_where_that_is_wanted_or_where_they_are_settled(
    settings: Settings, run: Callable[..., PropagationJob]
) -> None:
    job = run(settings)
    assert held(job.result) == [4, 5, 6, 9]
    assert not job.removed
    assert not job.notices


def test_a_run_that_was_cancelled_is_kept_as_it_is(run: Callable[..., PropagationJob]) -> None:
    assert held(run(Settings(), cancelled=True).result) == [4, 5, 6, 9]


def test_a_correction_changes_nothing_but_what_it_computed(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.ready()
    base = SegmentationResult.empty(["disk"], world.stack.frames.shape, 0)
    base.masks[0, [0, 2], 0, 0] = 1  # far from everything, and made by hand
    base.computed[:] = True
    prompts = PromptSet.of(disk_prompt()).fixing(
        "disk", FixedSlice(slice=8, mask=None, box=disk_prompt().objects[0].box)
    )
    heard: list[PropagationJob] = []
    world.session.propagate(prompts, Settings(changed=(8,)), None, None, lambda job, _error: heard.append(job), base)
    world.session.pump()
    world.worker.give_slices(8, 10)
    world.worker.end_propagation(2)
    world.settle()
    assert held(heard[0].result) == [0, 2, 8]
    assert heard[0].removed["disk"].slices == [10]
