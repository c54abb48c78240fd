"""Records of results on images whose voxels stand in another order by now.

3D Slicer turns an image whose axes are left-handed, as many NIfTI images have them, into a right-handed one when it
reads the file: the voxels come in the opposite order along k. These are the slices of a stack along k, and the rows of
all others. What a record says of slices and pixels counts in the order of the image that it was made on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.correction_record import CorrectionRecord, check_numbers
from PromptOnceLib.files.png import decode_mask, encode_mask
from PromptOnceLib.prompts.prompt import Box
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptedObject


def mirrored_stack(stack: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    """Slices (slice, row, column) along an array axis with the voxels in the opposite order along k; a view."""
    return stack[::-1] if axis == 0 else stack[:, ::-1]


def in_order_of(record: CorrectionRecord, stack: NDArray[np.bool_]) -> CorrectionRecord:
    """The record of one object, for these slices of it: mirrored where more of them are as the record says then."""
    numbers = np.array(record.check_numbers[0] if record.check_numbers else (), np.int64)
    if len(numbers) != len(stack):
        return record
    as_it_is = np.count_nonzero(numbers == check_numbers(stack.view(np.uint8)))
    if as_it_is == len(numbers):
        return record
    opposite = np.count_nonzero(numbers == check_numbers(mirrored_stack(stack, record.axis).view(np.uint8)))
    return _mirrored(record, stack.shape) if opposite > as_it_is else record


def _mirrored(record: CorrectionRecord, shape: tuple[int, ...]) -> CorrectionRecord:
    (item,) = record.prompts.objects
    objects = (mirrored_object(item, record.axis, shape),)
    changed: dict[str, Any] = {"prompts": record.prompts.model_copy(update={"objects": objects})}
    if record.axis == 0:
        for name in ("presence", "predicted_iou", "check_numbers"):
            changed[name] = tuple(row[::-1] for row in getattr(record, name))
    else:
        crops = record.crops.items()
        changed["crops"] = {n: c.model_copy(update={"row": shape[1] - c.row - c.rows}) for n, c in crops}
    return record.model_copy(update=changed)


def mirrored_object(item: PromptedObject, axis: int, shape: tuple[int, ...]) -> PromptedObject:
    """An object that is marked on slices of a stack (slices, rows, columns), on the mirrored one."""
    fixed = sorted((_mirrored_slice(one, axis, shape) for one in item.slices), key=lambda one: one.slice)
    return item.model_copy(update={"slices": tuple(fixed)})


def _mirrored_slice(fixed: FixedSlice, axis: int, shape: tuple[int, ...]) -> FixedSlice:
    if axis == 0:
        return fixed.model_copy(update={"slice": shape[0] - 1 - fixed.slice})
    last, box = shape[1] - 1, fixed.box
    return fixed.model_copy(
        update={
            "box": None if box is None else Box(x0=box.x0, x1=box.x1, y0=last - box.y1, y1=last - box.y0),
            "points": tuple(p.model_copy(update={"y": last - p.y}) for p in fixed.points),
            "mask": None if fixed.mask is None else encode_mask(decode_mask(fixed.mask)[::-1]),
        }
    )
