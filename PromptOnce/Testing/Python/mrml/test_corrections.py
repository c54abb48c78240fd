"""Slices of a result that were corrected by hand: found, kept or overwritten, also after saving and loading."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer

from mrml.segmentations import LIVER, SPLEEN, add_segment, masks, result_of, segment_array, write
from mrml.volumes import SHAPE, add_volume, reloaded
from PromptOnceLib.mrml.segmentations.corrections import corrected_slices, slices_in_words
from PromptOnceLib.mrml.segmentations.labelmap import grid_image
from PromptOnceLib.mrml.segmentations.new_nodes import new_segmentation
from PromptOnceLib.mrml.segmentations.writer import SegmentWriter, Target


def paint(node: Any, segment_id: str, volume: Any, *voxels: tuple[int, int, int]) -> None:
    """Flip voxels (k, j, i) by Slicer's own function, as the Segment Editor would."""
    array = segment_array(node, segment_id, volume).copy()
    for voxel in voxels:
        array[voxel] ^= 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, segment_id, volume)


def corrected(node: Any, segment_id: str, volume: Any, axis: int = 0) -> list[int]:
    return corrected_slices(node, segment_id, grid_image(volume, node), axis)


def again(writer: SegmentWriter, volume: Any, mask: np.ndarray, axis: int = 0, **options: Any) -> SegmentWriter:
    """Another run into the same segment."""
    target = Target(LIVER.segment, writer.segment_ids[0])
    return write(volume, mask, axis, (target,), segmentation_node=writer.node, **options)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_that_were_painted_on_are_found(scene: Any, axis: int) -> None:
    volume = add_volume()
    writer = write(volume, masks(axis), axis)
    segment_id = writer.segment_ids[0]
    assert corrected(writer.node, segment_id, volume, axis) == []
    paint(writer.node, segment_id, volume, (1, 2, 3), (3, 4, 5))
    assert corrected(writer.node, segment_id, volume, axis) == sorted({(1, 2, 3)[axis], (3, 4, 5)[axis]})
    paint(writer.node, segment_id, volume, (1, 2, 3), (3, 4, 5))
    assert corrected(writer.node, segment_id, volume, axis) == []


def test_an_erased_slice_and_one_painted_where_no_run_wrote_are_corrections(scene: Any) -> None:
    volume = add_volume()
    writer = SegmentWriter(volume, 0, [LIVER])
    writer.finish(result_of(np.ones((1, *SHAPE), np.uint8), 0, computed=[1, 2]))
    array = segment_array(writer.node, writer.segment_ids[0], volume).copy()
    array[1], array[4, 0, 0] = 0, 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, writer.node, writer.segment_ids[0], volume)
    assert corrected(writer.node, writer.segment_ids[0], volume) == [1, 4]
    slicer.util.updateSegmentBinaryLabelmapFromArray(0 * array, writer.node, writer.segment_ids[0], volume)
    assert corrected(writer.node, writer.segment_ids[0], volume) == [1, 2]


def test_a_segment_that_no_run_has_written_is_not_asked_about(scene: Any) -> None:
    volume = add_volume()
    node = new_segmentation(volume)
    assert corrected(node, add_segment(node, volume, "old", masks(1)[0]), volume) == []


def test_corrections_are_found_after_saving_and_loading_and_nothing_else(scene: Any, tmp_path: Any) -> None:
    volume = add_volume(np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE), np.diag([-0.7, -0.8, 2.5, 1.0]))
    writer = write(volume, masks(5, 2), 0, (LIVER, SPLEEN))
    paint(writer.node, writer.segment_ids[0], volume, (3, 2, 1))
    volume = reloaded(scene, tmp_path)
    node = slicer.util.getNode("PromptOnce segmentation")
    liver, spleen = node.GetSegmentation().GetSegmentIDs()
    assert corrected(node, liver, volume) == [3]
    assert corrected(node, spleen, volume) == []


