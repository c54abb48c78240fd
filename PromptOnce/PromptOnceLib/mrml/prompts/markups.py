"""What markups say about a stack: points and boxes in slice pixels, whoever made the nodes."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import slicer

from PromptOnceLib.mrml.grid import Floats, StackGrid, volume_to_world
from PromptOnceLib.prompts.prompt import Box


def defined_points(grid: StackGrid, node: Any) -> list[tuple[int, Floats]]:
    """Number and (slice, x, y) of every point that is placed; one that still follows the mouse is not."""
    defined = slicer.vtkMRMLMarkupsNode.PositionDefined
    return [
        (number, grid.from_world(node.GetNthControlPointPositionWorld(number)))
        for number in range(node.GetNumberOfControlPoints())
        if node.GetNthControlPointPositionStatus(number) == defined
    ]


def is_placed(roi: Any) -> bool:
    """Whether a ROI is complete; after the first of two clicks it has no size."""
    complete = roi.GetNumberOfControlPoints() > 0 and roi.GetControlPointPlacementComplete()
    return bool(complete) and sum(size > 0 for size in roi.GetSize()) >= 2


def roi_corners(grid: StackGrid, roi: Any) -> Floats:
    """Slice, x and y (8, 3) of the corners of a ROI, whatever its orientation."""
    half = np.array(roi.GetSize()) / 2
    corners = np.array([[*(half * signs), 1.0] for signs in product((-1, 1), repeat=3)])
    # Not its object-to-world matrix, which Slicer makes orthogonal where a parent transform shears.
    to_world = volume_to_world(roi) @ slicer.util.arrayFromVTKMatrix(roi.GetObjectToNodeMatrix())
    return np.array([grid.from_world((to_world @ corner)[:3]) for corner in corners])


def box_of(grid: StackGrid, roi: Any) -> Box:
    """The smallest box in slice pixels around a ROI; one that reaches over the border of the image is cut there."""
    return _cut(grid, roi_corners(grid, roi)[:, 1:])


def box_between(grid: StackGrid, first: Floats, second: Floats) -> Box | None:
    """The box between two opposite corners (slice, x, y), cut at the border of the image; None for one that is there
    nowhere a pixel wide and high, and so encloses nothing.
    """
    box = _cut(grid, np.array([first, second])[:, 1:])
    _, rows, columns = grid.shape
    lies_in_image = box.x0 < columns and box.y0 < rows and box.x1 > -0.5 and box.y1 > -0.5
    return box if lies_in_image and min(box.x1 - box.x0, box.y1 - box.y0) >= 1.0 else None


def _cut(grid: StackGrid, corners: Floats) -> Box:
    """The smallest box around corners (x, y)."""
    (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
    _, rows, columns = grid.shape
    if x0 < columns and y0 < rows and x1 > -0.5 and y1 > -0.5:  # else the prompt's checks say that it lies outside
        x0, y0, x1, y1 = max(x0, -0.5), max(y0, -0.5), min(x1, columns), min(y1, rows)
    return Box(x0=x0, y0=y0, x1=x1, y1=y1)
