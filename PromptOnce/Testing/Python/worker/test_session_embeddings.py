"""Embeddings and round trips through a session that never waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from PromptOnceLib.errors import CancelledError
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.session_job import SessionState
from PromptOnceLib.workflows.drive import StepDriver
from PromptOnceLib.workflows.round_trip import RoundTripFigures, steps_of_prompt
from worker.disks import disk_prompt
from worker.fake_worker import World
from worker.seeds import other_frame


def embed(world: World, name: str, slices: tuple[int, ...] = (1, 2)) -> None:
    def hear(answer: object) -> None:
        world.heard.append((name, answer))

    world.session.embed(slices, (other_frame(),), hear, hear)


def finish_embedding(world: World, cancelled: bool = False) -> Any:
    request = world.worker.pending.popleft()
    np.save(world.worker.folder / request.file, np.arange(12, dtype=np.float32).reshape(3, 4))
    world.worker.say(protocol.Embedded(id=request.id, cancelled=cancelled))
    world.session.pump()
    return request


def test_embeddings_of_slices_and_frames_come_back_and_leave_no_file(world: World) -> None:
    world.ready()
    embed(world, "embedded")
    assert world.session.state is SessionState.READY
    request = world.worker.pending[0]
    np.testing.assert_array_equal(np.load(world.worker.folder / request.frames[0]), other_frame())
    finish_embedding(world)
    ((name, found),) = world.heard
    assert name == "embedded"
    assert (request.slices, found.shape) == ((1, 2), (3, 4))
    assert not (world.worker.folder / request.frames[0]).exists()


@pytest.mark.parametrize("urgent", ["preview", "propagate"])
def test_what_the_user_waits_for_ends_an_embedding(world: World, urgent: str) -> None:
    world.ready()
    embed(world, "embedded")
    getattr(world, urgent)("urgent")
    assert world.asked[-1] == "cancel"
    finish_embedding(world, cancelled=True)
    assert isinstance(dict(world.heard)["embedded"], CancelledError)
    assert world.worker.pending[0].type in ("predict", "propagate")


def test_an_embedding_that_waits_is_dropped_by_the_next_one_and_by_cancel(world: World) -> None:
    world.prepare()
    embed(world, "first")
    embed(world, "second")
    world.session.cancel()
    world.settle()
    assert [name for name, _ in world.heard] == ["first", "second"]
    assert all(isinstance(error, CancelledError) for _, error in world.heard)
    assert "embed" not in world.asked


def trip(world: World) -> tuple[StepDriver[RoundTripFigures], list[Any]]:
    mask = np.zeros((1, *world.stack.frames.shape[1:]), np.uint8)
    mask[0, 5:9, 5:9] = 1
    ends: list[Any] = []
    files = ModelFiles(name="nano", checkpoint=Path("nano"), config="config", sha256=None)
    steps = steps_of_prompt(world.stack, disk_prompt(), mask)
    world.session.use_model(files, "cpu", "float32")
    return StepDriver(world.session, steps, ends.append, ends.append), ends


def test_a_round_trip_goes_out_and_back_from_both_ends(world: World) -> None:
    journey, ends = trip(world)
    journey.start()
    ways = []
    for _ in range(3):
        while not (world.worker.pending and world.worker.pending[0].type == "propagate"):
            world.session.pump()
            if world.worker.pending and world.worker.pending[0].type != "propagate":
                world.worker.answer()
        request = world.worker.pending[0]
        ways.append((request.first, request.last, request.direction, journey.step.number))
        world.worker.give_slices(*range(request.first, request.last + 1))
        world.worker.end_propagation(request.last + 1 - request.first)
        world.session.pump()
    assert ways == [(0, 10, "both", 1), (5, 10, "backward", 2), (0, 5, "forward", 3)]
    (figures,) = ends
    assert 0 < figures.dice[0] < 1, "all of the slice against a small square"


def test_a_cancelled_round_trip_has_no_figure(world: World) -> None:
    world.ready()
    journey, ends = trip(world)
    journey.start()
    world.session.pump()
    world.settle()
    (error,) = ends
    assert isinstance(error, CancelledError)
