"""Segments added to a result that is there already, with what that result carries for corrections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.correction_record import TAG, CorrectionRecord
from PromptOnceLib.cases.on_grid import on_grid
from PromptOnceLib.cases.segment_records import joined_record, record_of_object, record_of_segments
from PromptOnceLib.errors import OutputExistsError, SegmentationFileError
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.segmentation.formats.seg_nrrd import read_tags
from PromptOnceLib.segmentation.io import SegmentationFile, read_segmentation
from PromptOnceLib.segmentation.segment import Segment


@dataclass(frozen=True, eq=False)
class AllSegments:
    """Everything that a file is to hold. record: None where the corrections' data of both do not go together."""

    segments: list[Segment]
    masks: list[NDArray[np.uint8]]
    record: CorrectionRecord | None
    notices: tuple[str, ...] = ()


def check_addable(path: Path, geometry: Geometry, names: Sequence[str], overwrite: bool) -> None:
    """Before the work: whether segments of these names can be added to a file.

    Raises SegmentationFileError for a file that is none or keeps no names, GeometryError for another grid,
    OutputExistsError for a name that it has already, unless that is to be overwritten.
    """
    there = {segment.name.casefold(): segment.name for segment in _read(path, geometry).segments}
    taken = [there[name.casefold()] for name in names if name.casefold() in there]
    if taken and not overwrite:
        raise OutputExistsError(f"{path.name} has a segment {', '.join(taken)} already: give the new one another name.")


def with_added(
    path: Path,
    geometry: Geometry,
    segments: Sequence[Segment],
    masks: Sequence[NDArray[np.uint8]],
    record: CorrectionRecord,
) -> AllSegments:
    """The segments of a file and new ones behind them, or in the place of those of the same names.

    masks: KJI, 0 or 1, on the grid of the image. Errors as of check_addable.
    """
    file = _read(path, geometry)
    new = {segment.name.casefold() for segment in segments}
    kept = [place for place, segment in enumerate(file.segments) if segment.name.casefold() not in new]
    old = record_of_segments(read_tags(path, TAG), [segment.name for segment in file.segments])
    joined = None if old is None else _joined(old, kept, record, len(file.segments))
    notices: tuple[str, ...] = ()
    if joined is None:
        notices = (
            f"{path.name} carries no prompts any more: those of its segments and the new ones have another axis or "
            "window, or were not there. Corrections have to name slices that are right.",
        )
    return AllSegments(
        [*(file.segments[place] for place in kept), *segments],
        [*(file.masks[place] for place in kept), *masks],
        joined,
        notices,
    )


def _read(path: Path, geometry: Geometry) -> SegmentationFile:
    if not path.name.lower().endswith(".seg.nrrd"):
        raise SegmentationFileError(f"{path.name}: segments are added to a .seg.nrrd, which keeps names and overlaps.")
    return on_grid(read_segmentation(path), geometry, path)


def _joined(old: CorrectionRecord, kept: list[int], new: CorrectionRecord, count: int) -> CorrectionRecord | None:
    same = (old.axis, old.window, old.frames, len(old.prompts.objects)) == (new.axis, new.window, new.frames, count)
    if not same:
        return None
    return joined_record(new, [*(record_of_object(old, place) for place in kept), new])
