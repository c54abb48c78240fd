"""A seed brought to the slices of another volume: turned, mirrored, and brought to their field of view.

SAM 2 squashes every frame to a square of its own size, so frames of any size can follow each other. What a pixel of
this square means in millimetres then differs between frames of different fields of view. Two ways to deal with it:

"stretch", the default: nothing is done, as in Prompt Once. Right where the field of view follows the body, as in X-rays
and in most CT and MR, where it is chosen for each patient: the body then fills the square alike.
"millimetres": the frame is cropped or padded with black about its centre to the volume's field of view, so that a pixel
of the square means about as many mm in the seed as in the volume. For fields of view that differ where bodies do not,
as in crops of one scan. Nothing is resampled: what remains of the frame is as the model saw it when the seed was
accepted.

On two chest CTs of one scanner, fields of view 349 and 420 mm, stretching was better both ways, by a Dice of 0.083 and
0.003; on crops of the hippocampus millimetres were, by 0.09. On generated patients whose fields of view differ by up to
a third neither was, by more than 0.012 (python -m benchmarks.seeds fields real).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import SeedError
from PromptOnceLib.imaging.orientation import DisplayView, FrameOrientation, turn_between
from PromptOnceLib.imaging.stack import pixel_spacing
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.prompts.conditioning import ConditioningFrame
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, encode_mask
from PromptOnceLib.seeds.seed import MOST_PIXELS, Seed, SeedObject

Fit = Literal["stretch", "millimetres"]
DEFAULT_FIT: Fit = "stretch"
By = Literal["prompt", "mask"]


@dataclass(frozen=True, eq=False)
class SeedPicture:
    """A seed's frame, masks and objects in some orientation and on some part of the plane; spacing of rows, columns."""

    name: str
    frame: NDArray[np.uint8]
    masks: tuple[NDArray[np.bool_], ...]
    objects: tuple[SeedObject, ...]
    spacing: tuple[float, float]


def fit_seed(seed: Seed, geometry: Geometry, axis: int, how: Fit | None = None, by: By = "prompt") -> ConditioningFrame:
    """The seed as a frame before the slices of a volume along an array axis (0, 1, 2 = k, j, i).

    how: see the module's docstring; None for the default. by: the box and points as drawn, or the accepted mask; an
    object without box and positive points has its mask in both cases, also where "millimetres" has cut these off.

    Raises SeedError for a seed of another plane, and where nothing of an object is left.
    """
    orientation = FrameOrientation.of(geometry, axis)
    picture = turned(seed, orientation)
    between_rows, between_columns, _ = pixel_spacing(geometry, axis)
    if (how or DEFAULT_FIT) == "millimetres":
        rows, columns = (geometry.shape[other] for other in range(3) if other != axis)
        picture = to_field_of_view(picture, (rows * between_rows, columns * between_columns))
    pairs = zip(picture.objects, picture.masks, strict=True)
    prompts = tuple(_prompt(item, mask, by, picture.name) for item, mask in pairs)
    scale = between_rows / picture.spacing[0], between_columns / picture.spacing[1]
    return ConditioningFrame(picture.frame, prompts, scale)


def turned(seed: Seed, wanted: FrameOrientation) -> SeedPicture:
    """The seed in another orientation of the same plane; pixels are only moved. Raises SeedError for another plane."""
    view = turn_between(seed.record.orientation, wanted)
    shape = seed.record.shape
    return SeedPicture(
        name=seed.name,
        frame=np.ascontiguousarray(view.of_slices(seed.frame)),
        masks=tuple(np.ascontiguousarray(view.of_slices(mask)) for mask in seed.masks),
        objects=tuple(_turned_object(item, view, shape) for item in seed.record.objects),
        spacing=view.of_spacing(seed.record.spacing[:2]),
    )


