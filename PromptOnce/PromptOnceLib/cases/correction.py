"""A result that was saved, made ready to be corrected on the image it was made from, and written again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PromptOnceLib.cases.case import Case, prepare_case
from PromptOnceLib.cases.correction_record import check_number, correction_record
from PromptOnceLib.cases.recorded_result import RecordedResult, read_recorded_result
from PromptOnceLib.cases.segment_records import tags_of
from PromptOnceLib.errors import InputError
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.files.stamp import FileStamp, file_stamp
from PromptOnceLib.imaging.volume import Array, Volume
from PromptOnceLib.prompts.prompt_set import PromptSet
from PromptOnceLib.segmentation.io import write_segmentation
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.segmentation.segment import Segment


@dataclass(frozen=True, eq=False)
class SavedResult:
    """A result as it was read. case: the image with the prompts, under the window the result was made under.

    stamp: of the file when it was read. original: whether nothing in it was corrected or accepted before, as far as it
    tells. notices: for the user, the case's not included.
    """

    case: Case
    result: SegmentationResult
    segments: tuple[Segment, ...]
    stamp: FileStamp
    original: bool = False
    notices: tuple[str, ...] = ()

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

    axis, right_slices: see read_recorded_result. window: where the file does not tell, as prepare_case takes it.
    reference: labels on the volume's grid, KJI.

    Raises SegmentationFileError, GeometryError where the segmentation has other voxels than the volume, InputError.
    """
    stamp = file_stamp(path) if path.is_file() else None
    recorded = read_recorded_result(path, axis, right_slices, volume.geometry)
    assert stamp is not None  # or it would not have been read
    case = prepare_case(volume, recorded.prompts, window=recorded.window or window, reference=reference)
    notices = recorded.notices
    if recorded.frames not in (None, check_number(case.stack.frames)):
        notices += (f"The image is not the one that {path.name} was made from, or was changed: look whether it fits.",)
    return SavedResult(case, recorded.result, recorded.segments, stamp, _is_original(recorded), notices)


def _is_original(recorded: RecordedResult) -> bool:
    """Whether a run has left the result as it is; False for files that do not tell."""
    objects = recorded.prompts.objects
    return any(item.slices for item in objects) and not any(item.settled for item in objects)


def write_saved_result(path: Path, saved: SavedResult, target: Path | None = None) -> tuple[str, ...]:
    """Write a corrected result in place of the file it was read from, which is kept as .bak where there is none yet.
    A new run into the same file is kept in place of the result of the one before.

    target: another file, in place of all that. Returns notices of the writing. Raises SegmentationFileError, and
    InputError where the file has changed since it was read: then it stays as it is.
    """
    if not path.is_file() or file_stamp(path, saved.stamp).sha256 != saved.stamp.sha256:
        raise InputError(
            f"{path.name} was changed by another program while it was being corrected, and stays as it is now. Correct "
            "it again."
        )
    backup = path.with_name(path.name + ".bak")
    if target is None and (saved.original or not backup.exists()):
        with replacing(backup) as temporary:
            shutil.copy2(path, temporary)
    masks = [saved.result.to_volume_order(i) for i in range(len(saved.segments))]
    geometry = saved.case.volume.geometry
    stack, dicom = saved.case.stack, saved.case.volume.dicom
    record = correction_record(saved.case.prompt, saved.result, stack.window.name, stack.frames)
    return write_segmentation(target or path, masks, saved.segments, geometry, tags_of(record), dicom)
