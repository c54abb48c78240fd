"""Masks written into segmentation nodes: identical, slice by slice, beside other segments."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
import vtk

from mrml.segmentations import LIVER, SPLEEN, add_segment, masks, result_of, segment_array, write
from mrml.volumes import (
    OBLIQUE,
    SHAPE,
    TRANSFORMS,
    add_bending_transform,
    add_transform,
    add_volume,
    axis_directions,
    ijk_to_ras,
    reloaded,
    world_of,
)
from PromptOnceLib.errors import GeometryError, InputError
from PromptOnceLib.mrml.segmentations.labelmap import grid_image, labelmap_on
from PromptOnceLib.mrml.segmentations.new_nodes import new_segmentation
from PromptOnceLib.mrml.segmentations.writer import SegmentWriter, Target


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_mask_is_written_voxel_by_voxel(scene, axis, transform):
    mask = masks(axis)
    for directions in (*axis_directions(), OBLIQUE):
        volume = add_volume(matrix=ijk_to_ras(directions), parent=TRANSFORMS[transform])
        writer = SegmentWriter(volume, axis, [LIVER])
        result = result_of(mask, axis)
        writer.update(result, range(len(result.computed)))
        assert np.array_equal(segment_array(writer.node, writer.segment_ids[0], volume), mask[0])
        writer.finish(result)
        assert np.array_equal(segment_array(writer.node, writer.segment_ids[0], volume), mask[0])
        assert writer.notices == []
        scene.Clear(0)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("directions", [0, 13, 30, "oblique"])
def test_a_mask_is_the_same_after_saving_and_loading_the_scene(scene, tmp_path, transform, directions):
    matrix = ijk_to_ras(OBLIQUE if directions == "oblique" else axis_directions()[directions])
    matrix[:3, :3] = matrix[:3, :3] / np.array([0.6, 0.8, 2.5]) * np.array([0.7324219, 0.7324219, 3.27])
    volume, mask = add_volume(matrix=matrix, parent=TRANSFORMS[transform]), masks(3)
    write(volume, mask, 1)
    volume = reloaded(scene, tmp_path)
    node = slicer.util.getNode("PromptOnce segmentation")
    segment_id = node.GetSegmentation().GetNthSegmentID(0)
    # Slicer may load the voxels of a volume in another order; their values are their numbers in the order before.
    expected = mask[0].ravel()[slicer.util.arrayFromVolume(volume)]
    assert np.array_equal(segment_array(node, segment_id, volume), expected)


def test_slices_appear_as_they_are_written(scene):
    volume, mask = add_volume(), masks()
    writer, result = SegmentWriter(volume, 0, [LIVER]), result_of(mask, 0)
    writer.update(result, [2])
    expected = np.zeros(SHAPE, np.uint8)
    expected[2] = mask[0, 2]
    assert np.array_equal(segment_array(writer.node, writer.segment_ids[0], volume), expected)
    writer.update(result, [3, 1])
    expected[[1, 3]] = mask[0, [1, 3]]
    assert np.array_equal(segment_array(writer.node, writer.segment_ids[0], volume), expected)


def test_a_write_tells_views_and_files(scene):
    volume = add_volume()
    writer, result = SegmentWriter(volume, 0, [LIVER]), result_of(masks(), 0)
    writer.update(result, [0])
    image = writer.node.GetBinaryLabelmapInternalRepresentation(writer.segment_ids[0])
    before, events = image.GetMTime(), []
    writer.node.AddObserver(slicer.vtkSegmentation.RepresentationModified, lambda *_: events.append("shown"))
    stored = writer.node.GetStorableModifiedTime() if hasattr(writer.node, "GetStorableModifiedTime") else None
    writer.update(result, [1])
    assert events
    assert image.GetMTime() > before
    assert stored is None or writer.node.GetStorableModifiedTime() > stored


def test_several_objects_get_segments_of_their_own_that_may_overlap(scene):
    volume, both = add_volume(), masks(1, 2)
    assert (both[0] & both[1]).any()
    writer = write(volume, both, targets=(LIVER, SPLEEN))
    for number, segment_id in enumerate(writer.segment_ids):
        assert np.array_equal(segment_array(writer.node, segment_id, volume), both[number])
    segment = writer.node.GetSegmentation().GetSegment(writer.segment_ids[0])
    assert (segment.GetName(), segment.GetColor()) == ("liver", pytest.approx((0.2, 0.4, 0.6)))
    assert "Liver" in segment.GetTerminology()


@pytest.mark.parametrize("new", [True, False])
def test_other_segments_do_not_change(scene, new):
    volume, before = add_volume(), masks(5, 3)
    node = new_segmentation(volume)
    ids = [add_segment(node, volume, f"old {n}", before[n]) for n in range(3)]
    target = LIVER if new else Target(LIVER.segment, ids[1])
    mask = masks(6)
    writer = write(volume, mask, targets=(target,), segmentation_node=node)
    assert np.array_equal(segment_array(node, writer.segment_ids[0], volume), mask[0])
    for n in (0, 2):
        assert np.array_equal(segment_array(node, ids[n], volume), before[n])
    assert node.GetSegmentation().GetNumberOfSegments() == (4 if new else 3)


def test_a_segment_that_shares_its_layer_is_written_without_touching_the_other(scene):
    volume = add_volume()
    node = new_segmentation(volume)
    halves = np.zeros((2, *SHAPE), np.uint8)
    halves[0, :, :3], halves[1, :, 3:] = 1, 1
    ids = [node.GetSegmentation().AddEmptySegment("", name) for name in ("painted first", "painted second")]
    for segment_id, half in zip(ids, halves, strict=True):  # as the Segment Editor paints
        image = labelmap_on(grid_image(volume, node), half)
        slicer.vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(image, node, segment_id)
    assert node.GetSegmentation().GetNumberOfLayers() == 1
    mask = masks(21)
    write(volume, mask, targets=(Target(LIVER.segment, ids[0]),), segmentation_node=node)
    assert np.array_equal(segment_array(node, ids[0], volume), mask[0])
    assert np.array_equal(segment_array(node, ids[1], volume), halves[1])


def test_segments_that_slicer_put_into_one_layer_while_saving_are_still_written_apart(scene):
    volume = add_volume()
    mask = np.zeros((2, *SHAPE), np.uint8)
    mask[0, :, :3], mask[1, :, 3:] = 1, 1
    writer, result = SegmentWriter(volume, 0, [LIVER, SPLEEN]), result_of(mask, 0)
    writer.update(result, [0, 4])
    writer.node.GetSegmentation().CollapseBinaryLabelmaps(False)  # as when the user saves the scene during a run
    assert writer.node.GetSegmentation().GetNumberOfLayers() == 1
    writer.update(result, [1, 2, 3])
    for number, segment_id in enumerate(writer.segment_ids):
        assert np.array_equal(segment_array(writer.node, segment_id, volume), mask[number])


def test_slices_that_were_not_computed_keep_what_they_held(scene):
    volume, before, mask = add_volume(), masks(7), masks(8)
    node = new_segmentation(volume)
    segment_id = add_segment(node, volume, "liver", before[0])
    writer = SegmentWriter(volume, 1, [Target(LIVER.segment, segment_id)], node)
    writer.finish(result_of(mask, 1, computed=[2, 3]))
    expected = before[0].copy()
    expected[:, 2:4] = mask[0][:, 2:4]
    assert np.array_equal(segment_array(node, segment_id, volume), expected)


def test_a_segmentation_under_another_transform_still_gets_the_mask_in_its_place(scene):
    volume, mask = add_volume(parent=TRANSFORMS["rotated"]), masks(16)
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.SetAndObserveTransformNodeID(add_transform(TRANSFORMS["sheared"]).GetID())
    writer = write(volume, mask, segmentation_node=node)
    image, to_node = node.GetBinaryLabelmapInternalRepresentation(writer.segment_ids[0]), vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(to_node)
    to_world = TRANSFORMS["sheared"] @ slicer.util.arrayFromVTKMatrix(to_node)
    for k, j, i in np.argwhere(mask[0]):
        assert image.GetScalarComponentAsDouble(i, j, k, 0) == 1
        assert np.allclose((to_world @ [i, j, k, 1])[:3], world_of(volume, (i, j, k)))
    assert (
        np.count_nonzero(slicer.util.arrayFromSegmentInternalBinaryLabelmap(node, writer.segment_ids[0])) == mask.sum()
    )


def test_a_segmentation_of_another_grid_takes_the_mask_with_a_notice(scene):
    volume, mask = add_volume(), masks(17)
    wider = add_volume(np.zeros((6, 16, 18), np.int16), ijk_to_ras(spacing=(0.3, 0.4, 2.5)))
    node = new_segmentation(wider)
    old = np.zeros((6, 16, 18), np.uint8)
    old[5], old[0, 4:8, 4:8] = 1, 1
    segment_id = add_segment(node, wider, "old", old)
    writer = SegmentWriter(volume, 0, [Target(LIVER.segment, segment_id)], node)
    writer.finish(result_of(mask, 0, computed=[1, 2, 3, 4]))
    array = segment_array(node, segment_id, volume)
    assert np.array_equal(array[1:], mask[0][1:])
    assert np.array_equal(array[0], old[0, ::2, ::2][:7, :9])
    assert segment_array(node, segment_id, wider)[5].any(), "what lies beyond the volume is kept"
    assert len(writer.notices) == 2
    assert "another grid" in writer.notices[0]


def test_a_segmentation_of_surfaces_is_refused_and_left_alone(scene):
    volume = add_volume()
    node = new_segmentation(volume)
    sphere = vtk.vtkSphereSource()
    sphere.Update()
    node.AddSegmentFromClosedSurfaceRepresentation(sphere.GetOutput(), "surface", (1.0, 0.0, 0.0))
    node.SetSourceRepresentationToClosedSurface()
    with pytest.raises(InputError, match="surfaces"):
        SegmentWriter(volume, 0, [LIVER], node)
    assert node.GetSegmentation().GetNumberOfSegments() == 1


def test_a_segmentation_under_a_bending_transform_and_an_unknown_segment_are_refused(scene):
    volume = add_volume()
    node = new_segmentation(volume)
    with pytest.raises(InputError, match="no segment"):
        SegmentWriter(volume, 0, [Target(LIVER.segment, "Segment_9")], node)
    node.SetAndObserveTransformNodeID(add_bending_transform().GetID())
    with pytest.raises(GeometryError, match="not linear"):
        SegmentWriter(volume, 0, [LIVER], node)


def test_a_segmentation_removed_during_a_run_is_said_so(scene):
    volume, result = add_volume(), result_of(masks(), 0)
    writer = SegmentWriter(volume, 0, [LIVER])
    writer.node.GetSegmentation().RemoveSegment(writer.segment_ids[0])
    with pytest.raises(InputError, match="segment of the result was removed"):
        writer.update(result, [0])
    scene.RemoveNode(writer.node)
    with pytest.raises(InputError, match="removed from the scene"):
        writer.finish(result)
    with pytest.raises(InputError, match="removed from the scene"):
        writer.undo()


def test_a_single_slice_can_be_segmented(scene):
    volume = add_volume(np.arange(63, dtype=np.uint8).reshape(1, 7, 9))
    mask = masks(18, shape=(1, 7, 9))
    writer = write(volume, mask)
    assert np.array_equal(segment_array(writer.node, writer.segment_ids[0], volume), mask[0])


def test_a_new_segmentation_moves_with_the_volume_and_has_its_grid(scene):
    volume = add_volume(parent=TRANSFORMS["rotated"])
    node = new_segmentation(volume)
    assert node.GetTransformNodeID() == volume.GetTransformNodeID()
    name = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    geometry, matrix, extent = node.GetSegmentation().GetConversionParameter(name), vtk.vtkMatrix4x4(), [0] * 6
    slicer.vtkSegmentationConverter.DeserializeImageGeometry(geometry, matrix, extent)
    assert np.allclose(slicer.util.arrayFromVTKMatrix(matrix), ijk_to_ras())
    assert tuple(extent) == volume.GetImageData().GetExtent()


def test_a_new_segmentation_lies_beside_the_volume(scene):
    volume = add_volume()
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    study = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "study")
    hierarchy.CreateItem(study, volume)
    node = new_segmentation(volume)
    item = hierarchy.GetItemByDataNode(node)
    assert hierarchy.GetItemParent(item) == study
