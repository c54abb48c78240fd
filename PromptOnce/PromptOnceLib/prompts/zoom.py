"""Zoom: the network sees a part of each slice, the same one on all of them, instead of the whole.

SAM 2 brings every frame to a square of its own size, and its masks have a quarter of that. What is small on the slice
is then a few pixels to it. A crop around what is marked shows it larger, and keeps what looks alike elsewhere out.
Measured: training/README.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from pydantic import Field

from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.views.crop import NAMED_ZOOMS, Crop, Extent, Zoom, joined
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, encode_mask
from PromptOnceLib.schema import StrictModel


class Sight(StrictModel):
    """What is to be seen of the slices. crops: of objects by name, what an earlier run saw of them, instead of zoom."""

    zoom: Zoom = "auto"
    crops: dict[str, Crop] = Field(default_factory=dict)

    def crop_of(self, prompts: Sequence[ObjectPrompt], shape: tuple[int, int], input_size: int) -> Crop:
        """What is seen of slices of the shape (rows, columns) for the object of these prompts, on one slice each."""
        earlier = self.crops.get(prompts[0].name)
        if earlier is not None:
            return crop_holding(prompts, earlier, shape)
        return crop_of(prompts, shape, self.zoom, input_size)


AUTO_FACTOR = 2.0
"""Chosen on generated phantoms, of 1.5, 2, 2.5 and 3."""
ENOUGH = 256
"""Pixels of the network: what is so long is not enlarged any further, so that large networks keep more around it."""
LARGEST_SHARE = 0.4
"""By "auto", a crop that is more than this share of the slice shows hardly more than all of it: then nothing is cut."""
_LEAST = 32  # pixels of the slice a side: fewer hold no structure to go by
_STEPS = 4  # lengths between one and its double; crops stand still while somebody drags a box by a few pixels


def zoom_from_text(text: str) -> Zoom:
    """What a user writes: auto, off, or a factor. Raises InputError."""
    word = text.strip().lower()
    for named in NAMED_ZOOMS:
        if word == named:
            return named
    try:
        factor = float(word)
    except ValueError:
        factor = math.nan
    if not 1 <= factor <= 100:
        raise InputError(f"{text[:40]!r} is no zoom: it is auto, off, or a factor from 1 to 100.")
    return factor


def crop_of(prompts: Iterable[ObjectPrompt], shape: tuple[int, int], zoom: Zoom, input_size: int) -> Crop:
    """What is seen of slices of the shape (rows, columns) for one object; all of them where there is no need to zoom.

    prompts: of the object, on as many slices as it is marked on. input_size: side of the network's input in pixels. The
    crop is a square around boxes, masks and positive points, moved and cut to lie in the slice. It depends on nothing
    else, so that every front end gets the same one. Points alone say nothing of a size: all is seen.
    """
    whole = Crop.whole(shape)
    marked = list(prompts)
    sized = joined([one for one in (marked_area(item) for item in marked) if one is not None])
    if zoom == "off" or sized is None:
        return whole
    extent = joined([sized, *(one for item in marked for one in _positive(item))])
    assert extent is not None
    length = max(extent[2] - extent[0], extent[3] - extent[1])
    factor = max(AUTO_FACTOR, input_size / ENOUGH) if zoom == "auto" else zoom
    crop = _square(extent, max(factor * length, _LEAST), shape)
    if zoom == "auto" and crop.rows * crop.columns > LARGEST_SHARE * whole.rows * whole.columns:
        return whole
    return crop


def crop_holding(prompts: Iterable[ObjectPrompt], crop: Crop, shape: tuple[int, int]) -> Crop:
    """The crop of an earlier run for marks that came later: the same, or one around both where it does not hold them.

    A crop that does not lie in the slice, as one of another image, becomes the whole slice.
    """
    if not crop.fits(shape):
        return Crop.whole(shape)
    later = [one for item in prompts for one in (marked_area(item), *_positive(item)) if one is not None]
    outside = [extent for extent in later if not crop.holds(extent)]
    if not outside:
        return crop
    around = joined([(crop.row, crop.column, crop.row + crop.rows, crop.column + crop.columns), *outside])
    assert around is not None
    return _square(around, max(around[2] - around[0], around[3] - around[1]), shape)


def seen_in(prompt: ObjectPrompt, crop: Crop) -> ObjectPrompt:
    """A prompt in pixels of a crop that holds it; negative points outside are left out: there is only background."""
    box = prompt.box
    if box is not None:
        right, bottom = float(crop.columns), float(crop.rows)
        box = Box(
            x0=max(-0.5, box.x0 - crop.column),
            y0=max(-0.5, box.y0 - crop.row),
            x1=min(right, box.x1 - crop.column),
            y1=min(bottom, box.y1 - crop.row),
        )
    points = [Point(x=p.x - crop.column, y=p.y - crop.row, positive=p.positive) for p in prompt.points]
    inside = [p for p in points if -0.5 <= p.x <= crop.columns - 0.5 and -0.5 <= p.y <= crop.rows - 0.5]
    mask = None if prompt.mask is None else encode_mask(crop.of(prompt.mask_array()))
    return prompt.model_copy(update={"box": box, "points": tuple(inside), "mask": mask})


def _square(extent: Extent, length: float, shape: tuple[int, int]) -> Crop:
    """A square about the middle of an extent, at least so long, as far as it fits the slice."""
    side = math.ceil(2 ** (math.ceil(_STEPS * math.log2(length) - 1e-9) / _STEPS))
    grid = max(1, side // 16)
    places = []
    for first, last, room in ((extent[0], extent[2], shape[0]), (extent[1], extent[3], shape[1])):
        taken = min(side, room)
        start = grid * round(((first + last) / 2 - taken / 2) / grid)
        start = min(max(start, last - taken), first) if last - first <= taken else start
        places.append((min(max(start, 0), room - taken), taken))
    (row, rows), (column, columns) = places
    return Crop(row=row, column=column, rows=rows, columns=columns)


def marked_area(item: ObjectPrompt) -> Extent | None:
    """The extent of the box or the mask, in whole pixels of the slice; None for points alone."""
    if item.mask is not None:
        mask = item.mask_array()
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if len(rows) == 0:
            return None
        return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
    if item.box is None:
        return None
    box = item.box
    return max(0, math.floor(box.y0)), max(0, math.floor(box.x0)), math.ceil(box.y1), math.ceil(box.x1)


def _positive(item: ObjectPrompt) -> list[Extent]:
    """Of the pixels that the positive points lie in."""
    pixels = [(max(0, round(p.y)), max(0, round(p.x))) for p in item.points if p.positive]
    return [(row, column, row + 1, column + 1) for row, column in pixels]
