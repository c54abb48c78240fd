"""A result that was saved, made ready to be corrected on the image it was made from."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.case import Case, prepare_case
from PromptOnceLib.cases.correction_record import TAG, CorrectionRecord, correction_record
from PromptOnceLib.errors import GeometryError, InputError
from PromptOnceLib.files.atomic import failure_sentence
from PromptOnceLib.imaging.stack import parse_axis, slices_along
from PromptOnceLib.imaging.volume import Array, Volume
from PromptOnceLib.prompts.prompt import encode_mask
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptedObject, PromptSet
from PromptOnceLib.segmentation.io import read_segmentation, write_segmentation
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.segmentation.seg_nrrd import read_tag
from PromptOnceLib.segmentation.segment import Segment


@dataclass(frozen=True, eq=False)
class SavedResult:
    """A result as it was read. case: the image with the prompts, under the window the result was made under."""

    case: Case
    result: SegmentationResult
    segments: tuple[Segment, ...]

    @property
    def prompts(self) -> PromptSet:
        """What is fixed."""
        assert isinstance(self.case.prompt, PromptSet)
        return self.case.prompt


def read_saved_result(
    volume: Volume,
    path: Path,
    axis: str = "auto",
    window: str = "auto",
    right_slices: Sequence[int] = (),
    reference: Array | None = None,
) -> SavedResult:
    """Read a segmentation of a volume, with its prompts where it was written by this project as .seg.nrrd.

    axis, window: for a segmentation without prompts, as prepare_case takes them. right_slices: slices that are right as
    they are, which count as accepted for every object they show. reference: labels on the volume's grid, KJI.

    Raises SegmentationFileError, GeometryError where the segmentation does not lie on the volume's grid, InputError.
    """
    segments, masks, geometry = read_segmentation(path)
    if not geometry.same_grid(volume.geometry):
        raise GeometryError(
            f"{path.name} does not lie on the grid of the image. Give the image that the segmentation was made from."
        )
    tag = read_tag(path, TAG) if path.name.lower().endswith(".seg.nrrd") else None
    record = None if tag is None else CorrectionRecord.from_tag(tag)
    chosen = parse_axis(axis, geometry).axis if record is None else record.axis
    in_stack = np.ascontiguousarray(np.stack([slices_along(mask, chosen) for mask in masks]))
    if record is None:
        objects = tuple(PromptedObject(name=s.name, color=s.color, terminology=s.terminology) for s in segments)
        prompts, result = PromptSet(axis=chosen, objects=objects), _unscored(in_stack, chosen, segments)
    else:
        prompts, result, window = record.prompts, record.result(in_stack), record.window
    prompts = _with_right_slices(prompts, result, right_slices)
    case = prepare_case(volume, prompts, window=window, reference=reference)
    return SavedResult(case, result, tuple(segments))


def _unscored(masks: NDArray[np.uint8], axis: int, segments: Sequence[Segment]) -> SegmentationResult:
    """A result of which nobody knows how sure the model was."""
    unknown = np.full(masks.shape[:2], np.nan, np.float32)
    names = tuple(segment.name for segment in segments)
    return SegmentationResult(masks, np.ones(masks.shape[1], bool), unknown, unknown.copy(), axis, names)


def _with_right_slices(prompts: PromptSet, result: SegmentationResult, right: Sequence[int]) -> PromptSet:
    for index in right:
        if not 0 <= index < result.masks.shape[1]:
            raise InputError(f"There is no slice {index}: the volume has slices 0 to {result.masks.shape[1] - 1}.")
        for name, mask in zip(result.names, result.masks[:, index], strict=True):
            if mask.any():
                accepted = FixedSlice(slice=index, state="accepted", mask=encode_mask(mask > 0))
                prompts = prompts.fixing(name, accepted)
    return prompts


def write_saved_result(path: Path, saved: SavedResult) -> tuple[str, ...]:
    """Write a corrected result in place of the file it was read from, which is kept as .bak where there is none yet.

    Returns notices of the writing. Raises SegmentationFileError.
    """
    backup = path.with_name(path.name + ".bak")
    if not backup.exists():
        try:
            shutil.copy2(path, backup)
        except OSError as error:
            raise InputError(failure_sentence(backup, error), repr(error)) from error
    masks = [saved.result.to_volume_order(i) for i in range(len(saved.segments))]
    geometry = saved.case.volume.geometry
    record = correction_record(saved.case.prompt, saved.result, saved.case.stack.window.name)
    return write_segmentation(path, masks, saved.segments, geometry, {TAG: record.to_tag()}, saved.case.volume.dicom)
