"""Prompts as markups: they land on the right pixels, stay there, and come back from a saved scene."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from mrml.sample_prompts import PROMPT, SLICE, assert_same
from mrml.volumes import OBLIQUE, TRANSFORMS, add_transform, add_volume, axis_directions, ijk_to_ras, world_of
from PromptOnceLib.errors import PromptError
from PromptOnceLib.files.png import encode_mask
from PromptOnceLib.mrml.grid import StackGrid
from PromptOnceLib.mrml.prompts.following import MarksOnVoxels
from PromptOnceLib.mrml.prompts.prompt_nodes import PromptNodes, find_prompts
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point


def click_box(prompt: PromptNodes, first: tuple[float, float, float], second: tuple[float, float, float]) -> None:
    """Two clicks in a slice view, as Slicer's widget makes them: the first point has followed the mouse before."""
    roi = prompt.make("box")
    start, end = (prompt.grid.to_world(*position) for position in (first, second))
    roi.AddControlPointWorld(*start)
    roi.SetNthControlPointPositionWorld(0, *end, slicer.vtkMRMLMarkupsNode.PositionPreview)
    roi.SetNthControlPointPositionWorld(0, *start, slicer.vtkMRMLMarkupsNode.PositionDefined)
    roi.AddControlPointWorld(*end)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_markups_made_at_world_positions_are_read_as_the_right_pixels(scene, axis, transform):
    for directions in (*axis_directions(), OBLIQUE):
        node = add_volume(matrix=ijk_to_ras(directions), parent=TRANSFORMS[transform])
        prompt = PromptNodes(StackGrid(node, axis), "1")
        # Voxel (3, 2, 1) by Slicer's own functions, found again as slice, x, y.
        prompt.make("positive").AddControlPointWorld(*world_of(node, (3, 2, 1)))
        read = prompt.read()
        expected = {0: (3, 2, 1), 1: (3, 1, 2), 2: (2, 1, 3)}[axis]
        assert np.allclose((read.points[0].x, read.points[0].y, prompt.slice_index()), expected)
        scene.Clear(0)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_prompt_that_was_written_is_read_back(scene, axis, transform):
    for directions in (*axis_directions()[::3], OBLIQUE):
        node = add_volume(matrix=ijk_to_ras(directions), parent=TRANSFORMS[transform])
        prompt = PromptNodes(StackGrid(node, axis), "1")
        prompt.write(PROMPT, SLICE)
        assert_same(prompt.read(), PROMPT)
        assert prompt.slice_index() == SLICE
        scene.Clear(0)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("transform", ["no transform", "rotated", "scaled", "mirrored"])
def test_two_clicks_make_a_box_in_image_axes_one_slice_deep(scene, axis, transform):
    for directions in (*axis_directions()[::7], OBLIQUE):
        node = add_volume(matrix=ijk_to_ras(directions), parent=TRANSFORMS[transform])
        prompt = PromptNodes(StackGrid(node, axis), "1")
        click_box(prompt, (SLICE, 4, 3), (SLICE, 1, 1))
        assert prompt.put_back_on_slice(SLICE) == []
        assert np.allclose(prompt.read().points_and_labels()[0], [[1, 1], [4, 3]], atol=1e-6)
        axes = slicer.util.arrayFromVTKMatrix(prompt.node("box").GetObjectToNodeMatrix())[:3, :3]
        assert np.linalg.det(axes) == pytest.approx(1)
        depth = prompt.node("box").GetSize()[prompt.grid.ijk_axes[0]]
        assert depth == pytest.approx(node.GetSpacing()[prompt.grid.ijk_axes[0]])
        scene.Clear(0)


def test_after_the_first_click_there_is_no_box_yet(scene):
    prompt = PromptNodes(StackGrid(add_volume(), 0), "1")
    prompt.make("box").AddControlPointWorld(*prompt.grid.to_world(SLICE, 1, 1))
    assert prompt.read() is None
    assert prompt.put_back_on_slice(SLICE) == []
    assert prompt.node("box").GetNumberOfControlPoints() == 1


def test_points_that_follow_the_mouse_do_not_count(scene):
    prompt = PromptNodes(StackGrid(add_volume(), 0), "1")
    node = prompt.make("positive")
    node.AddControlPointWorld(*prompt.grid.to_world(SLICE, 1, 1))
    node.AddControlPointWorld(*prompt.grid.to_world(SLICE, 2, 2))
    node.SetNthControlPointPosition(0, 0.0, 0.0, 0.0, slicer.vtkMRMLMarkupsNode.PositionPreview)
    assert [(p.x, p.y) for p in prompt.read().points] == [pytest.approx((2, 2))]


