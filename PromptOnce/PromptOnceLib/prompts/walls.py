"""Other segments as walls: what belongs to them is no object's, and points on them say so on the prompted slice."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.prompts.prompt import ObjectPrompt, Point, Prompt
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptSet

M = TypeVar("M", ObjectPrompt, FixedSlice)

Walls = NDArray[np.bool_]
"""(n, rows, columns) as the slices of a stack: what belongs to others."""

MOST_POINTS = 3
"""Negative points that a slice gets at most."""

_SMALLEST = 9  # pixels of a region that is worth a point
_MARGIN = 0.25  # of the box's size: so near a neighbour is one that the mask may leak into


def kept_out(masks: NDArray[np.uint8], walls: Walls | None, index: int) -> NDArray[np.uint8]:
    """Masks (..., rows, columns) of a slice without what belongs to others there."""
    return masks if walls is None else np.where(walls[index], np.uint8(0), masks)


def with_points_on_walls(prompt: Prompt | PromptSet, walls: Walls) -> Prompt | PromptSet:
    """The prompt with negative points on the walls beside its boxes: in the middle of the largest regions there.

    Objects that are marked by a mask, or by points without a box, stay as they are.
    """
    if isinstance(prompt, Prompt):
        marked = tuple(_pointed(item, walls[prompt.slice]) for item in prompt.objects)
        return prompt.model_copy(update={"objects": marked})
    objects = []
    for item in prompt.objects:
        slices = tuple(_pointed(fixed, walls[fixed.slice]) for fixed in item.slices)
        objects.append(item.model_copy(update={"slices": slices}))
    return prompt.model_copy(update={"objects": tuple(objects)})


def _pointed(marks: M, walls: NDArray[np.bool_]) -> M:
    return marks.model_copy(update={"points": (*marks.points, *_points(marks, walls))})


def _points(item: ObjectPrompt | FixedSlice, walls: NDArray[np.bool_]) -> list[Point]:
    """On the walls in and around an object's box, the largest region first."""
    box = item.box
    if box is None:
        return []
    rows, columns = walls.shape
    reach_x, reach_y = _MARGIN * (box.x1 - box.x0), _MARGIN * (box.y1 - box.y0)
    left, right = int(max(0, box.x0 - reach_x)), int(min(columns, box.x1 + reach_x + 1))
    up, down = int(max(0, box.y0 - reach_y)), int(min(rows, box.y1 + reach_y + 1))
    import SimpleITK as sitk  # not at the top: few prompts have walls

    near = np.ascontiguousarray(walls[up:down, left:right]).astype(np.uint8)
    regions = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(near), True))
    sizes = np.bincount(regions.ravel())[1:]
    points = []
    for number in np.argsort(-sizes, kind="stable")[:MOST_POINTS]:
        if sizes[number] >= _SMALLEST:
            row, column = _deepest(regions == number + 1)
            points.append(Point(x=left + column, y=up + row, positive=False))
    return points


def _deepest(region: NDArray[np.bool_]) -> tuple[int, int]:
    """Row and column of the pixel of a region that lies farthest from its border."""
    import SimpleITK as sitk

    padded = sitk.GetImageFromArray(np.pad(region, 1).astype(np.uint8))
    depth = sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(padded, insideIsPositive=True, squaredDistance=False))
    row, column = np.unravel_index(depth[1:-1, 1:-1].argmax(), region.shape)
    return int(row), int(column)