def to_field_of_view(picture: SeedPicture, millimetres: tuple[float, float]) -> SeedPicture:
    """The picture cropped or padded with 0 about its centre to a height and width in mm, to the nearest whole pixel.

    Boxes are clipped, points outside dropped. Raises SeedError for a picture of more than MOST_PIXELS.
    """
    rows, columns = (max(1, round(mm / step)) for mm, step in zip(millimetres, picture.spacing, strict=True))
    if rows * columns > MOST_PIXELS:
        raise SeedError(
            f'The seed "{picture.name}" has pixels far smaller than the image. Choose another seed, or fit it by '
            "stretching."
        )
    shape = picture.frame.shape
    down, right = (rows - shape[0]) // 2, (columns - shape[1]) // 2
    return replace(
        picture,
        frame=_moved(picture.frame, (rows, columns), down, right),
        masks=tuple(_moved(mask, (rows, columns), down, right) for mask in picture.masks),
        objects=tuple(_moved_object(item, (rows, columns), down, right) for item in picture.objects),
    )


def _turned_object(item: SeedObject, view: DisplayView, shape: tuple[int, int]) -> SeedObject:
    rows, columns = shape[::-1] if view.exchange else shape

    def turn(x: float, y: float) -> tuple[float, float]:
        if view.exchange:
            x, y = y, x
        return columns - 1 - x if view.mirror_columns else x, rows - 1 - y if view.mirror_rows else y

    points = []
    for point in item.points:
        x, y = turn(point.x, point.y)
        points.append(Point(x=x, y=y, positive=point.positive))
    box = None
    if item.box is not None:
        (x0, y0), (x1, y1) = turn(item.box.x0, item.box.y0), turn(item.box.x1, item.box.y1)
        box = _clipped(Box(x0=x0, y0=y0, x1=x1, y1=y1), (rows, columns))
    return item.model_copy(update={"box": box, "points": tuple(points)})


def _moved_object(item: SeedObject, shape: tuple[int, int], down: int, right: int) -> SeedObject:
    rows, columns = shape
    points = [Point(x=point.x + right, y=point.y + down, positive=point.positive) for point in item.points]
    inside = [p for p in points if -0.5 <= p.x <= columns - 0.5 and -0.5 <= p.y <= rows - 0.5]
    box = item.box
    if box is not None:
        moved = Box(x0=box.x0 + right, y0=box.y0 + down, x1=box.x1 + right, y1=box.y1 + down)
        box = _clipped(moved, shape)
    return item.model_copy(update={"box": box, "points": tuple(inside)})


def _clipped(box: Box, shape: tuple[int, int]) -> Box | None:
    """The part of a box that a prompt may have on a slice of the shape (rows, columns); None where nothing is left."""
    rows, columns = shape
    x0, x1 = max(box.x0, -0.5), min(box.x1, columns)
    y0, y1 = max(box.y0, -0.5), min(box.y1, rows)
    # A sliver beyond the last pixel's centre holds no pixel.
    if x1 <= x0 or y1 <= y0 or x0 > columns - 0.5 or y0 > rows - 0.5:
        return None
    return Box(x0=x0, y0=y0, x1=x1, y1=y1)


def _moved(array: NDArray[Any], shape: tuple[int, int], down: int, right: int) -> NDArray[Any]:
    """The array on a canvas of 0 of the shape (rows, columns), moved; what falls beside it is cut off."""
    canvas = np.zeros(shape, dtype=array.dtype)
    to_rows, from_rows = _overlap(array.shape[0], shape[0], down)
    to_columns, from_columns = _overlap(array.shape[1], shape[1], right)
    canvas[to_rows, to_columns] = array[from_rows, from_columns]
    return canvas


def _overlap(count: int, room: int, offset: int) -> tuple[slice, slice]:
    """Where `count` pixels moved by `offset` land among `room` pixels, and which of them do."""
    start, stop = max(0, offset), min(room, count + offset)
    return slice(start, stop), slice(start - offset, stop - offset)


def _prompt(item: SeedObject, mask: NDArray[np.bool_], by: By, seed_name: str) -> ObjectPrompt:
    drawn = item.box is not None or any(point.positive for point in item.points)
    described = ObjectPrompt(name=item.name, color=item.color, terminology=item.terminology)
    if by == "prompt" and drawn:
        return described.model_copy(update={"box": item.box, "points": item.points})
    if not mask.any():
        raise SeedError(
            f'Nothing of "{item.name}" in the seed "{seed_name}" lies in the field of view of this image. Choose '
            "another seed, or fit it by stretching."
        )
    return described.model_copy(update={"mask": encode_mask(mask)})