def test_nothing_is_made_before_it_is_needed(scene):
    node = add_volume()
    slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)  # Slicer makes it when it is first asked for
    before = scene.GetNumberOfNodes()
    prompt = PromptNodes(StackGrid(node, 0), "1")
    assert prompt.read() is None
    prompt.write(None, 0)
    prompt.write(ObjectPrompt(points=(Point(x=1, y=1, positive=True),)), 1)
    assert [role for role in ("box", "positive", "negative") if prompt.node(role)] == ["positive"]
    prompt.remove()
    assert scene.GetNumberOfNodes() == before


def test_a_point_dragged_off_the_slice_is_put_back_with_a_notice(scene):
    prompt = PromptNodes(StackGrid(add_volume(), 0), "1", "liver")
    prompt.write(PROMPT.model_copy(update={"name": "liver"}), SLICE)
    node = prompt.node("negative")
    node.SetNthControlPointPositionWorld(0, *prompt.grid.to_world(4, 1.5, 2.5))
    notices = prompt.put_back_on_slice(SLICE)
    assert len(notices) == 1
    assert 'negative point of "liver"' in notices[0]
    assert np.allclose(prompt.grid.from_world(node.GetNthControlPointPositionWorld(0)), (SLICE, 1.5, 2.5))
    assert prompt.put_back_on_slice(SLICE) == []


def test_a_box_dragged_off_the_slice_is_put_back_with_a_notice(scene):
    prompt = PromptNodes(StackGrid(add_volume(parent=TRANSFORMS["rotated"]), 1), "1")
    prompt.write(PROMPT, SLICE)
    roi = prompt.node("box")
    roi.SetCenterWorld(
        *(np.array(roi.GetCenterWorld()) + prompt.grid.to_world(3, 1, 0) - prompt.grid.to_world(1, 0, 0))
    )
    assert len(prompt.put_back_on_slice(SLICE)) == 1
    box = prompt.read().box
    assert np.allclose((box.x0, box.y0, box.x1, box.y1), (2.25, 0.5, 5.0, 3.0))
    assert prompt.slice_index() == SLICE


def test_a_box_turned_by_hand_gets_the_axes_of_the_image_again(scene):
    prompt = PromptNodes(StackGrid(add_volume(), 0), "1")
    prompt.write(PROMPT, SLICE)
    axes = prompt.node("box").GetObjectToNodeMatrix()
    turned = slicer.util.arrayFromVTKMatrix(axes)
    turned[:3, :2] = turned[:3, :2] @ np.array([[0.9, -np.sqrt(0.19)], [np.sqrt(0.19), 0.9]])
    axes.DeepCopy(slicer.util.vtkMatrixFromArray(turned))
    prompt.put_back_on_slice(SLICE)
    first = prompt.read().box
    prompt.put_back_on_slice(SLICE)
    assert prompt.read().box == first
    i_direction = slicer.util.arrayFromVTKMatrix(axes)[:3, 0]
    assert np.allclose(i_direction, OBLIQUE[:, 0])


def test_a_prompt_can_move_to_another_slice(scene):
    prompt = PromptNodes(StackGrid(add_volume(), 0), "1")
    prompt.write(PROMPT, SLICE)
    prompt.put_back_on_slice(4)
    assert prompt.slice_index() == 4
    assert_same(prompt.read(), PROMPT)


def test_writing_again_changes_only_what_differs(scene):
    prompt = PromptNodes(StackGrid(add_volume(), 0), "1")
    prompt.write(PROMPT, SLICE)
    first = prompt.node("positive").GetNthControlPointID(0)
    fewer = PROMPT.model_copy(update={"box": None, "points": PROMPT.points[:1]})
    prompt.write(fewer, SLICE)
    assert_same(prompt.read(), fewer)
    assert prompt.node("positive").GetNthControlPointID(0) == first
    changes = []
    for role in ("box", "positive", "negative"):
        prompt.node(role).AddObserver("AnyEvent", lambda *event: changes.append(event[1]))
    prompt.write(fewer, SLICE)
    assert not [event for event in changes if event in ("ModifiedEvent", "UserEvent")]


def test_a_cleared_box_can_be_drawn_again(scene):
    prompt = PromptNodes(StackGrid(add_volume(), 0), "1")
    prompt.write(PROMPT, SLICE)
    prompt.clear("box")
    assert prompt.read().box is None
    click_box(prompt, (SLICE, 0, 0), (SLICE, 2, 1))
    prompt.put_back_on_slice(SLICE)
    assert np.allclose(prompt.read().points_and_labels()[0][:2], [[0, 0], [2, 1]], atol=1e-5)


