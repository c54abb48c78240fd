"""Workflows taken through a session: answers of all kinds of steps, their order, and how they end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from worker.disks import disk_prompt
from worker.fake_worker import World
from worker.seeds import other_frame

from PromptOnceLib.errors import CancelledError, PromptError
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.requests import Settings
from PromptOnceLib.workflows.drive import StepDriver
from PromptOnceLib.workflows.steps import (
    EmbeddingStep,
    PromptStep,
    PropagationStep,
    Step,
    Steps,
    embedded,
    prompted,
    propagated,
    resumed,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    files = ModelFiles(name="nano", checkpoint=Path("nano"), config="config", sha256=None)
    world.session.use_model(files, "cpu", "float32")
    return world


def all_kinds(world: World) -> Steps[list[tuple[int, ...]]]:
    embeddings = yield from embedded(EmbeddingStep(frames=(other_frame(),)))
    masks = yield from prompted(PromptStep(world.stack, disk_prompt()))
    result = yield from propagated(PropagationStep(world.stack, disk_prompt(), Settings(first=5, last=6)))
    return [embeddings.shape, masks.masks.shape, result.masks.shape]


def answer_all(world: World) -> None:
    """Let the worker answer whatever it is asked, propagations with all their slices."""
    while world.session.busy:
        world.session.pump()
        if world.worker.pending:
            answer_one(world)


def answer_one(world: World) -> None:
    request = world.worker.pending[0]
    if isinstance(request, protocol.Embed):
        np.save(world.worker.folder / request.file, np.ones((1, 4), np.float32))
        world.worker.say(protocol.FrameDone(id=request.id, done=1, total=1))
        world.worker.say(protocol.Embedded(id=world.worker.pending.popleft().id, cancelled=False))
    elif isinstance(request, protocol.Propagate):
        slices = range(request.first, request.last + 1)
        world.worker.give_slices(*slices, total=len(slices))
        world.worker.end_propagation(len(slices))
    else:
        world.worker.answer()


def drive(world: World, steps: Steps[Any]) -> tuple[StepDriver[Any], list[Any], list[Any]]:
    """A driver, what it ended with, and what it has told meanwhile."""
    ends: list[Any] = []
    told: list[Any] = []

    def on_step(step: Step) -> None:
        told.append(type(step).__name__)

    def on_progress(step: Step, event: protocol.SliceDone | protocol.FrameDone) -> None:
        told.append((event.done, event.total))

    return StepDriver(world.session, steps, ends.append, ends.append, on_step, on_progress), ends, told


def test_a_workflow_of_all_kinds_of_steps_gets_its_answers_without_a_stack_at_first(world: World) -> None:
    driver, ends, told = drive(world, all_kinds(world))
    driver.start()
    answer_all(world)
    rows, columns = world.stack.frames.shape[1:]
    assert ends == [[(1, 4), (1, rows, columns), (1, *world.stack.frames.shape)]]
    assert told == ["EmbeddingStep", (1, 1), "PromptStep", "PropagationStep", (1, 2), (2, 2)]
    assert world.asked == ["hello", "load_model", "embed", "set_stack", "predict", "propagate"]


@pytest.mark.parametrize("requests", [0, 2, 3, 4, 5])
def test_a_workflow_that_is_cancelled_ends_once_whatever_its_step(world: World, requests: int) -> None:
    driver, ends, _ = drive(world, all_kinds(world))
    driver.start()
    for _ in range(requests):
        answer_one(world)
        world.session.pump()
    assert ends == []
    driver.cancel()
    while world.session.busy:
        world.session.pump()
        while world.worker.pending:
            request = world.worker.pending[0]
            if isinstance(request, protocol.Embed):
                world.worker.say(protocol.Embedded(id=world.worker.pending.popleft().id, cancelled=True))
            else:
                world.worker.answer()
    assert len(ends) == 1
    assert isinstance(ends[0], CancelledError)


def test_a_workflow_without_steps_is_over_at_once_and_an_error_of_its_own_reaches_the_caller(world: World) -> None:
    def nothing() -> Steps[int]:
        return 3
        yield

    def refused() -> Steps[int]:
        raise PromptError("not like this")
        yield

    for steps, expected in ((nothing(), 3), (refused(), PromptError)):
        driver, ends, _ = drive(world, steps)
        driver.start()
        assert ends[0] == expected or isinstance(ends[0], expected)
    assert world.workers == []


def test_a_workflow_whose_first_step_was_looked_at_goes_on_as_a_whole(world: World) -> None:
    steps = all_kinds(world)
    first = next(steps)
    driver, ends, told = drive(world, resumed(first, steps))
    driver.start()
    answer_all(world)
    assert len(ends[0]) == 3
    assert told[0] == "EmbeddingStep"
