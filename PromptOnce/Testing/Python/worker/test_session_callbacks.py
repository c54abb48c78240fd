"""Callbacks of a session that call it, pump it, or raise."""

from __future__ import annotations

import pytest

from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.session import Session
from PromptOnceLib.worker.session_job import SessionState
from worker.disks import disk_prompt
from worker.fake_worker import World


def test_callbacks_may_call_the_session(world: World) -> None:
    world.ready()
    world.session.preview(disk_prompt(), lambda masks: world.preview("from the callback"), pytest.fail)
    world.settle()
    assert world.names == ["from the callback"]

    world.propagate("run", on_slice=lambda event: world.session.cancel())
    world.worker.give_slices(5)
    world.session.pump()
    assert world.asked[-1] == "cancel"
    world.worker.end_propagation(1, cancelled=True)
    world.session.pump()

    world.propagate("closed", on_slice=lambda event: world.session.close())
    world.worker.give_slices(5)
    world.session.pump()
    assert world.names == ["from the callback", "run", "closed"]
    assert world.session.state is SessionState.IDLE


def test_a_callback_that_is_pumped_from_another_keeps_the_order(world: World) -> None:
    world.ready()
    seen = []

    def on_slice(event: protocol.SliceDone) -> None:
        seen.append(event.slice)
        world.session.pump()  # as an event loop inside a callback does

    world.propagate("run", on_slice=on_slice)
    world.worker.give_slices(5, 6, 7, total=3)
    world.worker.end_propagation(3)
    world.session.pump()
    assert seen == [5, 6, 7]
    assert world.names == ["run"]


def test_a_preview_answered_but_outdated_by_an_earlier_callback_is_dropped(world: World) -> None:
    session = Session(world.client, on_notice=lambda text: session.cancel())
    world.session = session
    world.ready()
    world.preview("click")
    world.worker.say(protocol.Notice(id=world.worker.pending[0].id, text="slower"))
    world.settle()
    assert world.heard == []


def test_a_callback_that_raises_takes_nothing_from_the_others(world: World) -> None:
    world.ready()

    def broken(event: protocol.SliceDone) -> None:
        raise ZeroDivisionError

    world.propagate("run", on_slice=broken)
    world.worker.give_slices(5, total=1)
    world.worker.end_propagation(1)
    with pytest.raises(ZeroDivisionError):
        world.session.pump()
    assert world.session.busy
    world.session.pump()
    assert world.names == ["run"]
    assert not world.session.busy
