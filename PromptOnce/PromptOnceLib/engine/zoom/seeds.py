"""Zoom after a shared seed: the object is looked for on the whole start slice first, then seen in a crop around it.

The frames of the seed are cropped alike in millimetres, about their own object, so that it is seen as large and at the
same place as in the stack.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from PromptOnceLib.engine.propagation import Task
from PromptOnceLib.engine.transfer import SliceOutput
from PromptOnceLib.engine.zoom.views import Views
from PromptOnceLib.imaging.views.crop import Crop, Zoom
from PromptOnceLib.prompts.conditioning import ConditioningFrame
from PromptOnceLib.prompts.from_mask import tight_box
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.prompts.zoom import crop_of, marked_area, seen_in


def zoomed_after_seeds(
    views: Views, task: Task, zoom: Zoom, crops: dict[str, Crop]
) -> Iterator[tuple[int, SliceOutput]]:
    """The task's objects one after the other, each with its place; masks on the whole slices.

    task: with the conditioning frames as they are. crops: takes what is seen of each object, as soon as that is known.
    An object that is not found on the start slice, and one whose seed does not fit a crop of that size, is seen on
    whole slices.
    """
    look = replace(task, first=task.seed, last=task.seed, direction="forward", alone=True)
    (seen,) = views.whole.run(look)
    size = views.whole.tracker.model.image_size
    for place, item in enumerate(task.objects):
        frames = [replace(frame, objects=(frame.objects[place],)) for frame in task.conditioning]
        crop, cropped = Crop.whole(views.shape), frames
        if seen.masks[place].any():
            found = ObjectPrompt(name=item.name, box=tight_box(seen.masks[place] > 0))
            wanted = crop_of([found], views.shape, zoom, size)
            alike = [_alike(frame, found, wanted) for frame in frames]
            if wanted != crop and None not in alike:
                crop, cropped = wanted, [one for one in alike if one is not None]
        crops[item.name] = crop
        for output in views.at(crop).run(replace(task, objects=[item], conditioning=cropped)):
            yield place, views.on_whole_slice(output, crop)


def _alike(frame: ConditioningFrame, found: ObjectPrompt, crop: Crop) -> ConditioningFrame | None:
    """A frame of one object, cropped as the stack is; None where its object does not fit such a crop.

    found: the object in the stack, on its start slice.
    """
    (item,) = frame.objects
    own, other = marked_area(item), marked_area(found)
    if own is None or other is None:
        return None
    row, rows = _span(own[0::2], other[0::2], (crop.row, crop.rows), frame.scale[0], frame.frame.shape[0])
    column, columns = _span(own[1::2], other[1::2], (crop.column, crop.columns), frame.scale[1], frame.frame.shape[1])
    alike = Crop(row=row, column=column, rows=rows, columns=columns)
    if not alike.holds(own):
        return None
    return ConditioningFrame(np.ascontiguousarray(alike.of(frame.frame)), (seen_in(item, alike),), frame.scale)


def _span(own: Sequence[int], other: Sequence[int], crop: tuple[int, int], scale: float, room: int) -> tuple[int, int]:
    """Where a frame is cut along one side, and how long the part is: the middle of its object lies in it as the middle
    of the other one lies in the crop (start, length) of the stack.
    """
    start, length = crop
    share = (sum(other) / 2 - start) / length
    taken = min(room, max(1, round(length * scale)))
    return min(max(0, round(sum(own) / 2 - share * taken)), room - taken), taken
