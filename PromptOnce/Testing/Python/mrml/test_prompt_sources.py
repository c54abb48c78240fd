"""Prompts for the console: from indices, positions, anybody's markups, and what the module has put into the scene."""

from __future__ import annotations

import numpy as np
import pytest

from mrml.volumes import SPACING, TRANSFORMS, add_volume, world_of
from PromptOnceLib.errors import PromptError
from PromptOnceLib.mrml.grid import StackGrid
from PromptOnceLib.mrml.logic.console import Console
from PromptOnceLib.mrml.prompts.prompt_nodes import PromptNodes
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point


@pytest.fixture
def logic():
    def unused(*_: object) -> None:
        raise AssertionError("no worker is needed for this")

    return Console(unused, unused, unused)


def test_voxel_indices_become_pixels_of_the_slice(scene, logic):
    prompt = logic.promptFromIJK(
        add_volume(), positive=[(3, 2, 1)], negative=[(0, 6, 1)], box=((5, 4, 1), (1, 0, 1)), axis="k", name="liver"
    )
    (item,) = prompt.objects
    assert (prompt.axis, prompt.slice, item.name) == (0, 1, "liver")
    assert item.box == Box(x0=1, y0=0, x1=5, y1=4)
    assert item.points == (Point(x=3, y=2, positive=True), Point(x=0, y=6, positive=False))


@pytest.mark.parametrize(("axis", "index", "pixel"), [("k", 1, (3, 2)), ("j", 2, (3, 1)), ("i", 3, (2, 1))])
def test_positions_in_space_are_found_under_parent_transforms(scene, logic, axis, index, pixel):
    node = add_volume(parent=TRANSFORMS["rotated"])
    prompt = logic.promptFromRAS(node, positive=[world_of(node, (3, 2, 1))], axis=axis)
    (point,) = prompt.objects[0].points
    assert prompt.slice == index
    assert (point.x, point.y) == pytest.approx(pixel)


def test_the_axis_is_chosen_as_everywhere_else(scene, logic):
    assert max(SPACING) == SPACING[2]
    assert logic.promptFromIJK(add_volume(), positive=[(1, 2, 3)]).slice == 3


def test_points_on_several_slices_are_refused(scene, logic):
    with pytest.raises(PromptError, match="slices 1, 3"):
        logic.promptFromIJK(add_volume(), positive=[(1, 1, 1), (2, 2, 3)])
    with pytest.raises(PromptError, match="no point"):
        logic.promptFromIJK(add_volume())


def test_anybodys_markups_can_be_the_prompt(scene, logic):
    node = add_volume(parent=TRANSFORMS["rotated"])
    roi = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
    roi.SetCenterWorld(*world_of(node, (4, 3, 2)))
    roi.SetSizeWorld(1.2, 1.2, 1.2)
    points = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    points.AddControlPointWorld(*world_of(node, (4, 3, 2)))
    prompt = logic.promptFromMarkups(node, roi, positive=points, name="lesion")
    box = prompt.objects[0].box
    assert (prompt.slice, prompt.objects[0].name) == (2, "lesion")
    assert (box.x0 + box.x1, box.y0 + box.y1) == pytest.approx((8, 6), abs=1e-4)
    assert logic.promptFromMarkups(node, roi).slice == 2
    assert logic.promptFromMarkups(node, positive=points).objects[0].box is None


def test_an_empty_list_of_points_is_no_prompt(scene, logic):
    points = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    with pytest.raises(PromptError, match="no point"):
        logic.promptFromMarkups(add_volume(), positive=points)


def test_the_modules_own_markups_are_found(scene, logic):
    node = add_volume()
    wanted = {"a": ObjectPrompt(name="liver", box=Box(x0=1, y0=1, x1=4, y1=3)), "b": ObjectPrompt(name="spleen")}
    wanted["b"] = wanted["b"].model_copy(update={"points": (Point(x=2, y=2, positive=True),)})
    for key, item in wanted.items():
        PromptNodes(StackGrid(node, 1), key).write(item, 3)
    prompt = logic.promptFromMarkups(node)
    assert (prompt.axis, prompt.slice, [o.name for o in prompt.objects]) == (1, 3, ["liver", "spleen"])
    assert np.allclose(prompt.objects[0].points_and_labels()[0], [[1, 1], [4, 3]])
    PromptNodes(StackGrid(node, 1), "b").write(wanted["b"], 4)
    with pytest.raises(PromptError, match="slices 3, 4"):
        logic.promptFromMarkups(node)
    PromptNodes(StackGrid(node, 0), "b").write(wanted["b"], 3)
    with pytest.raises(PromptError, match="different axes"):
        logic.promptFromMarkups(node)


def test_a_volume_without_prompt_is_said_so(scene, logic):
    with pytest.raises(PromptError, match="There is no prompt on CT"):
        logic.promptFromMarkups(add_volume())
