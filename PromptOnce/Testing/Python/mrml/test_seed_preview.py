"""The mask of the prompted slice over the image while the prompt is edited."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from mrml.volumes import SHAPE, TRANSFORMS, add_volume
from PromptOnceLib.imaging.stack import slices_along
from PromptOnceLib.mrml.grid import StackGrid
from PromptOnceLib.mrml.segmentations.preview import MaskPreview
from PromptOnceLib.segmentation.segment import Segment

SEGMENTS = [Segment("liver", (0.2, 0.4, 0.6)), Segment("spleen", (0.9, 0.1, 0.1))]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_masks_lie_on_the_prompted_slice_alone(scene, axis):
    volume = add_volume(parent=TRANSFORMS["rotated"])
    preview = MaskPreview(StackGrid(volume, axis))
    count = 2
    expected = np.zeros((count, *SHAPE), np.uint8)
    for number in range(count):
        slices = slices_along(expected[number], axis)
        slices[2] = np.random.default_rng(number).random(slices[2].shape) > 0.5
    preview.show(2, np.stack([slices_along(mask, axis)[2] for mask in expected]), SEGMENTS)
    for number, segment_id in enumerate(preview.node.GetSegmentation().GetSegmentIDs()):
        array = slicer.util.arrayFromSegmentBinaryLabelmap(preview.node, segment_id, volume)
        assert np.array_equal(array, expected[number])


def test_the_newest_masks_replace_the_others(scene):
    volume = add_volume()
    preview = MaskPreview(StackGrid(volume, 0))
    preview.show(1, np.ones((2, 7, 9), np.uint8), SEGMENTS)
    node = preview.node
    preview.show(3, np.ones((1, 7, 9), np.uint8), SEGMENTS[1:])
    assert preview.node is node
    (segment_id,) = node.GetSegmentation().GetSegmentIDs()
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, volume)
    assert [bool(plane.any()) for plane in array] == [False, False, False, True, False]
    segment = node.GetSegmentation().GetSegment(segment_id)
    assert (segment.GetName(), segment.GetColor()) == ("spleen", pytest.approx((0.9, 0.1, 0.1)))
    preview.clear()
    assert node.GetSegmentation().GetNumberOfSegments() == 0


def test_the_preview_is_not_saved_and_goes_without_a_trace(scene):
    volume = add_volume()
    slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    before = scene.GetNumberOfNodes()
    preview = MaskPreview(StackGrid(volume, 0))
    preview.clear()
    assert preview.node is None
    preview.show(1, np.ones((2, 7, 9), np.uint8), SEGMENTS)
    assert not preview.node.GetSaveWithScene()
    assert preview.node.GetHideFromEditors()
    preview.remove()
    preview.remove()
    assert scene.GetNumberOfNodes() == before


def test_the_preview_comes_into_the_scene_kept_out_of_the_tree_and_is_hidden_only_then(scene):
    """A node hidden before has no item in the tree, and Slicer's subject hierarchy writes an error for each mask."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    excluded = slicer.vtkMRMLSubjectHierarchyConstants.GetSubjectHierarchyExcludeFromTreeAttributeName()
    preview, seen = MaskPreview(StackGrid(add_volume(), 0)), []

    def look(*_args):
        for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
            seen.append((node.GetAttribute(excluded), bool(node.GetHideFromEditors())))

    tag = scene.AddObserver(scene.NodeAddedEvent, look)
    preview.show(1, np.ones((1, 7, 9), np.uint8), SEGMENTS[:1])
    scene.RemoveObserver(tag)
    assert seen[0] == ("1", False)
    assert preview.node.GetHideFromEditors()
    assert hierarchy.GetItemByDataNode(preview.node) == 0


def test_a_preview_lost_with_the_scene_is_made_again(scene):
    preview = MaskPreview(StackGrid(add_volume(), 0))
    preview.show(1, np.ones((1, 7, 9), np.uint8), SEGMENTS[:1])
    scene.RemoveNode(preview.node)
    preview.show(1, np.ones((1, 7, 9), np.uint8), SEGMENTS[:1])
    assert preview.node.GetScene() is scene
