"""A result as its file keeps it: masks, and where PromptOnce wrote it, what is settled and how sure the model was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.correction_record import TAG, CorrectionRecord
from PromptOnceLib.cases.mirrored_record import in_order_of
from PromptOnceLib.cases.on_grid import on_grid
from PromptOnceLib.cases.segment_records import joined_record, record_of_object, record_of_segments
from PromptOnceLib.errors import InputError, SegmentationFileError
from PromptOnceLib.imaging.stack import AXIS_NAMES, check_slice, parse_axis, slices_along
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.prompts.prompt import encode_mask
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptedObject, PromptSet, SliceState
from PromptOnceLib.segmentation.formats.seg_nrrd import read_tags
from PromptOnceLib.segmentation.io import read_segmentation
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.segmentation.segment import Segment


@dataclass(frozen=True, eq=False)
class RecordedResult:
    """window: name of the one the result was made under; frames: check number of the frames it was made from, None
    where the file does not tell. notices: for the user.
    """

    segments: tuple[Segment, ...]
    geometry: Geometry
    result: SegmentationResult
    prompts: PromptSet
    window: str | None
    frames: int | None
    notices: tuple[str, ...]


def read_recorded_result(
    path: Path, axis: str = "auto", right_slices: Sequence[int] = (), grid: Geometry | None = None
) -> RecordedResult:
    """Read a segmentation, with what it carries for corrections where it is a .seg.nrrd written by PromptOnce.

    axis: of the slices where the file does not tell, as parse_axis takes it; another one than the file's is refused.
    right_slices: slices that are right as they are, which count as accepted for every object they show. grid: of the
    image, onto which the masks are brought.

    Slices that another program changed since count as corrected by hand, which a notice says. Raises
    SegmentationFileError, InputError, GeometryError where the voxels are not those of the grid.
    """
    file = read_segmentation(path)
    if not file.segments:
        raise SegmentationFileError(f"{path.name} holds no segments. Choose another file.")
    segments, masks, geometry = file if grid is None else on_grid(file, grid, path)
    tags = read_tags(path, TAG) if path.name.lower().endswith(".seg.nrrd") else []
    record = record_of_segments(tags, [segment.name for segment in segments]) if any(tags) else None
    asked = parse_axis(axis, geometry).axis
    chosen = asked if record is None else record.axis
    if asked != chosen and axis.strip().lower() != "auto":
        raise InputError(f"{path.name} was made of slices along {AXIS_NAMES[chosen]}: leave out the other axis.")
    in_stack = np.ascontiguousarray(np.stack([slices_along(mask, chosen) for mask in masks]))
    result = _unscored(in_stack, chosen, segments)
    prompts = PromptSet(
        axis=chosen,
        objects=tuple(PromptedObject(name=s.name, color=s.color, terminology=s.terminology) for s in segments),
    )
    notices: list[str] = []
    if record is not None:
        prompts = _recorded(record, prompts, result, path.name, notices)
    for index in right_slices:
        check_slice(index, len(result.computed))
        for place, name in enumerate(result.names):
            if result.masks[place, index].any():
                prompts = _settled(prompts, result, name, index, "accepted")
    window, frames = (None, None) if record is None else (record.window, record.frames)
    return RecordedResult(tuple(segments), geometry, result, prompts, window, frames, tuple(notices))


def _recorded(
    record: CorrectionRecord, prompts: PromptSet, result: SegmentationResult, file: str, notices: list[str]
) -> PromptSet:
    """The prompts of the record for the objects that it knows; its scores become the result's."""
    known = {item.name: place for place, item in enumerate(record.prompts.objects)}
    presence, predicted_iou = record.scores()
    fits = presence.shape == predicted_iou.shape == (len(known), result.masks.shape[1])
    if not fits or not known.keys() & set(result.names):
        notices.append(f"{file} was changed by another program: what was settled in it is not known any more.")
        return prompts
    alone = [record_of_object(record, number) for number in known.values()]
    for name, number in known.items():
        if name in result.names:
            alone[number] = in_order_of(alone[number], result.masks[result.names.index(name)] > 0)
    record = joined_record(record, alone)
    presence, predicted_iou = record.scores()
    result.crops.update(record.crops)
    result.ways.update(record.ways)
    objects = []
    for own, item in enumerate(prompts.objects):
        place = known.get(item.name)
        if place is not None:
            result.presence[own], result.predicted_iou[own] = presence[place], predicted_iou[place]
            item = record.prompts.objects[place]
        objects.append(item)
    prompts = prompts.model_copy(update={"objects": tuple(objects)})
    scored = [own for own, name in enumerate(result.names) if name in known]
    result.computed[:] = ~np.isnan(result.predicted_iou[scored]).all(axis=0)  # SAM (version 1) tells no presence
    for own in scored:
        name = result.names[own]
        changed = record.changed_slices(known[name], result.masks[own])
        for index in changed:
            prompts = _settled(prompts, result, name, index, "corrected")
        if changed:
            places = f"slice {changed[0]}" if len(changed) == 1 else f"{len(changed)} slices"
            notices.append(f"{name}: {places} changed since {file} was written; they count as corrected by hand.")
    return prompts


def _settled(prompts: PromptSet, result: SegmentationResult, name: str, index: int, state: SliceState) -> PromptSet:
    mask = result.masks[result.names.index(name), index] > 0
    return prompts.fixing(name, FixedSlice(slice=index, state=state, mask=encode_mask(mask)))


def _unscored(masks: NDArray[np.uint8], axis: int, segments: Sequence[Segment]) -> SegmentationResult:
    """A result of which nobody knows how sure the model was."""
    unknown = np.full(masks.shape[:2], np.nan, np.float32)
    names = tuple(segment.name for segment in segments)
    return SegmentationResult(masks, np.ones(masks.shape[1], bool), unknown, unknown.copy(), axis, names)
