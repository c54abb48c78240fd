"""Sessions whose worker says nothing for long: when that is told, waited for, cancelled or given up."""

from __future__ import annotations

from pathlib import Path

import pytest

from PromptOnceLib.errors import CancelledError, WorkerError
from PromptOnceLib.worker.session_job import SessionState
from worker.fake_worker import World


def test_a_worker_that_loads_for_long_is_told_of_and_waited_for(world: World) -> None:
    world.prepare()
    world.preview("click")
    for world.now in (59, 60, 61, 10_000):
        world.session.pump()
        assert world.session.state is SessionState.STARTING
        assert world.names == ([] if world.now < 60 else ["session"])
    assert "Still loading PyTorch" in world.heard[0][1]
    world.settle()
    assert world.names == ["session", "click"]


def test_a_silent_worker_is_told_of_once_in_a_silence(world: World) -> None:
    world.ready()
    world.propagate("run")
    world.now = 50
    world.worker.give_slices(5)
    world.session.pump()
    for world.now in (109, 110, 200):
        world.session.pump()
        assert world.names == (["run slice"] if world.now < 110 else ["run slice", "session"])
    assert "nothing for 60 s" in world.heard[-1][1]
    world.worker.give_slices(6)
    world.session.pump()
    world.now = 300
    world.session.pump()
    assert world.names == ["run slice", "session", "run slice", "session"]


def test_an_idle_worker_may_be_silent(world: World) -> None:
    world.ready()
    world.now = 10_000
    world.session.pump()
    assert world.heard == []
    world.propagate("run")
    world.session.pump()
    assert world.heard == []


@pytest.mark.parametrize("before", [True, False], ids=["told before", "not told yet"])
def test_a_cancel_closes_a_silent_worker_and_keeps_the_slices(world: World, before: bool) -> None:
    world.ready()
    world.worker.acknowledges = False
    job = world.propagate("run")
    world.worker.give_slices(5, 6)
    world.session.pump()
    if before:
        world.now = 60
        world.session.pump()
    world.session.cancel()
    world.session.pump()
    assert world.worker.stopped is before
    world.now = 120
    world.session.pump()
    assert world.worker.stopped
    assert world.heard[-1] == ("run", None)
    assert job.cancelled
    assert job.result.computed.sum() == 2
    assert len(world.workers) == 1, "a new worker was started unasked"
    world.propagate("again")
    world.settle()
    assert len(world.workers) == 2


def test_a_cancel_of_a_silent_worker_that_did_nothing_yet(world: World) -> None:
    world.ready()
    job = world.propagate("run")
    world.now = 60
    world.session.cancel()
    world.session.pump()
    assert isinstance(world.heard[-1][1], CancelledError)
    assert job.cancelled


@pytest.mark.parametrize(("loading", "limit"), [(True, 1800), (False, 600)])
def test_a_client_with_patience_gives_a_silent_worker_up(tmp_path: Path, loading: bool, limit: int) -> None:
    world = World(tmp_path)
    world.client.silence.patience = 600
    if not loading:
        world.ready()
    else:
        world.prepare()
    world.propagate("run")
    world.now = limit - 1
    world.session.pump()
    assert not world.worker.stopped
    world.now = limit
    world.session.pump()
    assert world.worker.stopped
    assert world.session.state is SessionState.FAILED
    assert isinstance(world.client.failure, WorkerError)
    assert world.client.failure.detail == "the log"
    assert world.names[-1] == "run"


def test_a_start_can_be_cancelled(world: World) -> None:
    with pytest.raises(CancelledError):
        world.client.start(lambda: True)
    assert world.worker.stopped


def test_a_greeting_that_came_in_time_but_is_read_late_counts(world: World) -> None:
    world.prepare()
    world.worker.answer()
    world.now = 1000  # the computer slept
    world.session.pump()
    assert world.session.state is SessionState.LOADING_MODEL


def test_a_long_load_is_not_a_worker_that_never_answers(world: World) -> None:
    world.prepare()
    world.worker.answer()
    world.session.pump()
    world.now = 1000
    world.session.pump()
    assert world.session.state is SessionState.LOADING_MODEL
