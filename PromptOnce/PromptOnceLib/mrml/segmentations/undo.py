"""What segments were before a run, to be able to go back in one step.

Slicer offers nothing that fits: undo of the scene is switched off in the application, and the history of the Segment
Editor belongs to that module and takes back every segment, also those that somebody else has edited since.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer

from PromptOnceLib.mrml.segmentations.labelmap import (
    announce,
    binary_labelmap,
    resampled,
    segment_labelmap,
    set_layer,
    voxels,
)


@dataclass(frozen=True, eq=False)
class SegmentState:
    """One segment at one time. segment: its name, colour and tags, None where there was no such segment."""

    segment_id: str
    segment: Any | None
    labelmap: Any | None

    @classmethod
    def of(cls, segmentation_node: Any, segment_id: str) -> SegmentState:
        """The segment as it is now."""
        segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
        if segment is None:
            return cls(segment_id, None, None)
        described = slicer.vtkSegment()
        described.DeepCopyMetadata(segment)
        return cls(segment_id, described, segment_labelmap(segmentation_node, segment_id))

    def restore(self, segmentation_node: Any) -> None:
        """Make the segment what it was."""
        segmentation = segmentation_node.GetSegmentation()
        segment = segmentation.GetSegment(self.segment_id)
        if self.segment is None:
            if segment is not None:
                segmentation.RemoveSegment(self.segment_id)
            return
        if segment is None:
            segment = slicer.vtkSegment()
            segment.DeepCopyMetadata(self.segment)
            segment.AddRepresentation(binary_labelmap(), slicer.vtkOrientedImageData())
            segmentation.AddSegment(segment, self.segment_id)
        set_layer(segmentation_node, self.segment_id, self.labelmap)
        segment.DeepCopyMetadata(self.segment)
        segment.SetLabelValue(1)
        announce(segmentation_node, [self.segment_id], convert=True)


class UndoStep:
    """The states of several segments before a change: `swap` goes back, and forward again when called again."""

    def __init__(self) -> None:
        self._states: dict[str, SegmentState] = {}
        self._after: dict[str, int] = {}
        self.undone = False

    def remember(self, segmentation_node: Any, segment_id: str) -> None:
        """Keep a segment as it is now; the first time counts."""
        if segment_id not in self._states:
            self._states[segment_id] = SegmentState.of(segmentation_node, segment_id)

    def remember_absent(self, segment_id: str) -> None:
        """Keep that there was no such segment."""
        self._states.setdefault(segment_id, SegmentState(segment_id, None, None))

    def note(self, segmentation_node: Any, segment_ids: Iterable[str], grid: Any) -> None:
        """Keep check numbers of what segments hold on a grid after the change."""
        self._after.update((i, _check_number(segmentation_node, i, grid)) for i in segment_ids)

    def changed_since(self, segmentation_node: Any, grid: Any) -> list[str]:
        """Names of the segments that hold something else than what was noted of them: going back takes that, too."""
        segments = {i: segmentation_node.GetSegmentation().GetSegment(i) for i in self._after}
        there = {i: str(segment.GetName()) for i, segment in segments.items() if segment is not None}
        return [name for i, name in there.items() if _check_number(segmentation_node, i, grid) != self._after[i]]

    def changes(self, segmentation_node: Any) -> bool:
        """Whether `swap` would change anything: whether a segment that it knows is there, now or afterwards."""
        segmentation = segmentation_node.GetSegmentation()
        there = (segmentation.GetSegment(segment_id) for segment_id in self._states)
        return any(state.segment is not None for state in self._states.values()) or any(there)

    def swap(self, segmentation_node: Any) -> None:
        """Bring back the states that are kept, and keep those of now."""
        now = {segment_id: SegmentState.of(segmentation_node, segment_id) for segment_id in self._states}
        for state in self._states.values():
            state.restore(segmentation_node)
        self._states, self.undone = now, not self.undone


def _check_number(segmentation_node: Any, segment_id: str, grid: Any) -> int:
    image = resampled(segment_labelmap(segmentation_node, segment_id), grid)
    return zlib.crc32(np.packbits(voxels(image) > 0).tobytes())
