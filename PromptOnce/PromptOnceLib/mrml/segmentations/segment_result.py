"""One segment of the scene as a result that can be corrected: read, and written again after a correction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.correction_record import correction_record
from PromptOnceLib.cases.slice_review import SliceReview, review_object
from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.stack import Stack, check_slice
from PromptOnceLib.mrml.segmentations import corrections, labelmap
from PromptOnceLib.mrml.segmentations.records import read_record_on, write_record
from PromptOnceLib.mrml.segmentations.writer import SegmentWriter, Target
from PromptOnceLib.prompts.conditioning import AnyPrompt
from PromptOnceLib.prompts.prompt import ObjectPrompt, encode_mask
from PromptOnceLib.prompts.prompt_set import PromptedObject, PromptSet
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.segmentation.segment import Segment
from PromptOnceLib.workflows.correct import Correctable, touched

_UNKNOWN = 0
"""In place of a check number: the slice was drawn on by hand, and nothing was propagated from it yet."""


@dataclass(frozen=True, eq=False)
class SegmentResult:
    """A segment as it was when it was read.

    result, prompts: of this one object. window: of the images it was made from, as window_from_text takes it, None
    where nobody knows. edited: slices that were changed by hand since they were computed, in their order.
    """

    volume_node: Any
    node: Any
    segment_id: str
    result: SegmentationResult
    prompts: PromptSet
    window: str | None
    edited: tuple[int, ...]

    @property
    def name(self) -> str:
        """Of the segment and of the object."""
        return self.prompts.objects[0].name

    @property
    def axis(self) -> int:
        """The array axis along which the slices lie."""
        return self.result.axis

    @property
    def changed(self) -> tuple[int, ...]:
        """Slices that are settled, but from which nothing was propagated yet: what was drawn on by hand, and all that
        are fixed where the segment was not made by a propagation. One that was emptied by hand cannot be propagated.
        """
        drawn = {index for index in self.edited if self.result.masks[0, index].any()}
        fixed = self.prompts.objects[0].indices if np.isnan(self.result.presence).all() else ()
        return tuple(sorted(drawn.union(fixed)))

    def touched(self, changed: Collection[int]) -> int:
        """How many slices are computed anew to propagate from these slices."""
        return touched(self.prompts.objects[0], changed, len(self.result.computed))

    def slices(self) -> list[SliceReview]:
        """State, confidence, and what is strange, of every slice."""
        return review_object(self.result, self.prompts, self.name)

    def marks(self, index: int) -> ObjectPrompt:
        """The mask on a slice, as a prompt. Raises InputError where it is empty or there is no such slice."""
        check_slice(index, len(self.result.computed))
        mask = self.result.masks[0, index] > 0
        if not mask.any():
            raise InputError(f'"{self.name}" holds nothing on slice {index}: choose a slice that shows it.')
        item = self.prompts.objects[0]
        return ObjectPrompt(name=item.name, color=item.color, terminology=item.terminology, mask=encode_mask(mask))

    def correctable(self, stack: Stack) -> Correctable:
        """With the slices that it is corrected on."""
        return Correctable(stack, self.result, self.prompts)


def read_segment_result(volume_node: Any, segmentation_node: Any, segment_id: str, axis: int) -> SegmentResult:
    """A segment on the grid of a volume, with what is fixed in it.

    axis: array axis of the slices; what a run along another axis has left does not count. Raises InputError where there
    is no such segment, GeometryError where transforms are not linear.
    """
    labelmap.check_segmentation_node(segmentation_node)
    segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
    if segment is None:
        raise InputError(f'{segmentation_node.GetName()} has no segment "{segment_id}". Choose another segment.')
    grid = labelmap.grid_image(volume_node, segmentation_node)
    stack = labelmap.segment_stack(segmentation_node, segment_id, grid, axis)
    described = _described(segment)
    item = PromptedObject(name=described.name, color=described.color, terminology=described.terminology)
    result = SegmentationResult.of_mask(stack, item.name, axis)
    edited = corrections.corrected_slices(segmentation_node, segment_id, grid, axis, stack)
    prompts, window = PromptSet(axis=axis, objects=(item,)), None
    record = read_record_on(segmentation_node, segment_id, axis, stack)
    if record is not None:
        presence, predicted_iou = (np.array(s, np.float32) for s in (record.presence, record.predicted_iou))
        result.crops.update(record.crops)
        result.ways[item.name] = record.ways_of(item.name)
        if presence.shape == predicted_iou.shape == result.presence.shape and _fits(record.prompts, stack.shape):
            result.presence[:], result.predicted_iou[:] = presence, predicted_iou
            result.computed[:] = ~np.isnan(presence[0]) | stack.any(axis=(1, 2))
            item = item.model_copy(update={"slices": record.prompts.objects[0].slices})
            prompts, window = PromptSet(axis=axis, objects=(item,)), record.window
    return SegmentResult(volume_node, segmentation_node, segment_id, result, prompts, window, tuple(edited))


def write_correction(
    before: SegmentResult, new: Correctable, changed: Sequence[int], overwrite: bool = False
) -> SegmentWriter:
    """Write a corrected result into its segment; the writer's `undo` takes it back.

    before: what was corrected. changed: the slices that were. overwrite: as SegmentWriter takes it. What somebody has
    drawn meanwhile, or has emptied by hand before, is kept, and said in the writer's notices. Raises InputError where
    the segment or its segmentation was removed, GeometryError.
    """
    writer = _writer(before, overwrite)
    now, old, found = _stack(before), before.result.masks[0], new.result.masks[0]
    if now.shape != old.shape:
        raise InputError(
            "The volume was given another size meanwhile: the correction does not fit it. Correct it again."
        )
    meanwhile = set(np.flatnonzero((now != old).any(axis=(1, 2))).tolist())
    different = set(np.flatnonzero((found != old).any(axis=(1, 2))).tolist())
    kept = meanwhile | (set(before.edited) - set(changed))
    _note_first(before, set(range(len(old))) - meanwhile, now)
    result = new.result.copy()
    result.computed[:] = False
    result.computed[sorted((different | set(changed)) - kept)] = True
    writer.finish(result)
    _write_record(before, new.prompts, new.result, new.stack.window.name, _stack(before))
    if meanwhile:
        words = corrections.slices_in_words(sorted(meanwhile))
        writer.notices.append(f'Changed by hand meanwhile, and kept: {words} of "{before.name}".')
    return writer


def write_settled(before: SegmentResult, prompts: PromptSet, window: str) -> SegmentWriter:
    """Note that slices of a segment are settled as they are; the writer's `undo` takes it back. Raises as above."""
    writer = _writer(before, overwrite=False)
    now = _stack(before)
    _note_first(before, range(len(before.result.computed)), now)
    _write_record(before, prompts, before.result, before.window or window, now)
    return writer


