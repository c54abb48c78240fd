"""What happens to a run when somebody takes its ground away."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
import slicer

from gui.stopped_run import stopped_run


@pytest.fixture
def running(_patient_worker, user):
    """A user with a run of ten slices under way, of which no more than three come."""
    user.choose(user.load_ball())
    user.box_the_ball()
    user.propagate()
    assert user.work.runs.running
    return user


def worker_id(user):
    return user.work.engine.session.client._transport.process_id


def test_a_scene_closed_while_running_ends_the_run_and_the_next_volume_works(running):
    bench = running.bench
    slicer.mrmlScene.Clear(0)
    running.wait_for_panel()
    assert running.case is None
    assert "scene was closed" in running.panel.volume.notice.text
    assert not running.panel.run.propagate.enabled
    bench.wait_until(lambda: not running.work.engine.session.busy, "the end of the run")
    running.choose(running.load_ball())
    running.box_the_ball()
    running.wait_for_mask()
    assert running.panel.volume.notice.text == ""


def test_a_volume_deleted_while_running_ends_the_run_and_keeps_what_is_done(running):
    node = running.work.runs.writer.node
    slicer.mrmlScene.RemoveNode(running.case.image.node)
    running.wait_for_panel()
    assert "ball was removed" in running.panel.volume.notice.text
    assert running.case is None
    running.bench.wait_until(lambda: not running.work.engine.session.busy, "the end of the run")
    image = node.GetSegmentation().GetNthSegment(0).GetRepresentation("Binary labelmap")
    assert image.GetPointData().GetScalars().GetRange()[1] == 1


@pytest.mark.usefixtures("_fake_worker")
def test_a_segmentation_deleted_while_running_is_said_and_the_next_run_makes_a_new_one(user, monkeypatch):
    monkeypatch.setattr("PromptOnceLib.mrml.runs.SECONDS_BETWEEN_WRITES", 0)
    runs = user.work.runs
    with stopped_run(user, monkeypatch):
        slicer.mrmlScene.RemoveNode(runs.writer.node)
    user.wait_for_run()  # the next slice finds nowhere to go
    assert "removed" in user.panel.run.notice.text
    assert user.work.choices.node.segmentation is None
    user.propagate()
    user.wait_for_run()
    assert user.result().any()


def test_a_worker_killed_while_running_is_said_and_started_again_by_the_next_run(running):
    first = worker_id(running)
    os.kill(first, signal.SIGKILL)
    running.wait_for_run()
    assert "ended unexpectedly" in running.panel.run.notice.text
    assert "ended unexpectedly" in running.work.notices.of("engine")
    kept = running.result().any(axis=(1, 2))
    assert np.array_equal(kept, running.work.runs.job.result.computed)
    running.propagate()
    assert worker_id(running) != first
    running.bench.click(running.panel.run.cancel)
    running.wait_for_run()
    assert "ended unexpectedly" not in str(running.work.notices), "what was wrong is over"


def test_leaving_and_closing_the_module_while_running_leaves_no_process(running):
    process = worker_id(running)
    running.bench.leave_module()
    assert running.work.runs.running
    running.widget.cleanup()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_the_end_of_slicer_while_running_leaves_no_process(running):
    process = worker_id(running)
    running.bench.app.aboutToQuit.emit()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_another_volume_chosen_while_running_ends_the_run_keeps_what_is_done_and_works(running):
    node = running.work.runs.writer.node
    running.choose(running.load_ball("second"))
    assert not running.work.runs.running
    running.box_the_ball()
    running.wait_for_mask()
    image = node.GetSegmentation().GetNthSegment(0).GetRepresentation("Binary labelmap")
    assert image.GetPointData().GetScalars().GetRange()[1] == 1
    assert running.panel.run.notice.text == ""
