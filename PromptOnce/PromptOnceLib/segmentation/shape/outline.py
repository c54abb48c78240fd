"""The outline of an object on a slice as a polygon, and what a polygon encloses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Polygon = NDArray[np.float64]
"""Corners in order, float64 (n, 2) of x = column, y = row; the last is joined to the first."""

# By heading (east, south, west, north): the step of a corner, and from the corner where it led, the pixels ahead on the
# left and on the right. A corner (row, column) is the upper left one of the pixel (row, column).
_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))
_AHEAD_LEFT = ((-1, 0), (0, 0), (0, -1), (-1, -1))
_AHEAD_RIGHT = ((0, 0), (0, -1), (-1, -1), (-1, 0))


def outline_of(mask: Mask) -> Polygon:
    """The outer outline of the largest 8-connected region of a mask, clockwise as it is seen; holes are not outlined.

    mask: bool (rows, columns), not empty; its border counts as background. The polygon goes through the middle of every
    pixel edge between region and background, as marching squares have it: it encloses the centres of the region's
    pixels and of no pixel outside, also of an object one pixel wide.
    """
    region = np.pad(_largest(mask), 1)
    row, column = (int(part) for part in np.argwhere(region)[0])
    start = at = (row, column, 0)
    middles: list[tuple[float, float]] = []
    while not middles or at != start:
        row, column, heading = at
        down, right = _STEPS[heading]
        middles.append((column + right / 2, row + down / 2))
        row, column = row + down, column + right
        at = (row, column, _turned(region, row, column, heading))
    return np.array(middles) - 1.5  # half a pixel from corner to centre, one for the padding


def filled(polygon: Polygon, origin: tuple[int, int], shape: tuple[int, int]) -> Mask:
    """Pixels whose centre a polygon encloses, bool of the shape (rows, columns); where it crosses itself, by the
    even-odd rule. origin: (row, column) of the first pixel.
    """
    rows, columns = shape
    corners = polygon - (origin[1], origin[0])
    x0, y0 = corners.T
    x1, y1 = np.roll(corners, -1, axis=0).T
    line = np.arange(rows)[:, None]
    row, edge = np.nonzero((y0 <= line) != (y1 <= line))
    x = x0[edge] + (row - y0[edge]) * (x1[edge] - x0[edge]) / (y1[edge] - y0[edge])
    crossings = np.zeros((rows, columns + 1), np.intp)
    np.add.at(crossings, (row, np.clip(np.ceil(x), 0, columns).astype(np.intp)), 1)
    inside: Mask = np.cumsum(crossings, axis=1)[:, :-1] % 2 == 1
    return inside


def _turned(region: Mask, row: int, column: int, heading: int) -> int:
    """Where the edge goes on from a corner, the region on its right: left before straight on before right."""
    down, right = _AHEAD_LEFT[heading]
    if region[row + down, column + right]:
        return (heading - 1) % 4
    down, right = _AHEAD_RIGHT[heading]
    return heading if region[row + down, column + right] else (heading + 1) % 4


def _largest(mask: Mask) -> Mask:
    import SimpleITK as sitk  # not at the top: a figure or two need it

    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    # Sorted by size, so that the largest is number 1.
    regions = sitk.RelabelComponent(sitk.ConnectedComponent(image, True))
    largest: Mask = sitk.GetArrayFromImage(regions) == 1
    return largest
