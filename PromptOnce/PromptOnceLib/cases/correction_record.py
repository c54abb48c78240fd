"""What a result carries so that it can be corrected later: its prompts and fixed slices, and how sure the model was.

In a .seg.nrrd file every segment carries the record of itself as a tag, which 3D Slicer keeps, also where it renames or
removes segments; older versions wrote one of all objects with the first segment. A record holds no path, no name but
those of the objects, and nothing of the image but a check number.
"""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from dataclasses import asdict
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from PromptOnceLib.errors import SegmentationFileError
from PromptOnceLib.imaging.views.crop import Crop, Zoom
from PromptOnceLib.prompts.conditioning import AnyPrompt
from PromptOnceLib.prompts.prompt import Prompt, encode_mask
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptedObject, PromptSet
from PromptOnceLib.schema import StrictModel
from PromptOnceLib.segmentation.pieces.clean_up import CleanUp
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.segmentation.ways import Between, Ways

TAG = "PromptOnce.Record"
_MOST_BYTES = 64 * 2**20  # far above any record; a tag that grows beyond it when unpacked was made to hurt

Scores = tuple[tuple[float | None, ...], ...]


class CorrectionRecord(StrictModel):
    """axis: array axis (0, 1, 2 = k, j, i) of the slices. window: as window_from_text takes it. prompts: what is fixed.

    presence, predicted_iou: 0 to 1 by object and slice, None where a slice was not computed. check_numbers: of the
    masks by object and slice, to notice what another program changed; none in records that were written without.
    frames: the same of all frames of the stack, to notice another image. crops, ways: as SegmentationResult has them.
    zoom, between, clean_up, fill_hole_area: the ways of all objects that `ways` does not name, which is in memory only,
    as a file holds records of single objects; in records of older versions whole slices were seen.
    """

    version: Literal[1] = 1
    axis: Annotated[int, Field(ge=0, le=2)]
    window: str
    prompts: PromptSet
    presence: Scores
    predicted_iou: Scores
    crops: dict[str, Crop] = Field(default_factory=dict)
    zoom: Zoom = "off"
    between: Between = "track"
    clean_up: CleanUp = "connected"
    fill_hole_area: Annotated[int, Field(ge=0)] = 0
    ways: dict[str, Ways] = Field(default_factory=dict, exclude=True)
    check_numbers: tuple[tuple[int, ...], ...] = ()
    frames: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _older_versions_said_whether_boxes_were_interpolated(cls, record: Any) -> Any:
        if isinstance(record, dict) and isinstance(record.get("interpolated"), bool):
            record = dict(record)
            record["between"] = "interpolate" if record.pop("interpolated") else "track"
        return record

    @model_validator(mode="after")
    def _rows_are_as_long_as_each_other(self) -> CorrectionRecord:
        tables = [self.presence, self.predicted_iou, *([self.check_numbers] if self.check_numbers else [])]
        if len({tuple(map(len, table)) for table in tables}) > 1 or len(set(map(len, self.presence))) > 1:
            raise ValueError("scores of different numbers of objects or slices")
        return self

    def to_tag(self) -> str:
        """The record as text without blanks and bars; from_tag gives an equal one back."""
        return base64.urlsafe_b64encode(zlib.compress(self.model_dump_json(exclude_none=False).encode(), 9)).decode()

    @classmethod
    def from_tag(cls, text: str) -> CorrectionRecord:
        """Raises SegmentationFileError for what is no record, or one of a newer version."""
        try:
            unpacked = zlib.decompressobj()
            content = unpacked.decompress(base64.urlsafe_b64decode(text), _MOST_BYTES)
            if not unpacked.eof:
                raise ValueError("too large, or cut off")
            return cls.model_validate_json(content)
        except (binascii.Error, zlib.error, ValueError, ValidationError) as error:
            raise SegmentationFileError(
                "The prompts in this segmentation cannot be read: it was changed, or written by a newer version. Name "
                "slices that are right instead.",
                type(error).__name__,
            ) from error

    def ways_of(self, name: str) -> Ways:
        """How the object of this name was made."""
        return self.ways.get(name) or Ways(self.zoom, self.between, self.clean_up, self.fill_hole_area)

    def scores(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Presence and predicted IoU, float32 (objects, n), NaN where a slice was not computed."""
        return _numbers(self.presence), _numbers(self.predicted_iou)

    def changed_slices(self, place: int, masks: NDArray[np.uint8]) -> tuple[int, ...]:
        """Slices of the object at this place whose masks, uint8 (n, rows, columns), are not those of the record."""
        if not self.check_numbers:
            return ()
        numbers = zip(check_numbers(masks), self.check_numbers[place], strict=True)
        return tuple(index for index, (now, then) in enumerate(numbers) if now != then)


def correction_record(
    prompt: AnyPrompt, result: SegmentationResult, window: str, frames: NDArray[np.uint8] | None = None
) -> CorrectionRecord:
    """The record of a result, and of the frames it was made from."""
    prompts = settled_prompts(prompt, result)
    return CorrectionRecord(
        axis=result.axis,
        window=window,
        prompts=prompts,
        presence=_plain(result.presence),
        predicted_iou=_plain(result.predicted_iou),
        crops=result.crops,
        **asdict(result.ways_of(prompts.objects[0].name)),
        ways=result.ways,
        check_numbers=tuple(check_numbers(masks) for masks in result.masks),
        frames=None if frames is None else check_number(frames),
    )


def settled_prompts(prompt: AnyPrompt, result: SegmentationResult) -> PromptSet:
    """What is fixed in a result. A run from seeds of other images has its start slice as it was found."""
    if isinstance(prompt, PromptSet):
        return prompt
    if isinstance(prompt, Prompt):
        return PromptSet.of(prompt)
    objects = tuple(
        PromptedObject(
            name=item.name,
            color=item.color,
            terminology=item.terminology,
            slices=(FixedSlice(slice=prompt.slice, mask=encode_mask(mask > 0)),),
        )
        for item, mask in zip(prompt.objects, result.masks[:, prompt.slice], strict=True)
    )
    return PromptSet(axis=result.axis, objects=objects)


def check_number(frames: NDArray[np.uint8]) -> int:
    """A number for all frames of a stack, another one for others."""
    number = 0
    for frame in frames:
        number = zlib.crc32(np.ascontiguousarray(frame).data, number)
    return number


def check_numbers(masks: NDArray[np.uint8]) -> tuple[int, ...]:
    """A number for every slice of masks (n, rows, columns), other ones for other masks; not 0 is the object."""
    return tuple(zlib.crc32(np.packbits(mask != 0).tobytes()) for mask in masks)


def _plain(scores: NDArray[np.float32]) -> Scores:
    return tuple(tuple(round(float(v), 4) if math.isfinite(v) else None for v in row) for row in scores)


def _numbers(scores: Scores) -> NDArray[np.float32]:
    return np.array([[math.nan if v is None else v for v in row] for row in scores], np.float32)
