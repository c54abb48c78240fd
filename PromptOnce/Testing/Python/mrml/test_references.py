"""References of any geometry on the grid of a volume."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
import vtk

from mrml.volumes import SHAPE, TRANSFORMS, add_bending_transform, add_volume, axis_directions, ijk_to_ras, world_of
from PromptOnceLib.errors import GeometryError, InputError
from PromptOnceLib.mrml.segmentations.labelmap import binary_labelmap
from PromptOnceLib.mrml.segmentations.new_nodes import new_segmentation
from PromptOnceLib.mrml.segmentations.reference import read_reference_node

LABELS = np.random.default_rng(0).integers(0, 4, SHAPE).astype(np.uint8)


def label_map(array: np.ndarray = LABELS, matrix: np.ndarray | None = None, parent: np.ndarray | None = None):
    return add_volume(array, matrix, parent, nodeClassName="vtkMRMLLabelMapVolumeNode")


def segmentation(volume, labels: np.ndarray = LABELS):
    """A segmentation with the labels 1, 2 and 3 as segments, made by Slicer's own functions."""
    node = new_segmentation(volume)
    for label in (1, 2, 3):
        segment_id = node.GetSegmentation().AddEmptySegment("", f"label {label}")
        slicer.util.updateSegmentBinaryLabelmapFromArray((labels == label).astype(np.uint8), node, segment_id, volume)
    return node


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_labels_on_the_same_grid_are_read_as_they_are(scene, transform):
    volume = add_volume(parent=TRANSFORMS[transform])
    for source in (label_map(parent=TRANSFORMS[transform]), segmentation(volume)):
        reference = read_reference_node(volume, source)
        assert np.array_equal(reference.labels, LABELS)
        assert reference.notices == ()


def test_one_segment_can_be_chosen_and_hidden_ones_are_left_out(scene):
    volume = add_volume()
    node = segmentation(volume)
    ids = node.GetSegmentation().GetSegmentIDs()
    assert np.array_equal(read_reference_node(volume, node, [ids[1]]).labels, LABELS == 2)
    node.GetDisplayNode().SetSegmentVisibility(ids[0], False)
    hidden = read_reference_node(volume, node).labels
    assert np.array_equal(hidden, np.select([LABELS == 2, LABELS == 3], [1, 2]))


@pytest.mark.parametrize("directions", [0, 13, 30, 47])
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_reference_on_another_grid_is_taken_by_nearest_neighbour_of_the_world(scene, directions, transform):
    volume = add_volume(matrix=ijk_to_ras(axis_directions()[0]), parent=TRANSFORMS[transform])
    spacing = (0.3, 0.4, 1.25)
    matrix = ijk_to_ras(axis_directions()[directions], spacing)
    # The finer grid has its middle in the volume's.
    shape = (20, 24, 28)
    matrix[:3, 3] = world_of(volume, (4.03, 3.02, 2.01)) - matrix[:3, :3] @ (np.array(shape[::-1]) / 2)
    fine = np.random.default_rng(1).integers(0, 5, shape).astype(np.int16)
    reference = read_reference_node(volume, label_map(fine, matrix))
    to_world = np.eye(4) if TRANSFORMS[transform] is None else TRANSFORMS[transform]
    to_fine = np.linalg.inv(matrix) @ to_world @ ijk_to_ras(axis_directions()[0])
    for k, j, i in np.ndindex(SHAPE):
        place = (to_fine @ [i, j, k, 1])[:3]
        if np.abs(place - np.floor(place) - 0.5).min() < 1e-6:
            continue  # half-way between two voxels: either is right
        fi, fj, fk = np.rint(place).astype(int)
        inside = all(0 <= index < count for index, count in zip((fk, fj, fi), shape, strict=True))
        assert reference.labels[k, j, i] == (fine[fk, fj, fi] if inside else 0)
    assert "nearest neighbour" in reference.notices[0]


