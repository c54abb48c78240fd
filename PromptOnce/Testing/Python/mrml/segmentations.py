"""Masks, results and segments for the tests of segmentation nodes."""

from __future__ import annotations

import numpy as np
import slicer

from mrml.volumes import SHAPE
from PromptOnceLib.imaging.stack import slices_along
from PromptOnceLib.mrml.segmentations.writer import SegmentWriter, Target
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.segmentation.segment import Segment

LIVER = Target(Segment("liver", (0.2, 0.4, 0.6), "Segmentation category~SCT^10200004^Liver~^^~^^~^^"))
SPLEEN = Target(Segment("spleen", (0.9, 0.1, 0.1)))


def masks(seed: int = 0, objects: int = 1, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Random KJI masks: a mixed-up axis or a shifted voxel cannot hide in them."""
    return (np.random.default_rng(seed).random((objects, *shape)) > 0.6).astype(np.uint8)


def result_of(volume_masks: np.ndarray, axis: int, computed: list[int] | None = None) -> SegmentationResult:
    stacks = np.stack([slices_along(mask, axis) for mask in volume_masks])
    result = SegmentationResult.empty([f"object {n}" for n in range(len(stacks))], stacks.shape[1:], axis)
    for index in range(stacks.shape[1]) if computed is None else computed:
        result.set_slice(index, stacks[:, index], [1.0] * len(stacks), [0.9] * len(stacks))
    return result


def segment_array(node, segment_id, volume) -> np.ndarray:
    """The segment on the volume's grid, by Slicer's own function."""
    return slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, volume)


def add_segment(node, volume, name: str, mask: np.ndarray) -> str:
    """A segment made by Slicer's own function, as another module would."""
    segment_id = node.GetSegmentation().AddEmptySegment("", name, (0.5, 0.5, 0.5))
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, segment_id, volume)
    return segment_id


def write(volume, volume_masks, axis=0, targets=(LIVER,), **options) -> SegmentWriter:
    writer = SegmentWriter(volume, axis, targets, **options)
    result = result_of(volume_masks, axis)
    writer.update(result, range(len(result.computed)))
    writer.finish(result)
    return writer
