"""Sessions whose worker dies, cannot work, breaks the protocol or is closed."""

from __future__ import annotations

from pathlib import Path

import pytest

from PromptOnceLib.errors import CancelledError, ModelError, WorkerError
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.requests import Settings
from PromptOnceLib.worker.session_job import SessionState
from worker.disks import disk_frames, disk_prompt, stack_of
from worker.fake_worker import FakeWorker, World


def test_the_death_of_the_worker_is_told_once_to_everybody_who_waits(world: World) -> None:
    world.ready()
    job = world.propagate("run")
    world.preview("outdated")
    world.preview("click")
    world.worker.give_slices(5, 6)
    world.worker.dead = True
    world.session.pump()
    assert world.names == ["run slice", "run slice", "run", "click"]
    assert all("ended unexpectedly" in str(error) for _, error in world.heard[2:])
    assert job.result.computed.sum() == 2
    assert not job.cancelled
    assert world.session.state is SessionState.FAILED
    assert world.session.error is world.heard[-1][1]
    assert not world.session.busy

    world.session.pump()
    assert len(world.heard) == 4
    assert len(world.workers) == 1, "a new worker was started unasked"


@pytest.mark.parametrize("call", ["prepare", "preview", "propagate"])
def test_the_next_call_after_a_death_starts_a_new_worker_that_gets_everything(world: World, call: str) -> None:
    world.ready()
    world.worker.dead = True
    world.session.pump()
    assert world.session.state is SessionState.FAILED
    if call == "prepare":
        world.prepare()
    else:
        getattr(world, call)("again")
    assert world.session.state is SessionState.STARTING
    assert world.session.error is None
    world.settle()
    assert len(world.workers) == 2
    last = {"prepare": "prefetch", "preview": "predict", "propagate": "propagate"}[call]
    assert world.asked == ["hello", "load_model", "set_stack", last]


def test_a_death_noticed_while_sending_is_told_once(world: World) -> None:
    world.ready()
    world.worker.dead = True
    world.preview("click")
    assert world.heard == []
    world.session.pump()
    world.session.pump()
    assert world.names == ["click"]
    assert isinstance(world.heard[0][1], WorkerError)
    assert world.session.state is SessionState.FAILED


def test_a_death_noticed_while_cancelling_is_told_once(world: World) -> None:
    world.ready()
    world.propagate("run")
    world.worker.dead = True
    world.session.cancel()
    world.session.pump()
    assert world.names == ["run"]
    assert isinstance(world.heard[0][1], WorkerError)
    assert world.session.state is SessionState.FAILED


def test_a_worker_without_its_packages_is_told_and_stopped(world: World) -> None:
    world.prepare()
    world.worker.fail("PyTorch cannot be loaded.", code="engine_missing")
    world.session.pump()
    assert world.session.state is SessionState.FAILED
    assert world.session.error.code == "engine_missing"
    assert world.worker.stopped


def test_a_worker_that_cannot_be_started_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_python() -> None:
        raise WorkerError("There is no such Python.")

    monkeypatch.setattr(world.client, "_start", no_python)
    world.prepare()
    assert str(world.session.error) == "There is no such Python."
    world.preview("click")
    world.session.pump()
    assert world.names == ["click"]
    monkeypatch.undo()
    world.preview("click again")
    world.settle()
    assert world.names == ["click", "click again"]
    assert world.session.state is SessionState.READY


def test_a_model_that_cannot_be_loaded_is_told_and_tried_again_with_the_next_call(world: World) -> None:
    world.prepare()
    world.preview("click")
    world.worker.answer()
    world.session.pump()
    world.worker.fail("The checkpoint is missing.")
    world.session.pump()
    assert world.names == ["click"]
    assert isinstance(world.heard[0][1], ModelError)
    assert world.session.state is SessionState.FAILED
    assert not world.worker.stopped
    assert not world.session.busy

    world.preview("click again")
    world.settle()
    assert world.names == ["click", "click again"]
    assert world.asked == ["hello", "load_model", "load_model", "set_stack", "predict"]


def test_a_reply_of_the_wrong_kind_gives_the_worker_up(world: World) -> None:
    world.prepare()
    world.worker.answer()
    world.session.pump()
    world.worker.say(protocol.Done(id=world.worker.pending[0].id))
    world.session.pump()
    assert world.session.state is SessionState.FAILED
    assert "unexpected answer" in str(world.session.error)
    assert world.worker.stopped


def test_a_slice_without_its_masks_gives_the_worker_up(world: World) -> None:
    world.ready()
    job = world.propagate("run")
    world.worker.give_slices(5)
    for path in world.worker.folder.glob("masks-*"):
        path.unlink()
    world.session.pump()
    assert world.names == ["run"]
    assert "cannot be read" in str(world.heard[0][1])
    assert not job.result.computed.any()


@pytest.mark.parametrize("answered", range(5))
def test_closing_at_any_time_ends_the_worker_and_what_was_asked(world: World, answered: int) -> None:
    world.prepare()
    job = world.propagate("run")
    world.preview("click")
    for _ in range(answered):
        if world.worker.pending[0].type == "propagate":
            world.worker.give_slices(5)
        else:
            world.worker.answer()
        world.session.pump()
    world.session.close()
    assert world.worker.stopped
    assert not world.worker.folder.exists() or answered == 0, "the arrays are still there"
    assert world.session.state is SessionState.IDLE
    world.session.pump()
    assert [name for name in world.names if name != "run slice"] == ["run"]
    assert isinstance(world.heard[-1][1], CancelledError)
    assert job.cancelled
    assert job.result.computed.sum() == (answered == 4)
    assert not world.session.busy
    world.session.close()


def test_closing_a_client_ends_its_open_jobs(world: World) -> None:
    world.client.begin()
    world.worker.answer()
    world.client.pump(0)
    ended: list[object] = []
    job = world.client.send(protocol.Prefetch(id=world.client.new_id(), slice=0), on_end=ended.append)
    world.client.close()
    assert ended == [job]
    with pytest.raises(CancelledError):
        world.client.wait(job, protocol.Done)
    assert world.client.failure is None


def test_a_closed_session_works_again_when_asked(world: World) -> None:
    world.ready()
    world.session.close()
    world.session.pump()
    assert len(world.workers) == 1
    world.preview("click")
    world.settle()
    assert len(world.workers) == 2
    assert world.names == ["click"]


def test_a_client_knows_why_its_worker_was_lost_before_it_greeted(tmp_path: Path) -> None:
    class Stillborn(FakeWorker):
        def write(self, data: bytes) -> None:
            """Nobody reads it any more."""

    worker = Stillborn(tmp_path / "worker")
    worker.dead = True
    client = WorkerClient(lambda: worker)
    with pytest.raises(WorkerError, match="unexpectedly"):
        client.start()
    assert isinstance(client.failure, WorkerError)


def test_a_request_that_cannot_be_made_leaves_the_session_usable(world: World) -> None:
    world.ready()
    with pytest.raises(ValueError, match="proposals"):
        world.session.propagate(disk_prompt(), Settings(proposals="none"), None, None, pytest.fail)  # type: ignore[arg-type]
    world.prepare(stack=stack_of(disk_frames(seed=1)))
    world.settle()
    world.propagate("run")
    world.worker.give_slices(5)
    world.worker.end_propagation(1)
    world.settle()
    assert world.names == ["run slice", "run"]
    assert world.session.state is SessionState.READY
