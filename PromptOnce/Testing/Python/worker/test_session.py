"""What a session asks of its worker to be ready and for previews, in which order, and whom it calls back."""

from __future__ import annotations

import pytest

from PromptOnceLib.errors import PromptError, WorkerError
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.session_job import SessionState
from worker.disks import COLUMNS, ROWS, SLICES, disk_frames, disk_prompt, stack_of
from worker.fake_worker import World


def test_a_session_begins_with_nothing_started(world: World) -> None:
    world.session.pump()
    assert world.session.state is SessionState.IDLE
    assert not world.session.busy
    assert world.workers == []


def test_preparing_goes_step_by_step_and_says_where_it_is(world: World) -> None:
    world.prepare()
    seen = []
    while world.worker.pending:
        seen.append((world.worker.pending[0].type, len(world.worker.pending), world.session.state))
        assert world.session.busy
        world.worker.answer()
        world.session.pump()
    assert seen == [
        ("hello", 1, SessionState.STARTING),
        ("load_model", 1, SessionState.LOADING_MODEL),
        ("set_stack", 1, SessionState.LOADING_MODEL),
        ("prefetch", 1, SessionState.READY),
    ]
    assert world.session.state is SessionState.READY
    assert not world.session.busy
    assert world.session.model.name == "nano"
    assert world.worker.asked[-1].slice == 5


def test_preparing_the_same_again_sends_nothing_and_another_seed_is_encoded(world: World) -> None:
    world.ready()
    before = len(world.asked)
    world.prepare()
    world.settle()
    assert len(world.asked) == before
    world.prepare(seed=7)
    world.settle()
    assert world.asked[before:] == ["prefetch"]
    assert world.worker.asked[-1].slice == 7


def test_the_slice_of_a_prompt_is_not_pushed_out_by_encoding_the_prompted_slice(world: World) -> None:
    world.prepare(seed=5)
    world.preview("elsewhere", disk_prompt(index=8))
    world.settle()
    assert "prefetch" not in world.asked


def test_a_preview_asked_for_before_the_worker_is_ready_runs_as_soon_as_it_is(world: World) -> None:
    world.prepare()
    world.preview("click", fill_hole_area=3)
    world.settle()
    assert world.asked == ["hello", "load_model", "set_stack", "predict"]
    assert world.worker.asked[3].fill_hole_area == 3
    assert world.names == ["click"]
    assert world.heard[0][1].masks.shape == (1, ROWS, COLUMNS)


def test_the_newest_of_several_previews_wins(world: World) -> None:
    world.ready()
    for shift, name in enumerate(["first", "second", "third"]):
        world.preview(name, disk_prompt(shift=shift))
    assert world.session.state is SessionState.PREVIEWING
    world.settle()
    predicted = [request for request in world.worker.asked if request.type == "predict"]
    assert [request.prompt for request in predicted] == [disk_prompt(shift=0), disk_prompt(shift=2)]
    assert world.names == ["third"]
    assert world.heard[0][1].presence == (float(predicted[1].id),), "masks of another prompt"
    assert [path.name[:5] for path in world.worker.folder.iterdir()] == ["stack"], "masks nobody wants are kept"


def test_a_preview_the_worker_refuses_reaches_its_caller_and_the_next_one_runs(world: World) -> None:
    world.ready()
    world.preview("bad")
    world.worker.fail("No memory.", code="out_of_memory")
    world.session.pump()
    assert world.names == ["bad"]
    assert world.heard[0][1].code == "out_of_memory"
    assert world.session.state is SessionState.READY
    world.preview("good")
    world.settle()
    assert world.names == ["bad", "good"]


def test_a_prompt_that_does_not_fit_is_told_to_its_caller_and_makes_earlier_ones_outdated(world: World) -> None:
    world.ready()
    world.preview("earlier")
    world.preview("outside", disk_prompt(index=SLICES))
    assert world.heard == [], "called back from within the call"
    assert world.session.busy
    world.settle()
    assert world.names == ["outside"]
    assert isinstance(world.heard[0][1], PromptError)
    assert world.asked.count("predict") == 1


def test_waiting_for_the_worker_does_not_delay_a_callback_that_is_due(world: World) -> None:
    world.ready()
    world.worker.waited.clear()
    world.session.pump(5)
    world.preview("outside", disk_prompt(index=SLICES))
    world.session.pump(5)
    assert world.worker.waited == [5, 0]


def test_a_prompt_too_large_for_a_message_fails_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.ready()
    monkeypatch.setattr(protocol, "MAX_MESSAGE_BYTES", 10)
    world.preview("huge")
    world.session.pump()
    job = world.propagate("huge run")
    world.session.pump()
    assert world.names == ["huge", "huge run"]
    assert all(isinstance(error, PromptError) for _, error in world.heard)
    assert not job.result.computed.any()
    assert world.session.state is SessionState.READY


def test_without_a_model_and_a_volume_nothing_can_be_asked(world: World) -> None:
    with pytest.raises(WorkerError, match="first"):
        world.preview("early")
    with pytest.raises(WorkerError, match="first"):
        world.propagate("early")


def test_another_volume_cancels_and_goes_on_with_the_new_one(world: World) -> None:
    world.ready()
    first = world.propagate("old")
    world.worker.give_slices(5)
    world.session.pump()
    other = stack_of(disk_frames(slices=4))
    world.prepare(stack=other, seed=2)
    world.preview("new", disk_prompt(2))
    assert world.asked[-1] == "cancel"
    world.worker.end_propagation(1, cancelled=True)
    world.settle()
    assert world.names == ["old slice", "old", "new"]
    assert first.result.computed.sum() == 1
    assert world.asked[world.asked.index("cancel") + 1 :] == ["set_stack", "predict"]
    assert len(list(world.worker.folder.glob("stack-*"))) == 1


def test_previews_of_another_volume_are_dropped(world: World) -> None:
    world.ready()
    world.preview("old")
    world.prepare(stack=stack_of(disk_frames(slices=4)), seed=2)
    world.settle()
    assert world.heard == []


@pytest.mark.parametrize("wrong_loads", [True, False])
def test_another_model_while_one_loads_is_what_counts(world: World, wrong_loads: bool) -> None:
    world.prepare("wrong")
    world.worker.answer()
    world.session.pump()
    assert world.worker.pending[0].name == "wrong"
    world.prepare("right")
    world.preview("click")
    if wrong_loads:
        world.worker.answer()
    else:
        world.worker.fail("The wrong model cannot be read.")
    world.settle()
    assert world.names == ["click"]
    assert world.session.state is SessionState.READY
    assert world.session.model.name == "right"


def test_notices_reach_who_asked(world: World) -> None:
    world.ready()
    world.preview("click")
    world.worker.say(protocol.Notice(id=world.worker.pending[0].id, text="slower"))
    world.settle()
    job = world.propagate("run")
    world.worker.say(protocol.Notice(id=world.worker.pending[0].id, text="on the CPU"))
    world.session.pump()
    assert world.heard[0] == ("session", "slower")
    assert world.heard[2] == ("run notice", "on the CPU")
    assert job.notices == ["on the CPU"]
