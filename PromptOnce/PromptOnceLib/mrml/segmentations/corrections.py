"""Slices of a result that somebody has corrected by hand: those that are not as a run has written them.

A run leaves a checksum of every slice in a tag of the segment. The tag is saved with the segment, so that corrections
are still found in a scene that was loaded, and goes back with it when a run is taken back.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import vtk
from numpy.typing import NDArray

from PromptOnceLib.cases.mirrored_record import mirrored_stack
from PromptOnceLib.mrml.segmentations import labelmap
from PromptOnceLib.mrml.segmentations.labelmap import segment_stack

_TAG = "PromptOnce.Written"
_NEVER = "-"  # for a slice that no run has written: what it holds is somebody's


def corrected_slices(
    segmentation_node: Any, segment_id: str, grid: Any, axis: int, stack: NDArray[np.bool_] | None = None
) -> list[int]:
    """Indices along an array axis of the slices that were corrected by hand since a run wrote them.

    grid: as labelmap.grid_image gives it for the volume. stack: the segment's slices on it along the axis, which takes
    long to read; None to read them here. Of a segment that no run has written, or that was written on
    another grid, nothing is known: none. Where it was written along another axis, one correction makes all of its
    slices count that hold something.
    """
    written = _Written.of(segmentation_node, segment_id)
    if written is None or not written.is_on(grid):
        return []

    def slices(along: int) -> NDArray[np.bool_]:
        known = stack if along == axis else None
        return segment_stack(segmentation_node, segment_id, grid, along) if known is None else known

    found = written.different_on(grid, slices(written.axis))
    if axis == written.axis or not found:
        return found
    return [int(index) for index in np.flatnonzero(slices(axis).any(axis=(1, 2)))]


def is_noted(segmentation_node: Any, segment_id: str, grid: Any) -> bool:
    """Whether it is known of the segment what it held when it was written on this grid."""
    written = _Written.of(segmentation_node, segment_id)
    return written is not None and written.grid == _checksum_of_grid(grid)


def note_written(
    segmentation_node: Any,
    segment_id: str,
    grid: Any,
    axis: int,
    slices: Iterable[int],
    stack: NDArray[np.bool_] | None = None,
) -> None:
    """Have these slices count as written by a run, as they are now; others are not touched.

    stack: see corrected_slices.
    """
    if stack is None:
        stack = segment_stack(segmentation_node, segment_id, grid, axis)
    written = _Written.of(segmentation_node, segment_id)
    key = _checksum_of_grid(grid)
    if written is None or (written.axis, written.grid, len(written.slices)) != (axis, key, len(stack)):
        written = _Written(axis, key, [_NEVER] * len(stack))
    for index in slices:
        written.slices[index] = _checksum(stack[index])
    segmentation_node.GetSegmentation().GetSegment(segment_id).SetTag(_TAG, written.as_text())


@contextmanager
def not_by_hand(segmentation_node: Any, segment_ids: Sequence[str], grid: Any) -> Iterator[None]:
    """What is done to these segments meanwhile is no correction; corrections that were made before stay ones."""
    before = {}
    for segment_id in segment_ids:
        written = _Written.of(segmentation_node, segment_id)
        if written is not None and written.grid == _checksum_of_grid(grid):
            stack = segment_stack(segmentation_node, segment_id, grid, written.axis)
            before[segment_id] = written.axis, len(stack), set(written.different(stack))
    yield
    for segment_id, (axis, count, corrected) in before.items():
        note_written(segmentation_node, segment_id, grid, axis, set(range(count)) - corrected)


def slices_in_words(slices: Sequence[int]) -> str:
    """For example "slices 4 to 6 and 9", of indices in order."""
    runs: list[list[int]] = []
    for index in slices:
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    words = [f"{first}" if first == last else f"{first} to {last}" for first, last in runs]
    listed = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
    return f"{'slice' if len(slices) == 1 else 'slices'} {listed}"


@dataclass(frozen=True)
class _Written:
    """Checksums of the grid and of the slices along an array axis, as text."""

    axis: int
    grid: str
    slices: list[str]

    @classmethod
    def of(cls, segmentation_node: Any, segment_id: str) -> _Written | None:
        """What the tag says; None where there is none that can be read."""
        text = labelmap.segment_tag(segmentation_node.GetSegmentation().GetSegment(segment_id), _TAG) or ""
        axis, _, rest = text.partition(" ")
        grid, _, slices = rest.partition(" ")
        return cls(int(axis), grid, slices.split(" ")) if axis in ("0", "1", "2") and slices else None

    def is_on(self, grid: Any) -> bool:
        """Whether it was written on this grid, or on the same voxels in the opposite order along k; see
        cases.mirrored_record.
        """
        return self.grid in (_checksum_of_grid(grid), _checksum_of_grid(labelmap.mirrored(grid)))

    def different_on(self, grid: Any, stack: NDArray[np.bool_]) -> list[int]:
        """As `different`, of slices on a grid that it is on."""
        if self.grid == _checksum_of_grid(grid):
            return self.different(stack)
        found, count = self.different(mirrored_stack(stack, self.axis)), len(stack)
        return found if self.axis else sorted(count - 1 - index for index in found)

    def as_text(self) -> str:
        """For the tag; of characters that every file keeps."""
        return f"{self.axis} {self.grid} {' '.join(self.slices)}"

    def different(self, stack: NDArray[np.bool_]) -> list[int]:
        """Indices of the slices that are not as they were written."""
        if len(stack) != len(self.slices):
            return []
        pairs = enumerate(zip(stack, self.slices, strict=True))
        return [i for i, (frame, was) in pairs if (frame.any() if was == _NEVER else _checksum(frame) != was)]


def _checksum(frame: NDArray[np.bool_]) -> str:
    return f"{zlib.crc32(np.packbits(frame).tobytes()):08x}"


def _checksum_of_grid(grid: Any) -> str:
    """Of size and place to a thousandth of a millimetre; the lattice may have other numbers after loading."""
    matrix = vtk.vtkMatrix4x4()
    grid.GetImageToWorldMatrix(matrix)
    values = [round(matrix.GetElement(row, column), 3) + 0.0 for row in range(3) for column in range(4)]
    return f"{zlib.crc32(repr((grid.GetExtent(), values)).encode()):08x}"