def note_run(writer: SegmentWriter, prompt: AnyPrompt, result: SegmentationResult, window: str) -> None:
    """Have the segments of a run that has ended carry what is needed to correct them.

    prompt: of the run. Slices that the run has not written stay as settled, and as sure, as they were.
    """
    prompts = correction_record(prompt, result, window).prompts
    for place, segment_id in enumerate(writer.segment_ids):
        before = read_segment_result(writer.volume_node, writer.node, segment_id, result.axis)
        if before.result.masks.shape[1:] != result.masks.shape[1:]:
            raise InputError("The volume was given another size during the run: the result is on its former slices.")
        scores = SegmentationResult.of_mask(before.result.masks[0], before.name, result.axis)
        scores.crops.update({name: crop for name, crop in result.crops.items() if name == result.names[place]})
        scores.ways[before.name] = result.ways_of(result.names[place])
        computed = result.computed.copy()
        computed[writer.kept[segment_id]] = False
        for own, old, of_run in (
            (scores.presence, before.result.presence, result.presence),
            (scores.predicted_iou, before.result.predicted_iou, result.predicted_iou),
        ):
            own[0] = np.where(computed, of_run[place], old[0])
        item = before.prompts.objects[0]
        item = item.model_copy(update={"slices": tuple(f for f in item.slices if not computed[f.slice])})
        now, drawn = before.result.masks[0] > 0, []
        for fixed in prompts.objects[place].slices:
            if computed[fixed.slice]:
                item = item.fixing(fixed)
            elif fixed.mask is not None and fixed.mask == encode_mask(now[fixed.slice]):
                item = item.fixing(fixed)
                drawn.append(fixed.slice)  # by hand, and propagated from: no edit any more
        if drawn:
            _note(before, drawn, now)
        _write_record(before, PromptSet(axis=result.axis, objects=(item,)), scores, window, now)


