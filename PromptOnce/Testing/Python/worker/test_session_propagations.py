"""Propagations of a session: when they run, how they end, and what of them is kept."""

from __future__ import annotations

import numpy as np

from PromptOnceLib.errors import CancelledError, InputError, PromptError
from PromptOnceLib.worker.requests import Settings
from PromptOnceLib.worker.session_job import SessionState
from worker.disks import disk_prompt
from worker.fake_worker import World


def test_a_propagation_takes_over_after_the_preview_under_way(world: World) -> None:
    world.ready()
    world.preview("under way")
    job = world.propagate("run", settings=Settings(first=2, last=8, direction="forward", fill_hole_area=4))
    assert world.asked[-1] == "predict"
    world.worker.answer()
    world.session.pump()
    assert world.names == ["under way"]
    sent = world.worker.asked[-1]
    assert (sent.type, sent.first, sent.last, sent.direction, sent.fill_hole_area) == ("propagate", 2, 8, "forward", 4)

    world.preview("meanwhile")
    world.worker.give_slices(5, 6, 7, 8, total=4)
    world.session.pump()
    assert world.session.state is SessionState.PROPAGATING
    assert world.asked[-1] == "propagate", "a preview disturbs the propagation"
    world.worker.end_propagation(4)
    world.settle()
    assert world.names == ["under way", *["run slice"] * 4, "run", "meanwhile"]
    assert world.heard[5] == ("run", None)
    assert (job.device, job.cancelled) == ("cpu", False)
    assert list(np.flatnonzero(job.result.computed)) == [5, 6, 7, 8]
    assert [path.name[:5] for path in world.worker.folder.iterdir()] == ["stack"], "the worker's masks are kept"


def test_a_slice_is_in_the_result_when_its_callback_comes(world: World) -> None:
    world.ready()
    seen = []
    job = world.propagate("run", on_slice=lambda event: seen.append(job.result.masks[0, event.slice].all()))
    world.worker.give_slices(5, 6)
    world.session.pump()
    assert seen == [True, True]


def test_changed_slices_are_told_once(world: World) -> None:
    world.ready()
    job = world.propagate("run")
    assert job.take_changed() == []
    world.worker.give_slices(5, 6)
    world.session.pump()
    assert job.take_changed() == [5, 6]
    assert job.take_changed() == []
    assert (job.progress.done, job.progress.total) == (2, 11)
    world.worker.give_slices(4)
    world.worker.end_propagation(3)
    world.session.pump()
    assert job.take_changed() == [4]


def test_a_cancelled_propagation_keeps_what_is_done(world: World) -> None:
    world.ready()
    job = world.propagate("run")
    world.preview("waiting")
    world.worker.give_slices(5, 6)
    world.session.pump()
    world.session.cancel()
    world.session.cancel()
    cancels = [request for request in world.worker.asked if request.type == "cancel"]
    assert [cancel.target for cancel in cancels] == [world.worker.pending[0].id]
    assert "run" not in world.names
    world.worker.end_propagation(2, cancelled=True)
    world.settle()
    assert world.heard[-1] == ("run", None)
    assert "waiting" not in world.names
    assert job.cancelled
    assert list(np.flatnonzero(job.result.computed)) == [5, 6]
    assert world.session.state is SessionState.READY


def test_a_propagation_cancelled_before_its_first_slice_ends_once_with_an_error(world: World) -> None:
    world.prepare()
    waiting = world.propagate("waiting")
    world.session.cancel()
    world.settle()
    sent = world.propagate("sent")
    world.session.cancel()
    world.settle()
    assert world.names == ["waiting", "sent"]
    assert all(isinstance(error, CancelledError) for _, error in world.heard)
    assert waiting.cancelled
    assert sent.cancelled
    assert world.asked.count("propagate") == 1


def test_cancel_drops_also_the_preview_under_way(world: World) -> None:
    world.ready()
    world.preview("under way")
    world.session.cancel()
    world.settle()
    assert world.heard == []


def test_another_propagation_follows_the_one_it_cancels(world: World) -> None:
    world.ready()
    world.propagate("first")
    world.propagate("second")
    assert world.asked[-2:] == ["propagate", "cancel"]
    world.worker.give_slices(5)
    world.worker.end_propagation(1, cancelled=True)
    world.session.pump()
    assert world.asked[-1] == "propagate"
    assert world.names == ["first slice", "first"]
    assert world.worker.asked[-1].id != world.worker.asked[-2].target


def test_a_propagation_that_cannot_be_ends_with_the_reason_and_leaves_the_running_one(world: World) -> None:
    world.ready()
    world.propagate("running")
    world.propagate("range", settings=Settings(first=7))
    world.propagate("prompt", disk_prompt().model_copy(update={"axis": 2}))
    world.session.pump()
    assert world.names == ["range", "prompt"]
    assert isinstance(world.heard[0][1], InputError)
    assert isinstance(world.heard[1][1], PromptError)
    assert "cancel" not in world.asked
