"""Prompts in scenes that are saved and loaded, and nodes that make no sense there."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from mrml.sample_prompts import PROMPT, SLICE, assert_same
from mrml.volumes import TRANSFORMS, add_volume, axis_directions, ijk_to_ras, reloaded
from PromptOnceLib.imaging.stack import slices_along
from PromptOnceLib.mrml.grid import StackGrid
from PromptOnceLib.mrml.prompts.prompt_nodes import PromptNodes, find_prompts


@pytest.mark.parametrize("transform", ["no transform", "rotated", "sheared"])
def test_prompts_survive_saving_and_loading_the_scene(scene, tmp_path, transform):
    node = add_volume(parent=TRANSFORMS[transform])
    PromptNodes(StackGrid(node, 1), "k").write(PROMPT, SLICE)
    node = reloaded(scene, tmp_path)
    (prompt,) = find_prompts(node)
    assert (prompt.key, prompt.grid.axis, prompt.slice_index()) == ("k", 1, SLICE)
    assert_same(prompt.read(), PROMPT, tolerance=1e-4)
    prompt.write(PROMPT, SLICE)
    prompt.remove()
    assert find_prompts(node) == []


def test_a_prompt_stays_on_its_voxels_when_loading_puts_them_into_another_order(scene, tmp_path):
    node = add_volume(matrix=ijk_to_ras(axis_directions()[13]))
    prompt = PromptNodes(StackGrid(node, 0), "k")
    prompt.write(PROMPT, SLICE)
    values = [slicer.util.arrayFromVolume(node)[SLICE, round(p.y), round(p.x)] for p in PROMPT.points]
    node = reloaded(scene, tmp_path)
    assert not np.array_equal(
        slicer.util.arrayFromVolume(node).ravel(), np.arange(node.GetImageData().GetNumberOfPoints())
    )
    (prompt,) = find_prompts(node)
    slices = slices_along(slicer.util.arrayFromVolume(node), prompt.grid.axis)
    found = [slices[prompt.slice_index(), round(p.y), round(p.x)] for p in prompt.read().points]
    assert found == values


def test_prompt_nodes_with_attributes_that_make_no_sense_are_left_alone(scene):
    node = add_volume()
    for key in ("a", "b"):
        PromptNodes(StackGrid(node, 0), key).write(PROMPT, SLICE)
    first, second = find_prompts(node)
    for role in ("box", "positive", "negative"):
        first.node(role).SetAttribute("PromptOnce.Axis", "up")
        second.node(role).SetAttribute("PromptOnce.Color", "0.5 blue")
    (found,) = find_prompts(node)
    assert found.key == "b"
    assert found.read() is not None