def _write_record(
    segment: SegmentResult, prompts: PromptSet, scores: SegmentationResult, window: str, now: NDArray[np.bool_]
) -> None:
    """The record of the segment, whose slices are these by now."""
    masks = now[None].astype(np.uint8)
    name = prompts.objects[0].name
    result = SegmentationResult(masks, scores.computed, scores.presence, scores.predicted_iou, segment.axis, (name,))
    result.crops.update(dict.fromkeys((name,), *scores.crops.values()) if scores.crops else {})
    result.ways[name] = scores.ways_of(name)
    record = correction_record(prompts, result, window)
    grid = labelmap.grid_image(segment.volume_node, segment.node)
    edited = corrections.corrected_slices(segment.node, segment.segment_id, grid, segment.axis, now)
    numbers = tuple(_UNKNOWN if i in edited else number for i, number in enumerate(record.check_numbers[0]))
    record = record.model_copy(update={"check_numbers": (numbers,)})
    write_record(segment.node, segment.segment_id, record)


def _stack(segment: SegmentResult) -> NDArray[np.bool_]:
    """The slices of the segment as they are now."""
    grid = labelmap.grid_image(segment.volume_node, segment.node)
    return labelmap.segment_stack(segment.node, segment.segment_id, grid, segment.axis)


def _note_first(segment: SegmentResult, slices: Iterable[int], now: NDArray[np.bool_]) -> None:
    """As `_note`, where nothing is known yet of the segment on this grid."""
    grid = labelmap.grid_image(segment.volume_node, segment.node)
    if not corrections.is_noted(segment.node, segment.segment_id, grid):
        _note(segment, slices, now)


def _note(segment: SegmentResult, slices: Iterable[int], now: NDArray[np.bool_]) -> None:
    """Have these slices count as what was computed, as they are among all of them by now."""
    grid = labelmap.grid_image(segment.volume_node, segment.node)
    corrections.note_written(segment.node, segment.segment_id, grid, segment.axis, slices, now)


def _writer(segment: SegmentResult, overwrite: bool) -> SegmentWriter:
    described = segment.node.GetSegmentation().GetSegment(segment.segment_id)
    if segment.node.GetScene() is None or described is None:
        raise InputError("The segment was removed from the scene: the correction has no place.")
    target = Target(_described(described), segment.segment_id)
    return SegmentWriter(segment.volume_node, segment.axis, [target], segment.node, overwrite, keep_corrections=False)


def _described(segment: Any) -> Segment:
    terminology = labelmap.segment_tag(segment, segment.GetTerminologyEntryTagName())
    return Segment(segment.GetName(), tuple(segment.GetColor()), terminology)


def _fits(prompts: PromptSet, shape: tuple[int, ...]) -> bool:
    """Whether all that is fixed lies on such a stack."""
    try:
        prompts.validate_for((shape[0], shape[1], shape[2]))
    except InputError:
        return False
    return True
