"""Correcting results from Python's console: which slices to look at, accepting them, correcting and propagating."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from PromptOnceLib.cases.case import prepare_case
from PromptOnceLib.cases.slice_review import SliceReview, worst_first
from PromptOnceLib.errors import InputError, PromptError
from PromptOnceLib.imaging.stack import Stack, parse_axis
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.mrml.logic.worker_access import WorkerAccess
from PromptOnceLib.mrml.segmentations import labelmap
from PromptOnceLib.mrml.segmentations.records import read_record
from PromptOnceLib.mrml.segmentations.segment_result import (
    SegmentResult,
    read_segment_result,
    write_correction,
    write_settled,
)
from PromptOnceLib.mrml.segmentations.writer import SegmentWriter
from PromptOnceLib.mrml.volumes import read_volume_node, volume_geometry
from PromptOnceLib.prompts.prompt import ObjectPrompt, Prompt
from PromptOnceLib.workflows.correct import steps_of_corrections

OnProgress = Callable[[int, int], object]
"""Is told how many slices are computed, and how many there are to compute."""


@dataclass(frozen=True, eq=False)
class Correction:
    """What was done to a segment. writer: its `undo` takes it back. slices: that were computed anew. fixed: slices that
    are prompted, corrected or accepted now. notices: for the user.
    """

    writer: SegmentWriter
    slices: int
    fixed: tuple[int, ...]
    notices: tuple[str, ...]


class CorrectLogic:
    """Part of Console. segmentId: may be left out where the segmentation has one segment alone. axis: of the slices of
    a segment that was not made here, as segmentVolume takes it.
    """

    def __init__(self, worker: WorkerAccess) -> None:
        self._worker = worker

    def reviewSlices(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        segmentationNode: Any,  # noqa: N803
        segmentId: str | None = None,  # noqa: N803
        axis: str = "auto",
    ) -> list[SliceReview]:
        """The slices of a result, the one to look at first in front: with state, confidence, and why.

        Raises InputError where nothing is fixed in the segment yet, so that nothing is known of its slices.
        """
        segment = self._read(volumeNode, segmentationNode, segmentId, axis)
        if not segment.prompts.objects[0].slices:
            raise InputError(
                f'Nothing is known of the slices of "{segment.name}": it was not segmented here. Accept a slice that '
                "is right, and propagate from it."
            )
        return worst_first(segment.slices())

    def acceptSlices(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        segmentationNode: Any,  # noqa: N803
        slices: Sequence[int],
        segmentId: str | None = None,  # noqa: N803
        axis: str = "auto",
        window: str = "auto",
    ) -> Correction:
        """Keep slices as they are from now on; nothing is computed. What was not made here can start from them then.

        window: for a segment of which nobody knows under which one it was made. Raises InputError for a slice that is
        empty or not there.
        """
        segment = self._read(volumeNode, segmentationNode, segmentId, axis)
        case = prepare_case(read_volume_node(volumeNode), segment.prompts, window=segment.window or window)
        settled = segment.correctable(case.stack)
        for index in slices:
            settled = settled.accepting(segment.name, index)
        writer = write_settled(segment, settled.prompts, case.stack.window.name)
        return Correction(writer, 0, settled.prompts.objects[0].indices, tuple(writer.notices))

    def correctSlice(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        prompt: Prompt,
        segmentationNode: Any,  # noqa: N803
        segmentId: str | None = None,  # noqa: N803
        *,
        window: str = "auto",
        model: str = "auto",
        modelConfig: str | None = None,  # noqa: N803
        device: str = "auto",
        overwrite: bool = False,
        onProgress: OnProgress | None = None,  # noqa: N803
    ) -> Correction:
        """Correct a slice of a segment, and propagate again up to the next fixed slices on both sides.

        prompt: of one object, on the slice: from promptFromIJK, promptFromRAS or promptFromMarkups, which correct what
        is there where the last propagation of this worker has reached the slice; or from promptFromSegment, whose mask
        is taken as it is. What was drawn by hand on other slices counts as correction as well. window: see
        acceptSlices. overwrite: as segmentVolume takes it.

        Raises InputError and its children for what cannot be corrected, WorkerError, OutOfMemoryError, CancelledError;
        the segment is as it was then.
        """
        if not isinstance(prompt, Prompt):
            raise PromptError("A slice is corrected by a prompt on it, such as promptFromIJK gives.")
        if len(prompt.objects) != 1:
            raise PromptError("A slice is corrected object by object: give a prompt of one object.")
        axis = "kji"[prompt.axis] if prompt.axis is not None else "auto"
        segment = self._read(volumeNode, segmentationNode, segmentId, axis)
        if prompt.axis not in (None, segment.axis):
            raise PromptError(
                f'The prompt was made for slices along another axis than "{segment.name}": give the axis '
                f'"{"kji"[segment.axis]}".'
            )
        marks = {prompt.slice: prompt.objects[0]}
        files = (model, modelConfig, device)
        return self._propagate(segment, marks, window, files, overwrite, onProgress)

    def propagateChanges(  # noqa: N802
        self,
        volumeNode: Any,  # noqa: N803
        segmentationNode: Any,  # noqa: N803
        segmentId: str | None = None,  # noqa: N803
        *,
        axis: str = "auto",
        window: str = "auto",
        model: str = "auto",
        modelConfig: str | None = None,  # noqa: N803
        device: str = "auto",
        overwrite: bool = False,
        onProgress: OnProgress | None = None,  # noqa: N803
    ) -> Correction:
        """Propagate from what was drawn by hand since the last run, for example in the Segment Editor, and from the
        accepted slices of a segment that was not made here.

        Parameters and errors as correctSlice; InputError where nothing was changed.
        """
        segment = self._read(volumeNode, segmentationNode, segmentId, axis)
        if not segment.changed:
            raise InputError(
                f'Nothing was changed in "{segment.name}": correct a slice, or draw on one in the Segment Editor.'
            )
        return self._propagate(segment, {}, window, (model, modelConfig, device), overwrite, onProgress)

    def _propagate(
        self,
        segment: SegmentResult,
        marks: Mapping[int, ObjectPrompt],
        window: str,
        files: tuple[str, str | None, str],
        overwrite: bool,
        on_progress: OnProgress | None,
    ) -> Correction:
        marked = {**{index: segment.marks(index) for index in segment.changed}, **marks}
        case = prepare_case(read_volume_node(segment.volume_node), segment.prompts, window=segment.window or window)
        old = segment.correctable(self._known(case.stack))
        steps = steps_of_corrections(old, segment.name, marked)
        model, config, device = files
        new = self._worker.go(resolve_model(model, config), device, steps, old.stack, on_progress)
        changed = tuple(sorted(marked))
        writer = write_correction(segment, new, changed, overwrite)
        touched = old.touched(segment.name, *changed)
        return Correction(writer, touched, new.prompts.objects[0].indices, (*case.notices, *writer.notices))

    def _known(self, stack: Stack) -> Stack:
        """The worker's own stack where it is the same: what its last propagation left is used then."""
        held = self._worker.session.stack
        same = held is not None and (held.axis, held.window) == (stack.axis, stack.window)
        return held if held is not None and same and np.array_equal(held.frames, stack.frames) else stack

    def _read(self, volume_node: Any, segmentation_node: Any, segment_id: str | None, axis: str) -> SegmentResult:
        labelmap.check_segmentation_node(segmentation_node)
        segmentation = segmentation_node.GetSegmentation()
        ids = list(segmentation.GetSegmentIDs())
        if segment_id is None and len(ids) != 1:
            names = ", ".join(f"{one} ({segmentation.GetSegment(one).GetName()})" for one in ids) or "none"
            raise InputError(f"Name the segment to correct; {segmentation_node.GetName()} has {names}.")
        chosen = ids[0] if segment_id is None else segment_id
        record = read_record(segmentation_node, chosen)
        along = parse_axis(axis, volume_geometry(volume_node)).axis if record is None else record.axis
        return read_segment_result(volume_node, segmentation_node, chosen, along)