def test_a_box_drawn_over_the_border_is_cut_there_and_one_outside_is_not(scene):
    grid = StackGrid(add_volume(), 0)
    prompt = PromptNodes(grid, "1")
    click_box(prompt, (SLICE, 3, 2), (SLICE, 100, 100))
    box = prompt.read().box
    assert np.allclose((box.x0, box.y0, box.x1, box.y1), (3, 2, grid.shape[2], grid.shape[1]))
    prompt.write(ObjectPrompt(box=Box(x0=-9, y0=-9, x1=-4, y1=-3)), SLICE)
    assert prompt.read().box.x1 == pytest.approx(-4)


def test_a_mask_cannot_be_shown_as_markups(scene):
    prompt = PromptNodes(StackGrid(add_volume(), 0), "1")
    with pytest.raises(PromptError, match="mask"):
        prompt.write(ObjectPrompt(mask=encode_mask(np.ones((7, 9), bool))), SLICE)


def test_prompts_stay_on_their_voxels_when_the_volume_is_moved(scene):
    node = add_volume(parent=TRANSFORMS["rotated"])
    prompt = PromptNodes(StackGrid(node, 0), "1")
    prompt.write(PROMPT, SLICE)
    node.GetParentTransformNode().SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(TRANSFORMS["scaled"]))
    assert_same(prompt.read(), PROMPT)
    marks = MarksOnVoxels(node)
    node.SetAndObserveTransformNodeID(add_transform(TRANSFORMS["mirrored"]).GetID())
    marks.follow()
    assert_same(prompt.read(), PROMPT)


@pytest.mark.parametrize("name", ["rotated", "scaled", "mirrored"])
@pytest.mark.parametrize("followed", [True, False])
def test_prompts_stay_on_their_voxels_when_the_transform_of_the_volume_is_hardened(scene, name, followed):
    node = add_volume(parent=TRANSFORMS[name])
    prompt = PromptNodes(StackGrid(node, 0), "1")
    prompt.write(PROMPT, SLICE)
    marks = MarksOnVoxels(node)
    node.HardenTransform()
    marks.follow() if followed else MarksOnVoxels(node)
    assert_same(prompt.read(), PROMPT)
    assert prompt.put_back_on_slice(SLICE) == []
    assert prompt.node("box").GetTransformNodeID() is None


def test_several_objects_lie_in_one_folder(scene):
    node = add_volume()
    for key, name in (("a", "liver"), ("b", "spleen")):
        PromptNodes(StackGrid(node, 0), key).write(PROMPT.model_copy(update={"name": name}), SLICE)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    folder = hierarchy.GetItemByName("PromptOnce prompts")
    assert hierarchy.GetNumberOfItemChildren(folder) == 6
    first, second = find_prompts(node)
    assert (first.key, first.name, second.key, second.name) == ("a", "liver", "b", "spleen")
    first.remove()
    assert hierarchy.GetNumberOfItemChildren(folder) == 3
    assert second.read() is not None
    second.remove()
    assert hierarchy.GetItemByName("PromptOnce prompts") == 0


def test_only_what_was_made_here_is_removed(scene):
    node = add_volume()
    prompt = PromptNodes(StackGrid(node, 0), "1")
    prompt.write(PROMPT, SLICE)
    own = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "the user's")
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    folder = hierarchy.GetItemByName("PromptOnce prompts")
    hierarchy.SetItemParent(hierarchy.CreateItem(folder, own), folder)
    prompt.remove()
    assert find_prompts(node) == []
    assert own.GetScene() is scene
    assert hierarchy.GetItemByName("PromptOnce prompts") == folder


def test_prompts_of_two_volumes_do_not_mix(scene):
    first, second = add_volume(), add_volume()
    PromptNodes(StackGrid(first, 0), "1").write(PROMPT, SLICE)
    assert PromptNodes(StackGrid(second, 0), "1").read() is None
    assert find_prompts(second) == []


def test_prompts_show_in_slice_views_only_and_can_be_hidden(scene):
    prompt = PromptNodes(StackGrid(add_volume(), 0), "1")
    prompt.write(PROMPT, SLICE)
    displays = {role: prompt.node(role).GetDisplayNode() for role in ("box", "positive", "negative")}
    assert all(not d.GetVisibility3D() and d.GetVisibility2D() for d in displays.values())
    assert not any(d.GetPointLabelsVisibility() or d.GetPropertiesLabelVisibility() for d in displays.values())
    assert not displays["box"].GetRotationHandleVisibility()
    assert displays["box"].GetSelectedColor() == pytest.approx(PROMPT.color)
    assert displays["positive"].GetGlyphType() != displays["negative"].GetGlyphType()
    prompt.set_visible(False)
    assert not prompt.visible
    prompt.set_visible(True)
    assert prompt.visible
