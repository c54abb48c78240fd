"""What happens to a correction when somebody takes its ground away: nothing is lost, and a sentence is said."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import slicer
from worker.gate import Gate

from gui.correct_steps import correct_here, fixed, press, said, show, states
from gui.test_corrections import correct as draw_squares
from gui.test_trouble import worker_id
from gui.user import User

pytestmark = pytest.mark.usefixtures("_fake_worker")


class Stopped:
    """A correction of slice 7 that stands before its second slice. user, before: the masks until then."""

    def __init__(self, user: User, gate: Gate) -> None:
        self.user, self.gate = user, gate
        user.choose(user.load_ball())
        user.box_the_ball()
        user.propagate_with(gate)
        self.segmentation, self.segment_id = user.work.corrections.segment.place
        self.before, self.volume = user.result(), user.case.node
        correct_here(user, 7)
        press(user, "propagate")
        user.bench.wait_until(gate.stopped, "the second slice")
        user.bench.wait_until(lambda: user.work.corrections.work.progress[0] == 1, "the first slice")
        user.wait_for_panel()
        assert user.work.corrections.work.running

    def masks(self) -> np.ndarray:
        return slicer.util.arrayFromSegmentBinaryLabelmap(self.segmentation, self.segment_id, self.volume) > 0

    def go_on(self) -> None:
        """Let the worker compute the rest."""
        self.gate.open()
        self.user.bench.wait_until(lambda: not self.user.work.corrections.work.running, "the end of the correction", 60)
        self.user.wait_for_panel()


class PatientUser(User):
    """A user whose worker asks a gate before each slice."""

    def propagate_with(self, gate: Gate) -> None:
        self.wait_for_panel()
        self.bench.click(self.panel.run.propagate)
        self.bench.wait_until(lambda: gate.stopped() or not self.work.runs.running, "the end of the run", 60)
        self.wait_for_run()


@pytest.fixture
def stopped(bench: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stopped]:
    import qt

    qt.QSettings().setValue("PromptOnce/kind", "own")
    qt.QSettings().setValue("PromptOnce/device", "cpu")
    with Gate(slices=10 + 1) as gate:
        monkeypatch.setenv(*gate.variable)
        yield Stopped(PatientUser(bench), gate)


def test_a_killed_worker_leaves_result_and_marks_and_the_next_try_works(stopped: Stopped) -> None:
    user = stopped.user
    os.kill(worker_id(user), signal.SIGKILL)
    user.bench.wait_until(lambda: not user.work.corrections.work.running, "the end of the correction", 60)
    assert "ended unexpectedly" in said(user)
    assert "your marks are still there" in said(user)
    assert np.array_equal(stopped.masks(), stopped.before)
    assert (user.work.corrections.marked, fixed(user)) == (7, [(5, "prompted")])
    stopped.gate.open()
    press(user, "propagate")
    user.bench.wait_until(lambda: not user.work.corrections.work.running, "the end of the correction", 60)
    assert said(user) == 'Slice 7 of "object" corrected.'


def test_cancel_leaves_result_and_marks(stopped: Stopped) -> None:
    user = stopped.user
    press(user, "cancel")
    user.bench.wait_until(lambda: not user.work.corrections.work.running, "the end of the correction", 60)
    assert said(user) == "The result is as it was; your marks are still there."
    assert np.array_equal(stopped.masks(), stopped.before)
    assert user.work.corrections.marked == 7


def test_while_it_runs_nothing_else_can_be_begun_and_progress_is_shown(stopped: Stopped) -> None:
    panel = stopped.user.panel.correct
    assert not any(one.enabled for one in (panel.next, panel.accept, panel.correct, panel.propagate, panel.undo))
    assert panel.cancel.enabled
    assert panel.hint.text == "1 of 4 steps"  # slices 7, 6, 8 and 9
    assert (panel.bar.value, panel.bar.maximum) == (1, 4)
    assert not stopped.user.panel.run.propagate.enabled


def test_what_is_drawn_meanwhile_is_kept_and_said(stopped: Stopped) -> None:
    array = stopped.masks().astype(np.uint8)
    array[[1, 8]] = 0
    array[[1, 8], 10:20, 10:20] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, stopped.segmentation, stopped.segment_id, stopped.volume)
    stopped.go_on()
    assert 'Changed by hand meanwhile, and kept: slices 1 and 8 of "object".' in said(stopped.user)
    assert np.array_equal(stopped.masks()[[1, 8]], array[[1, 8]] > 0)
    assert (states(stopped.user)[1], states(stopped.user)[8]) == ("edited", "edited")


def test_a_removed_segmentation_is_said(stopped: Stopped) -> None:
    slicer.mrmlScene.RemoveNode(stopped.segmentation)
    stopped.go_on()
    assert "was removed from the scene" in said(stopped.user)
    assert states(stopped.user) == []


def test_another_volume_ends_the_correction_and_the_result_stays(stopped: Stopped) -> None:
    user = stopped.user
    user.choose(user.load_ball("second"))
    assert said(user) == "The correction of object was not propagated before another volume or axis was opened."
    stopped.gate.open()
    user.bench.wait_until(lambda: not user.work.engine.session.busy, "the end")
    assert np.array_equal(stopped.masks(), stopped.before)
    assert slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode") == []
    user.choose(stopped.volume)
    assert fixed(user) == [(5, "prompted")]
    assert user.case.correction is None


def test_a_closed_scene_ends_the_correction(stopped: Stopped) -> None:
    slicer.mrmlScene.Clear(0)
    stopped.user.wait_for_panel()
    assert "The scene was closed: the correction was cancelled." in stopped.user.panel.volume.notice.text
    stopped.gate.open()
    stopped.user.bench.wait_until(lambda: not stopped.user.work.engine.session.busy, "the end")
    assert states(stopped.user) == []
    assert not stopped.user.panel.correct.propagate.enabled


def test_changed_voxels_are_said_and_computed_on(stopped: Stopped) -> None:
    stopped.go_on()
    user = stopped.user
    array = slicer.util.arrayFromVolume(stopped.volume)
    array[8] = -60
    slicer.util.arrayFromVolumeModified(stopped.volume)
    draw_squares(user, 7)
    press(user, "propagate")
    user.bench.wait_until(lambda: not user.work.corrections.work.running, "the end of the correction", 60)
    assert "The volume's voxels have changed since" in said(user)
    assert not stopped.masks()[8].any()


def test_leaving_the_module_puts_the_tool_away_and_the_correction_waits(stopped: Stopped) -> None:
    stopped.go_on()
    user = stopped.user
    correct_here(user, 2)
    user.bench.leave_module()
    user.bench.press_keys("A")
    nodes = slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")
    assert not any(node.GetDisplayVisibility() for node in nodes)
    slicer.util.selectModule("PromptOnce")
    user.wait_for_panel()
    assert user.work.corrections.marked == 2
    assert (2, "accepted") not in fixed(user)


def test_a_slice_where_the_object_is_not_can_be_accepted(stopped: Stopped) -> None:
    stopped.go_on()
    user = stopped.user
    array = stopped.masks().astype(np.uint8)
    array[3] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, stopped.segmentation, stopped.segment_id, stopped.volume)
    show(user, 3)
    press(user, "accept")
    assert (3, "accepted") in fixed(user)
