"""What a result carries so that it can be corrected later: its prompts and fixed slices, and how sure the model was.

The record stands in a .seg.nrrd file as a tag of its first segment, where 3D Slicer keeps it. It holds no path, no name
but those of the objects, and nothing of the image.
"""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from PromptOnceLib.errors import SegmentationFileError
from PromptOnceLib.imaging.crop import Crop, Zoom
from PromptOnceLib.prompts.conditioning import AnyPrompt
from PromptOnceLib.prompts.prompt import Prompt, encode_mask
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptedObject, PromptSet
from PromptOnceLib.schema import StrictModel
from PromptOnceLib.segmentation.result import SegmentationResult

TAG = "PromptOnce.Record"
_MOST_BYTES = 64 * 2**20  # far above any record; a tag that grows beyond it when unpacked was made to hurt

Scores = tuple[tuple[float | None, ...], ...]


class CorrectionRecord(StrictModel):
    """axis: array axis (0, 1, 2 = k, j, i) of the slices. window: as window_from_text takes it. prompts: what is fixed.

    presence, predicted_iou: 0 to 1 by object and slice, None where a slice was not computed. crops, zoom, interpolated:
    as SegmentationResult has them; in records of older versions whole slices were seen.
    """

    version: Literal[1] = 1
    axis: int
    window: str
    prompts: PromptSet
    presence: Scores
    predicted_iou: Scores
    crops: dict[str, Crop] = Field(default_factory=dict)
    zoom: Zoom = "off"
    interpolated: bool = False

    def to_tag(self) -> str:
        """The record as text without blanks and bars; from_tag gives an equal one back."""
        return base64.urlsafe_b64encode(zlib.compress(self.model_dump_json(exclude_none=False).encode(), 9)).decode()

    @classmethod
    def from_tag(cls, text: str) -> CorrectionRecord:
        """Raises SegmentationFileError for what is no record, or one of a newer version."""
        try:
            unpacked = zlib.decompressobj()
            content = unpacked.decompress(base64.urlsafe_b64decode(text), _MOST_BYTES)
            if unpacked.unconsumed_tail or not unpacked.eof:
                raise ValueError("too large, or cut off")
            return cls.model_validate_json(content)
        except (binascii.Error, zlib.error, ValueError, ValidationError) as error:
            raise SegmentationFileError(
                "The prompts in this segmentation cannot be read: it was changed, or written by a newer version. Name "
                "slices that are right instead.",
                type(error).__name__,
            ) from error

    def result(self, masks: NDArray[np.uint8]) -> SegmentationResult:
        """The result with these masks, uint8 0 or 1 (objects, n, rows, columns).

        Raises SegmentationFileError where they are not of this record.
        """
        presence, predicted_iou = (_numbers(scores) for scores in (self.presence, self.predicted_iou))
        names = tuple(item.name for item in self.prompts.objects)
        if presence.shape != masks.shape[:2] or predicted_iou.shape != masks.shape[:2] or len(names) != len(masks):
            raise SegmentationFileError("The segmentation does not fit its prompts: it was changed by another program.")
        computed = np.asarray(~np.isnan(presence).all(axis=0))
        seen = dict(self.crops), self.zoom, self.interpolated
        return SegmentationResult(masks, computed, presence, predicted_iou, self.axis, names, *seen)


def correction_record(prompt: AnyPrompt, result: SegmentationResult, window: str) -> CorrectionRecord:
    """The record of a result. A run from seeds of other images has its start slice as it was found for a fixed one."""
    if isinstance(prompt, PromptSet):
        prompts = prompt
    elif isinstance(prompt, Prompt):
        prompts = PromptSet.of(prompt)
    else:
        masks = result.masks[:, prompt.slice]
        prompts = PromptSet(
            axis=result.axis,
            objects=tuple(
                PromptedObject(
                    name=item.name,
                    color=item.color,
                    terminology=item.terminology,
                    slices=(FixedSlice(slice=prompt.slice, mask=encode_mask(mask > 0)),),
                )
                for item, mask in zip(prompt.objects, masks, strict=True)
            ),
        )
    return CorrectionRecord(
        axis=result.axis,
        window=window,
        prompts=prompts,
        presence=_plain(result.presence),
        predicted_iou=_plain(result.predicted_iou),
        crops=result.crops,
        zoom=result.zoom,
        interpolated=result.interpolated,
    )


def _plain(scores: NDArray[np.float32]) -> Scores:
    return tuple(tuple(round(float(v), 4) if math.isfinite(v) else None for v in row) for row in scores)


def _numbers(scores: Scores) -> NDArray[np.float32]:
    return np.array([[math.nan if v is None else v for v in row] for row in scores], np.float32)
