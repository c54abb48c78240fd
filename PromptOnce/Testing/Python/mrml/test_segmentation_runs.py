"""The end of a run: voxels taken from other segments, tags, surfaces, and everything taken back in one step."""

from __future__ import annotations

import numpy as np
import slicer
import vtk

from mrml.segmentations import LIVER, SPLEEN, add_segment, masks, result_of, segment_array, write
from mrml.volumes import (
    SHAPE,
    add_volume,
    reloaded,
)
from PromptOnceLib.mrml.segmentations.new_nodes import new_segmentation
from PromptOnceLib.mrml.segmentations.writer import SegmentWriter, Target


def test_overwriting_takes_voxels_from_shown_segments_only(scene):
    volume, before, mask = add_volume(), masks(9, 3), masks(10)
    node = new_segmentation(volume)
    ids = [add_segment(node, volume, f"old {n}", before[n]) for n in range(3)]
    node.GetDisplayNode().SetSegmentVisibility(ids[1], False)
    write(volume, mask, segmentation_node=node, overwrite=True)
    for n, hidden in enumerate((False, True, False)):
        expected = before[n] if hidden else before[n] & ~mask[0] & 1
        assert np.array_equal(segment_array(node, ids[n], volume), expected)


def test_overwriting_takes_voxels_from_segments_in_a_shared_layer(scene):
    volume, mask = add_volume(), masks(10)
    before = np.zeros((2, *SHAPE), np.uint8)
    before[0, :, :3], before[1, :, 3:] = 1, 1
    node = new_segmentation(volume)
    ids = [add_segment(node, volume, f"old {n}", before[n]) for n in range(2)]
    node.GetSegmentation().CollapseBinaryLabelmaps(False)
    writer = write(volume, mask, segmentation_node=node, overwrite=True)
    for n in range(2):
        assert np.array_equal(segment_array(node, ids[n], volume), before[n] & ~mask[0] & 1)
    writer.undo()
    for n in range(2):
        assert np.array_equal(segment_array(node, ids[n], volume), before[n])


def test_slices_that_were_left_out_become_empty_and_others_keep_what_they_held(scene):
    volume, before, mask = add_volume(), masks(11), masks(12)
    node = new_segmentation(volume)
    segment_id = add_segment(node, volume, "old", before[0])
    writer = SegmentWriter(volume, 0, [Target(LIVER.segment, segment_id)], node)
    writer.finish(result_of(mask, 0, computed=[2]), None, [1])
    found = segment_array(node, segment_id, volume)
    assert np.array_equal(found[2], mask[0][2])
    assert not found[1].any()
    assert np.array_equal(found[3:], before[0][3:])
    writer.undo()
    assert np.array_equal(segment_array(node, segment_id, volume), before[0])


def test_one_undo_takes_a_whole_run_back_and_redo_brings_it_again(scene):
    volume, before, mask = add_volume(), masks(11, 2), masks(12, 2)
    node = new_segmentation(volume)
    ids = [add_segment(node, volume, f"old {n}", before[n]) for n in range(2)]
    node.GetSegmentation().GetSegment(ids[0]).SetTag("note", "mine")
    writer = SegmentWriter(volume, 0, [Target(LIVER.segment, ids[0]), SPLEEN], node, overwrite=True)
    result = result_of(mask, 0)
    for index in range(SHAPE[0]):
        writer.update(result, [index])
    writer.finish(result, {"Model": "nano"})
    after = [segment_array(node, i, volume).copy() for i in (*ids, writer.segment_ids[1])]
    writer.undo()
    assert writer.undone
    assert list(node.GetSegmentation().GetSegmentIDs()) == ids
    for n, segment_id in enumerate(ids):
        assert np.array_equal(segment_array(node, segment_id, volume), before[n])
    restored = node.GetSegmentation().GetSegment(ids[0])
    assert (restored.GetName(), restored.HasTag("note"), restored.HasTag("PromptOnce.Model")) == ("old 0", True, False)
    writer.undo()
    assert np.array_equal(segment_array(node, ids[0], volume), before[0])
    writer.redo()
    for segment_id, expected in zip((*ids, writer.segment_ids[1]), after, strict=True):
        assert np.array_equal(segment_array(node, segment_id, volume), expected)
    assert node.GetSegmentation().GetSegment(writer.segment_ids[1]).GetName() == "spleen"


def test_undo_empties_a_segment_that_was_empty(scene):
    volume = add_volume()
    node = new_segmentation(volume)
    segment_id = node.GetSegmentation().AddEmptySegment("", "empty")
    writer = write(volume, masks(20), targets=(Target(LIVER.segment, segment_id),), segmentation_node=node)
    writer.undo()
    assert not segment_array(node, segment_id, volume).any()
    writer.redo()
    assert np.array_equal(segment_array(node, segment_id, volume), masks(20)[0])


def test_undo_leaves_what_others_did_to_other_segments(scene):
    volume, before = add_volume(), masks(13, 2)
    node = new_segmentation(volume)
    other = add_segment(node, volume, "other", before[0])
    writer = write(volume, masks(14), segmentation_node=node)
    slicer.util.updateSegmentBinaryLabelmapFromArray(before[1], node, other, volume)
    writer.undo()
    assert np.array_equal(segment_array(node, other, volume), before[1])
    assert list(node.GetSegmentation().GetSegmentIDs()) == [other]


def test_segments_say_what_made_them_also_after_loading(scene, tmp_path):
    volume = add_volume()
    writer, result = SegmentWriter(volume, 0, [LIVER]), result_of(masks(), 0)
    writer.finish(result, {"Model": "nano", "Window": "lung; -650/1500"})
    reloaded(scene, tmp_path)
    segment = slicer.util.getNode("PromptOnce segmentation").GetSegmentation().GetNthSegment(0)
    for tag, expected in (("Model", "nano"), ("Window", "lung; -650/1500")):
        value = vtk.reference("")
        assert segment.GetTag(f"PromptOnce.{tag}", value)
        assert str(value) == expected


def test_surfaces_are_made_again_at_the_end_and_others_are_kept(scene):
    volume, before = add_volume(), masks(15)
    node = new_segmentation(volume)
    other = add_segment(node, volume, "other", before[0])
    node.CreateClosedSurfaceRepresentation()
    surface = slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()
    kept = node.GetSegmentation().GetSegment(other).GetRepresentation(surface)
    block = np.zeros((1, *SHAPE), np.uint8)
    block[0, 1:4, 2:5, 2:6] = 1
    writer = write(volume, block, segmentation_node=node)
    made = node.GetSegmentation().GetSegment(writer.segment_ids[0]).GetRepresentation(surface)
    assert made.GetNumberOfPoints() > 0
    assert node.GetSegmentation().GetSegment(other).GetRepresentation(surface) is kept


def test_a_run_that_came_to_nothing_leaves_nothing(scene):
    volume = add_volume()
    SegmentWriter(volume, 0, [LIVER]).discard()
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") == []
    node = new_segmentation(volume)
    SegmentWriter(volume, 0, [LIVER], node).discard()
    assert node.GetScene() is scene
    assert node.GetSegmentation().GetNumberOfSegments() == 0
