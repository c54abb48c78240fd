"""Entering the module with a volume loaded, and leaving it: what is chosen, shown, hidden and locked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer

from gui.user import User

pytestmark = pytest.mark.usefixtures("_fake_worker")
OBLIQUE = np.array([[0.8, -0.36, 0.48], [0.6, 0.48, -0.64], [0.0, 0.8, 0.6]])


@pytest.fixture
def away(user: User) -> User:
    """A user who is in another module, before any volume was loaded."""
    user.bench.leave_module()
    return user


def enter(user: User) -> None:
    slicer.util.selectModule("PromptOnce")
    user.wait_for_panel()


def show_in_views(node: Any) -> None:
    slicer.util.setSliceViewerLayers(background=node, fit=True)


def shown_slice(user: User) -> int | None:
    from PromptOnceLib.gui.volume import slice_views

    return slice_views.shown_slice(user.case.image.grid)


@pytest.mark.parametrize("oblique", [False, True])
def test_the_first_mask_takes_two_actions(away: User, oblique: bool) -> None:
    matrix = np.eye(4)
    matrix[:3, :3] = (OBLIQUE if oblique else np.diag([-1.0, -1.0, 1.0])) * [1.0, 1.0, 3.0]
    node = away.load_ball(matrix=matrix)
    show_in_views(node)  # as loading a file does
    enter(away)
    bench, actions = away.bench, 0
    bench.click(away.panel.prompt.tools["box"])
    actions += 1
    bench.mouse("Red").drag_ras(away.place(26, 18, shown_slice(away)), away.place(86, 78, shown_slice(away)))
    actions += 1
    away.wait_for_mask()
    assert actions == 2
    assert away.case.prompt.slice == shown_slice(away) == away.case.objects.seed
    box = away.prompt.objects[0].box
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((26, 18, 86, 78), abs=0.4)


def test_the_volume_in_the_views_is_chosen_and_the_views_stay_as_they_are(away: User) -> None:
    away.load_ball("first")
    second = away.load_ball("second")
    show_in_views(second)
    view = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed")
    view.JumpSliceByOffsetting(0, 0, 6)
    before = [view.GetXYToRAS().GetElement(row, column) for row in range(4) for column in range(4)]
    enter(away)
    assert away.case.node is second
    assert away.panel.volume.volume.currentNode() is second
    assert [view.GetXYToRAS().GetElement(row, column) for row in range(4) for column in range(4)] == before


def test_the_only_volume_is_chosen_and_shown_when_the_views_show_none(away: User) -> None:
    from PromptOnceLib.gui.volume import slice_views

    node = away.load_ball()
    slicer.util.addVolumeFromArray(np.ones((3, 4, 5), np.uint8), None, "labels", "vtkMRMLLabelMapVolumeNode")
    enter(away)
    assert away.case.node is node
    assert slice_views.is_shown(node)
    assert shown_slice(away) == 5


def test_of_several_volumes_that_nobody_shows_none_is_chosen(away: User) -> None:
    away.load_ball("first")
    away.load_ball("second")
    enter(away)
    assert away.case is None
    assert "Choose a volume" in away.panel.prompt.hint.text


def test_a_volume_that_was_chosen_stays_chosen_whatever_the_views_show(user: User) -> None:
    first, second = user.load_ball("first"), user.load_ball("second")
    user.choose(first)
    user.bench.leave_module()
    show_in_views(second)
    enter(user)
    assert user.case.node is first


@pytest.fixture
def marked(user: User, tmp_path: Any) -> User:
    """A user who has marked an object with a box and two points, without an engine."""
    user.use_private_environment(tmp_path / "engine")
    user.choose(user.load_ball())
    user.box_the_ball()
    for tool, place in (("positive", (40, 40)), ("negative", (10, 10))):
        user.bench.click(user.panel.prompt.tools[tool])
        user.click_at(*place)
    user.bench.click(user.panel.prompt.tools["negative"])
    user.bench.wait_until(lambda: user.case.objects.settled, "the points")
    return user


def test_handles_are_hidden_and_locked_in_other_modules_and_there_again_afterwards(marked: User) -> None:
    nodes, before = marked.case.objects.nodes, marked.prompt
    assert len(nodes) == 3
    marked.bench.leave_module()
    assert not any(node.GetDisplayVisibility() for node in nodes)
    assert all(node.GetLocked() for node in nodes)
    marked.bench.mouse("Red").drag_ras(marked.place(86.3, 78.3), marked.place(96, 88))
    marked.bench.mouse("Red").drag_ras(marked.place(40, 40), marked.place(60, 60))
    assert marked.prompt == before
    enter(marked)
    assert all(node.GetDisplayVisibility() for node in nodes)
    assert not any(node.GetLocked() for node in nodes)
    marked.bench.mouse("Red").drag_ras(marked.place(40, 40), marked.place(60, 60))
    marked.bench.wait_until(lambda: marked.prompt != before, "the dragged point")


def test_what_is_drawn_while_another_module_is_open_is_not_in_its_way(marked: User) -> None:
    marked.bench.leave_module()
    key, prompt = marked.case.selected.key, marked.prompt.objects[0]
    marked.case.objects.clear_selected()
    marked.case.objects.draw({key: prompt}, 5)
    marked.work.current.drawn()
    assert not any(node.GetDisplayVisibility() for node in marked.case.objects.nodes)


def test_prompts_of_a_scene_saved_from_another_module_can_be_used(marked: User, tmp_path: Any) -> None:
    marked.bench.leave_module()
    path = str(tmp_path / "scene.mrb")
    assert slicer.mrmlScene.WriteToMRB(path, None)
    slicer.mrmlScene.Clear(0)
    assert slicer.mrmlScene.ReadFromMRB(path, True, None)
    enter(marked)
    nodes = marked.case.objects.nodes
    assert len(nodes) == 3
    assert all(node.GetDisplayVisibility() and not node.GetLocked() for node in nodes)