def test_segments_of_another_grid_and_under_another_transform_land_in_the_right_place(scene):
    volume = add_volume(parent=TRANSFORMS["rotated"])
    node = segmentation(add_volume())
    node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    assert np.array_equal(read_reference_node(volume, node).labels, LABELS)
    moved = add_volume(parent=TRANSFORMS["rotated"])
    assert np.array_equal(read_reference_node(moved, node).labels, LABELS), "two transforms, one place"


def test_a_reference_under_a_bending_transform_is_taken_over(scene):
    volume, source = add_volume(), label_map(np.ones((60, 60, 60), np.uint8), ijk_to_ras(np.eye(3)))
    matrix = ijk_to_ras(np.eye(3))
    matrix[:3, 3] -= (18, 24, 75)
    source.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(matrix))
    source.SetAndObserveTransformNodeID(add_bending_transform().GetID())
    reference = read_reference_node(volume, source)
    assert reference.labels.any()
    assert reference.notices


def test_overlapping_segments_keep_the_later_one(scene):
    volume = add_volume()
    node = new_segmentation(volume)
    for number in range(2):
        mask = np.zeros(SHAPE, np.uint8)
        mask[:, :, number : number + 3] = 1
        segment_id = node.GetSegmentation().AddEmptySegment("", str(number))
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, segment_id, volume)
    labels = read_reference_node(volume, node).labels
    assert labels[0, 0].tolist() == [1, 2, 2, 2, 0, 0, 0, 0, 0]


def test_a_segment_kept_as_a_surface_can_be_a_reference_and_stays_one(scene):
    volume = add_volume(matrix=ijk_to_ras(np.eye(3)))
    node = new_segmentation(volume)
    sphere = vtk.vtkSphereSource()
    sphere.SetCenter(*world_of(volume, (4, 3, 2)))
    sphere.SetRadius(2.0)
    sphere.Update()
    node.AddSegmentFromClosedSurfaceRepresentation(sphere.GetOutput(), "sphere", (1.0, 0.0, 0.0))
    node.SetSourceRepresentationToClosedSurface()
    node.GetSegmentation().RemoveRepresentation(binary_labelmap())
    labels = read_reference_node(volume, node).labels
    assert labels[2, 3, 4] == 1
    assert labels.sum() < 60
    assert not node.GetSegmentation().ContainsRepresentation(binary_labelmap())


def test_nothing_is_left_in_the_scene(scene):
    volume = add_volume()
    sources = [label_map(), segmentation(volume)]
    before = scene.GetNumberOfNodes()
    for source in sources:
        read_reference_node(volume, source)
    assert scene.GetNumberOfNodes() == before


def test_an_empty_reference_gives_zeros(scene):
    volume = add_volume()
    node = new_segmentation(volume)
    node.GetSegmentation().AddEmptySegment("", "empty")
    assert not read_reference_node(volume, node).labels.any()
    assert not read_reference_node(volume, label_map(np.zeros(SHAPE, np.uint8))).labels.any()


def test_many_and_large_labels_keep_their_numbers(scene):
    array = LABELS.astype(np.int32) * 20000
    assert np.array_equal(read_reference_node(add_volume(), label_map(array)).labels, array)


def test_what_cannot_be_a_reference_is_refused(scene):
    volume = add_volume()
    for source, sentence in (
        (None, "No reference"),
        (add_volume(), "cannot be a reference"),
        (new_segmentation(volume), "shows no segment"),
        (label_map(LABELS.astype(np.float32) + 0.5), "whole numbers"),
        (label_map(LABELS.astype(np.int16) - 5), "whole numbers"),
        (scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode"), "no voxels"),
    ):
        with pytest.raises(InputError, match=sentence):
            read_reference_node(volume, source)
    with pytest.raises(InputError, match="no segment"):
        read_reference_node(volume, segmentation(volume), ["Segment_77"])


def test_a_reference_elsewhere_is_refused(scene):
    matrix = ijk_to_ras()
    matrix[:3, 3] += 500
    with pytest.raises(GeometryError, match="lies outside"):
        read_reference_node(add_volume(), label_map(matrix=matrix))
