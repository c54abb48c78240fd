"""What each segment carries so that it can be corrected later, in a tag: saved with scenes and .seg.nrrd files."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.correction_record import TAG, CorrectionRecord
from PromptOnceLib.cases.mirrored_record import in_order_of
from PromptOnceLib.cases.segment_records import own_record
from PromptOnceLib.errors import SegmentationFileError
from PromptOnceLib.mrml.segmentations.labelmap import segment_stack, segment_tag


def read_record(segmentation_node: Any, segment_id: str) -> CorrectionRecord | None:
    """The record of a segment, of one object with the segment's name; None where it carries none that can be read."""
    tags, names, ids = _carried(segmentation_node)
    if segment_id not in ids:
        return None
    try:
        return own_record(tags, names, ids.index(segment_id))
    except SegmentationFileError:  # somebody else wrote into the scene, or a newer version
        return None


def read_record_on(
    segmentation_node: Any, segment_id: str, axis: int, stack: NDArray[np.bool_]
) -> CorrectionRecord | None:
    """The record along an array axis, in the order of a volume's voxels. stack: the segment's slices on the volume."""
    record = read_record(segmentation_node, segment_id)
    return None if record is None or record.axis != axis else in_order_of(record, stack)


def write_record(segmentation_node: Any, segment_id: str, record: CorrectionRecord) -> None:
    """Have a segment carry a record of one object.

    The other segments keep what a record of all of them, on one of them, says of them.
    """
    segmentation = segmentation_node.GetSegmentation()
    for other in segmentation.GetSegmentIDs():
        if other != segment_id and segment_tag(segmentation.GetSegment(other), TAG) is None:
            kept = read_record(segmentation_node, other)
            if kept is not None:
                segmentation.GetSegment(other).SetTag(TAG, kept.to_tag())
    segmentation.GetSegment(segment_id).SetTag(TAG, record.to_tag())


def settled_slices(segmentation_node: Any, segment_id: str, axis: int, grid: Any) -> list[int]:
    """Indices along an array axis of the slices that somebody has corrected or accepted, in their order on a grid.

    Not of prompted slices, which the next prompt takes the place of.
    """
    record = read_record(segmentation_node, segment_id)
    if record is None or record.axis != axis or not record.prompts.objects[0].settled:
        return []
    record = in_order_of(record, segment_stack(segmentation_node, segment_id, grid, axis))
    return [fixed.slice for fixed in record.prompts.objects[0].settled]


def _carried(segmentation_node: Any) -> tuple[list[str | None], list[str], list[str]]:
    """Of all segments: the record as text, the name, the ID."""
    segmentation = segmentation_node.GetSegmentation()
    ids = [str(segment_id) for segment_id in segmentation.GetSegmentIDs()]
    segments = [segmentation.GetSegment(segment_id) for segment_id in ids]
    return [segment_tag(s, TAG) for s in segments], [str(s.GetName()) for s in segments], ids
