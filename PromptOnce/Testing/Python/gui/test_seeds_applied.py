"""Seeds applied in the panel: to another volume, into an object, from a slice that is chosen or searched for."""

from __future__ import annotations

import os
import signal
from typing import Any

import numpy as np
import pytest
import slicer

from gui.seed_steps import apply, choose_entries, library, prompted, save, texts, user
from gui.user import User, ball
from PromptOnceLib.segmentation.metrics import dice

__all__ = ["library", "user"]


@pytest.mark.usefixtures("_fake_worker")
def test_a_seed_is_applied_to_another_volume_and_its_prompt_can_be_corrected(user: User) -> None:
    prompted(user)
    save(user, target="ball")
    other = user.load_ball("another", slices=6)
    user.choose(other)
    assert "same spacing" in texts(user)[0]
    choose_entries(user, 0)
    apply(user)
    assert user.work.runs.run.case.prompt.label == "the ball"
    assert dice(user.result(), ball(6)) > 0.7
    assert "round trip of the seed through this image" in user.panel.seeds.notice.text
    segmentation = user.work.runs.writer.node.GetSegmentation()
    assert [segmentation.GetNthSegment(0).GetName(), segmentation.GetNumberOfSegments()] == ["ball", 1]

    (item,) = user.prompt.objects
    rows, columns = np.nonzero(user.result()[3])
    assert user.case.objects.seed == 3
    assert (item.box.x0, item.box.y0) == pytest.approx((columns.min(), rows.min()), abs=0.01)
    assert [point.positive for point in item.points] == [True]
    user.draw_box(26, 18, 86, 78)
    user.bench.wait_until(lambda: abs(user.prompt.objects[0].box.x0 - 26) < 0.4, "the corrected box")
    user.propagate()
    user.wait_for_run()
    assert segmentation.GetNumberOfSegments() == 1
    user.bench.click(user.panel.run.undo)
    assert dice(user.result(), ball(6)) > 0.7, "the run of the seed is there again"


@pytest.mark.usefixtures("_fake_worker")
def test_a_seed_goes_into_the_selected_object_and_starts_where_the_view_is(user: User) -> None:
    prompted(user)
    save(user)
    user.choose(user.load_ball("another", slices=5))
    user.panel.prompt.name.text = "mine"
    user.panel.prompt.name.editingFinished.emit()
    panel = user.panel.seeds
    choose_entries(user, 0)
    user.bench.click(panel.selected_only)
    assert panel.selected_only.text.endswith("(mine)")
    user.pick(panel.start, "shown")
    user.pick(panel.by, "mask")
    from PromptOnceLib.gui.volume import slice_views

    slice_views.go_to_slice(user.case.image.grid, 3)
    apply(user)
    case = user.work.runs.run.case
    assert case.prompt.slice == 3
    assert case.prompt.frames[0].objects[0].mask is not None
    assert [nodes.name for nodes in user.case.objects.objects] == ["mine"]
    segment_id = user.work.runs.writer.segment_ids[0]
    assert user.work.runs.writer.node.GetSegmentation().GetSegment(segment_id).GetName() == "mine"


def load_with_ball_on(volume: Any, index: int) -> Any:
    """The slices of a volume of four, with the one that shows most of the ball as `index` and noise in its place."""
    array = slicer.util.arrayFromVolume(volume).copy()
    noise = np.random.default_rng(1).normal(-60, 8, array.shape).astype(np.int16)
    noise[index] = array[2]
    matrix = slicer.util.vtkMatrixFromArray(np.diag([-1.0, -1.0, 3.0, 1.0]))
    return slicer.util.addVolumeFromArray(noise, matrix, "another")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "looking", "found"),
    [
        ("similar", "Looking for the slice most similar to the seed's", "most similar to the seed's"),
        ("confident", "Looking for the slice with most confidence", "with most confidence"),
    ],
)
def test_the_slice_to_start_on_can_be_searched_for_and_that_can_be_cancelled(
    user: User, start: str, looking: str, found: str
) -> None:
    volume = prompted(user)
    save(user)
    user.choose(load_with_ball_on(volume, 1))
    choose_entries(user, 0)
    panel, workflow, said = user.panel.seeds, user.work.seeds.workflow, []
    user.pick(panel.start, start)
    user.bench.click(panel.apply)
    assert workflow.running
    user.wait_for_panel()
    assert panel.bar.visible
    assert not panel.apply.enabled
    user.bench.click(panel.cancel)
    user.bench.wait_until(lambda: not user.work.engine.working, "the cancel", 90)
    assert user.work.runs.run is None
    user.wait_for_panel()
    assert panel.notice.text == "Cancelled: nothing was segmented."

    user.bench.click(panel.apply)
    user.work.engine.pumped.connect(lambda: said.append(workflow.progress[0]))
    user.work.notices.changed.connect(lambda _part: said.append(user.work.notices.of("seeds")))
    user.bench.wait_until(lambda: not user.work.engine.working, "the end of the run and its round trip", 90)
    assert user.work.runs.run.case.prompt.slice == 1
    assert any(text.startswith(looking) for text in said)
    assert any(text.startswith("Slice 1 is ") and found in text for text in said)


def test_a_search_keeps_to_the_range_and_ends_with_its_volume_and_with_the_engine(user: User) -> None:
    volume = prompted(user)
    save(user)
    another = load_with_ball_on(volume, 1)
    user.choose(another)
    choose_entries(user, 0)
    panel, workflow = user.panel.seeds, user.work.seeds.workflow
    user.panel.run.limit.setChecked(True)
    user.panel.run.first.setValue(2)
    for start in ("similar", "confident"):
        user.pick(panel.start, start)
        apply(user)
        assert user.work.runs.run.case.prompt.slice in (2, 3), start
        assert np.flatnonzero(user.work.runs.job.result.computed).tolist() == [2, 3]
        user.work.choices.node.firstSlice = 9
        user.bench.click(panel.apply)
        user.wait_for_panel()
        assert "9:3 does not lie in the slices 0 to 3" in panel.notice.text
        assert not workflow.running
        user.work.choices.node.firstSlice = 2

        user.bench.click(panel.apply)
        os.kill(user.work.engine.session.client._transport.process_id, signal.SIGTERM)
        user.bench.wait_until(lambda: not workflow.running, "the end of the engine", 90)
        user.wait_for_panel()
        assert "worker process ended" in panel.notice.text
        assert not user.work.engine.working

        user.bench.click(panel.apply)
        assert workflow.running
        user.choose(volume)
        assert not workflow.running
        assert user.work.runs.run is None
        user.choose(another)
        choose_entries(user, 0)


@pytest.mark.usefixtures("_fake_worker")
def test_a_seed_of_another_plane_says_so_and_cannot_be_applied(user: User) -> None:
    prompted(user)
    save(user)
    user.choose(
        user.load_ball("coronal", matrix=np.array([[-1.0, 0, 0, 0], [0, 0, 3, 0], [0, -1, 0, 0], [0, 0, 0, 1]]))
    )
    choose_entries(user, 0)
    assert "Does not fit: other plane" in texts(user)[0]
    assert not user.panel.seeds.apply.enabled