def test_the_next_run_keeps_corrected_slices_says_so_and_goes_on_to_know_them(scene: Any) -> None:
    volume, mask = add_volume(), masks(7)
    first = write(volume, masks(6))
    segment_id = first.segment_ids[0]
    paint(first.node, segment_id, volume, (1, 2, 3), (2, 2, 3), (4, 0, 0))
    by_hand = segment_array(first.node, segment_id, volume).copy()
    writer = SegmentWriter(volume, 0, [Target(LIVER.segment, segment_id)], first.node)
    assert writer.notices == ['Corrected by hand and kept: slices 1 to 2 and 4 of "liver".']
    result = result_of(mask, 0)
    writer.update(result, [1])
    writer.finish(result)
    found = segment_array(first.node, segment_id, volume)
    assert np.array_equal(found[[1, 2, 4]], by_hand[[1, 2, 4]])
    assert np.array_equal(found[[0, 3]], mask[0][[0, 3]])
    assert np.array_equal(result.masks[0], found)
    assert corrected(first.node, segment_id, volume) == [1, 2, 4]


def test_overwriting_leaves_nothing_of_the_corrections_and_undo_brings_them_back(scene: Any) -> None:
    volume, mask = add_volume(), masks(7)
    first = write(volume, masks(6))
    segment_id = first.segment_ids[0]
    paint(first.node, segment_id, volume, (1, 2, 3))
    by_hand = segment_array(first.node, segment_id, volume).copy()
    writer = again(first, volume, mask, keep_corrections=False)
    assert writer.notices == []
    assert np.array_equal(segment_array(first.node, segment_id, volume), mask[0])
    assert corrected(first.node, segment_id, volume) == []
    writer.undo()
    assert np.array_equal(segment_array(first.node, segment_id, volume), by_hand)
    assert corrected(first.node, segment_id, volume) == [1]


def test_a_run_along_another_axis_keeps_all_of_a_segment_that_was_corrected(scene: Any) -> None:
    volume, before = add_volume(), np.zeros((1, *SHAPE), np.uint8)
    before[0, :, 2:4] = 1
    first = write(volume, before)
    paint(first.node, first.segment_ids[0], volume, (1, 2, 3))
    by_hand = segment_array(first.node, first.segment_ids[0], volume).copy()
    assert corrected(first.node, first.segment_ids[0], volume, 1) == [2, 3]
    again(first, volume, np.ones((1, *SHAPE), np.uint8), 1)
    found = segment_array(first.node, first.segment_ids[0], volume)
    assert np.array_equal(found[:, 2:4], by_hand[:, 2:4])
    assert found[:, :2].all()
    assert corrected(first.node, first.segment_ids[0], volume, 1) == [2, 3]


def test_voxels_that_a_run_takes_from_another_result_are_no_correction_of_it(scene: Any) -> None:
    volume = add_volume()
    first = write(volume, np.ones((1, *SHAPE), np.uint8))
    paint(first.node, first.segment_ids[0], volume, (3, 2, 1))
    write(volume, masks(8), 0, (SPLEEN,), segmentation_node=first.node, overwrite=True)
    assert corrected(first.node, first.segment_ids[0], volume) == [3]


def test_what_was_corrected_since_the_run_is_told_for_each_segment(scene: Any) -> None:
    volume = add_volume()
    writer = write(volume, masks(5, 2), 0, (LIVER, SPLEEN))
    paint(writer.node, writer.segment_ids[1], volume, (3, 2, 1))
    assert writer.corrections() == [("liver", []), ("spleen", [3])]
    second = again(writer, volume, masks(9))
    assert second.corrections() == [("liver", [])]


@pytest.mark.parametrize("text", ["", "0", "k 1 2", "0 12345678", "7 12345678 - -"])
def test_a_tag_that_somebody_changed_is_as_none(scene: Any, text: str) -> None:
    volume = add_volume()
    writer = write(volume, masks())
    writer.node.GetSegmentation().GetSegment(writer.segment_ids[0]).SetTag("PromptOnce.Written", text)
    paint(writer.node, writer.segment_ids[0], volume, (1, 2, 3))
    assert corrected(writer.node, writer.segment_ids[0], volume) == []


def test_slices_are_named_shortly() -> None:
    assert slices_in_words([4]) == "slice 4"
    assert slices_in_words([4, 5, 6, 9]) == "slices 4 to 6 and 9"
    assert slices_in_words([1, 3, 5, 6]) == "slices 1, 3 and 5 to 6"
