"""Volumes that are moved, hardened, cropped or deleted while they are worked on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
import vtk
from mrml.volumes import OBLIQUE, ROTATED, add_transform

from gui.correct_steps import correct_here, fixed, show
from gui.stopped_run import stopped_run
from gui.user import User
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt

pytestmark = pytest.mark.usefixtures("_fake_worker")


def crop(node: Any, first: int = 2, last: int = 8) -> None:
    """As the module Crop Volume does into the same volume: fewer voxels, each where it was."""
    corner = (slicer.util.arrayFromVTKMatrix(ijk_to_ras(node)) @ [10, 5, first, 1])[:3]
    array = slicer.util.arrayFromVolume(node)[first:last, 5:85, 10:105].copy()
    modified = node.StartModify()
    slicer.util.updateVolumeFromArray(node, array)
    node.SetOrigin(*corner)
    node.EndModify(modified)


def ijk_to_ras(node: Any) -> Any:
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return matrix


def sides(user: User) -> list[float]:
    """Of the box that the markups show, in pixels."""
    box = user.prompt.objects[0].box
    return [box.x0, box.y0, box.x1, box.y1]


def settle(user: User) -> None:
    """Until the change of the volume was noticed, and the panel shows it."""
    user.bench.process_events()
    user.wait_for_panel()


def marked(user: User) -> tuple[list[float], int]:
    settle(user)
    return sides(user), user.case.selected.slice_index()


# Moved


@pytest.mark.parametrize("shown", [True, False])
def test_marks_stay_on_their_voxels_when_the_transform_of_the_volume_is_hardened(user: User, shown: bool) -> None:
    volume = user.load_ball()
    volume.SetAndObserveTransformNodeID(add_transform(ROTATED).GetID())
    user.choose(volume)
    user.view = working_view(user)
    user.box_the_ball()
    user.bench.click(user.panel.prompt.tools["positive"])
    user.click_at(50, 40)
    user.bench.wait_until(lambda: user.case.prompt.objects[0].points, "the point")
    before, point = marked(user), user.case.prompt.objects[0].points[0]
    if not shown:
        user.choose(user.load_ball("another"))
    volume.HardenTransform()
    if not shown:
        user.choose(volume)
    after = marked(user)
    assert np.allclose(after[0], before[0], atol=1e-3)
    assert after[1] == before[1]
    now = user.prompt.objects[0].points[0]
    assert np.allclose([now.x, now.y], [point.x, point.y], atol=1e-3)
    volume.SetAndObserveTransformNodeID(add_transform(np.diag([1.0, 1, 1, 1]) + np.eye(4, k=3) * 30).GetID())
    assert np.allclose(marked(user)[0], before[0], atol=1e-3)


def working_view(user: User) -> str:
    from PromptOnceLib.gui.volume import slice_views

    return str(slice_views.working_view(user.case.image.grid).GetLayoutName())


def test_marks_stay_on_their_voxels_when_spacing_and_axes_are_put_right(user: User) -> None:
    user.choose(user.load_ball())
    user.box_the_ball()
    before = marked(user)
    user.case.node.SetSpacing(0.5, 0.7, 4.0)
    assert np.allclose(marked(user)[0], before[0], atol=1e-3)
    user.case.node.SetIJKToRASDirections(*OBLIQUE.ravel().tolist())
    after = marked(user)
    assert np.allclose(after[0], before[0], atol=1e-3)
    assert after[1] == before[1]
    assert user.case.image.volume.geometry.spacing == pytest.approx((0.5, 0.7, 4.0))


def test_the_marks_of_a_correction_stay_on_their_voxels_too(done: User) -> None:
    done.case.node.SetAndObserveTransformNodeID(add_transform(SHIFT).GetID())
    correct_here(done, 7)
    before = done.case.correction.prompt
    done.case.node.HardenTransform()
    settle(done)
    assert done.case.correction.read().prompt == before
    done.work.corrections.give_up()
    done.wait_for_panel()
    assert np.allclose(sides(done), [26, 18, 86, 78], atol=0.6)


SHIFT = np.array([[1.0, 0, 0, 40], [0, 1, 0, -25], [0, 0, 1, 12], [0, 0, 0, 1]])


# Cropped


def test_a_volume_that_is_cropped_is_opened_anew_with_what_is_marked_at_its_place(done: User) -> None:
    node = done.case.node
    done.case.kept.keep(8, {done.case.selected.key: ObjectPrompt(name="object", box=Box(x0=2, y0=2, x1=9, y1=9))})
    before, index = marked(done)
    crop(node)
    after, now = marked(done)
    assert np.allclose(after, [before[0] - 10, before[1] - 5, before[2] - 10, before[3] - 5], atol=1e-3)
    assert now == index - 2
    assert len(done.case.image.slices) == 6
    assert done.case.objects.seed == now
    assert done.case.kept.slices == [], "slices of the volume as it was"
    assert "ball was given another size" in done.panel.volume.notice.text
    assert "6 slices" in done.panel.volume.axis_text.text
    assert not done.work.runs.can_undo
    assert len(done.work.corrections.segment.cells) in (0, 6)
    done.propagate()
    done.wait_for_run()
    done.wait_for_panel()
    assert done.panel.run.notice.text.startswith("Done: 6 slices.") or done.panel.run.question.text.text


def test_figures_and_correction_of_a_volume_that_was_cropped_are_over(done: User) -> None:
    correct_here(done, 7)
    crop(done.case.node)
    settle(done)
    assert not done.work.corrections.correcting
    assert slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode") == []
    show(done, 3)
    done.work.corrections.accept()
    done.wait_for_panel()
    assert (3, "accepted") in fixed(done)
    truth = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "truth")
    truth.CreateDefaultDisplayNodes()
    done.pick_node(done.panel.compare.reference, truth)
    done.wait_for_panel()


def test_a_volume_that_is_cropped_during_a_run_is_opened_anew_at_its_end(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = user.work.runs
    with stopped_run(user, monkeypatch):
        crop(user.case.node)
        settle(user)
        assert runs.running
    user.wait_for_run()
    user.bench.wait_until(lambda: len(user.case.image.slices) == 6, "the volume as it is now")
    user.wait_for_panel()
    assert "another size" in user.panel.volume.notice.text
    assert "another size during the run" in user.panel.run.notice.text


def test_a_volume_that_is_cropped_and_looked_at_at_once_is_opened_anew_too(done: User) -> None:
    crop(done.case.node)
    done.work.preview.ask()  # before the change was noticed
    settle(done)
    assert len(done.case.image.slices) == 6
    assert not done.work.runs.can_undo


def test_a_volume_that_lost_its_voxels_is_left_with_a_sentence(done: User) -> None:
    done.case.node.SetAndObserveImageData(None)
    settle(done)
    assert done.case is None
    assert "holds no voxels" in done.panel.volume.notice.text


# Deleted


@pytest.mark.parametrize("corner", [False, True])
def test_the_mouse_works_again_after_the_volume_was_deleted_while_a_box_was_drawn(user: User, corner: bool) -> None:
    user.choose(user.load_ball())
    user.bench.click(user.panel.prompt.tools["box"])
    if corner:
        user.click_at(30, 30)
        assert user.work.editor.tool == "box"
    slicer.mrmlScene.RemoveNode(user.case.node)
    user.wait_for_panel()
    interaction = slicer.mrmlScene.GetNodeByID("vtkMRMLInteractionNodeSingleton")
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform
    assert user.work.editor._mouse._commands == [], "the buttons are Slicer's again"
    assert user.work.editor.tool is None


def test_point_tools_are_put_away_when_the_volume_is_deleted(user: User) -> None:
    user.choose(user.load_ball())
    user.bench.click(user.panel.prompt.tools["positive"])
    slicer.mrmlScene.RemoveNode(user.case.node)
    user.wait_for_panel()
    interaction = slicer.mrmlScene.GetNodeByID("vtkMRMLInteractionNodeSingleton")
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform
