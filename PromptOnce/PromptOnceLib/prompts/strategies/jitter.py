"""Points and boxes shifted at random, as Huang et al. imitate a user's hand.

Source: Huang et al., Segment Anything Model for Medical Images? (MedIA 2024), section 4.10 and table 8. All coordinates
are slice pixels, x = column, y = row.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from PromptOnceLib.errors import PromptError
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point

BoxChange = Literal["move", "enlarge"]

SHIFT_LEVELS = ((0, 10), (10, 20), (20, 30))
"""Shifts in pixels, lowest and highest, of table 8."""


def jittered(
    prompt: ObjectPrompt,
    shape: tuple[int, int],
    low: float,
    high: float,
    seed: int | np.random.Generator = 0,
    box_change: BoxChange = "move",
) -> ObjectPrompt:
    """The prompt with every point and the box shifted by a random distance of low..high pixels (table 8).

    shape: (rows, columns) of the slice. seed: of numpy.random.default_rng, or a generator; the same one gives the same
    shifts, the box's first, then those of the points in their order.

    The paper says that boxes and points are enlarged or moved by the pixels of a range, and nothing of how these are
    drawn. Here distances are uniform in the range and directions uniform, and nothing is rounded. Every point moves on
    its own; a positive point may leave the object, as a user's click may. A box is moved as a whole like a point
    ("move"), or each of its sides outwards by a distance of its own ("enlarge"). What would leave the image stops at
    its border, so that shifts can be shorter there; of a box at least one row and one column of pixels stay (or its own
    width and height, where it is smaller). A shift of 0 changes nothing.

    Raises PromptError for a mask prompt and for shifts that are not 0 <= low <= high.
    """
    if prompt.mask is not None:
        raise PromptError("A mask cannot be shifted. Use a prompt of a box or points.")
    if not (0 <= low <= high < math.inf):
        raise PromptError(f"A shift goes from a lowest to a highest distance in pixels, not from {low} to {high}.")
    rng = np.random.default_rng(seed)
    rows, columns = shape
    box = prompt.box
    if box is not None:
        left, up, right, down = _enlargement(rng, low, high) if box_change == "enlarge" else _move(rng, low, high)
        x0, x1 = _span_inside(box.x0 + left, box.x1 + right, columns)
        y0, y1 = _span_inside(box.y0 + up, box.y1 + down, rows)
        box = Box(x0=x0, y0=y0, x1=x1, y1=y1)
    points = []
    for point in prompt.points:
        x, y, _, _ = _move(rng, low, high)
        points.append(
            Point(
                x=min(max(point.x + x, -0.5), columns - 0.5),
                y=min(max(point.y + y, -0.5), rows - 0.5),
                positive=point.positive,
            )
        )
    return prompt.model_copy(update={"box": box, "points": tuple(points)})


def _move(rng: np.random.Generator, low: float, high: float) -> tuple[float, float, float, float]:
    """One shift for the left, upper, right and lower side."""
    distance, angle = rng.uniform(low, high), rng.uniform(0, 2 * math.pi)
    x, y = float(distance * math.cos(angle)), float(distance * math.sin(angle))
    return x, y, x, y


def _enlargement(rng: np.random.Generator, low: float, high: float) -> tuple[float, float, float, float]:
    """Outward shifts of the left, upper, right and lower side."""
    left, up, right, down = (float(distance) for distance in rng.uniform(low, high, 4))
    return -left, -up, right, down


def _span_inside(lower: float, upper: float, length: int) -> tuple[float, float]:
    """One side of a box cut at the image's border; where that leaves less than a pixel, the border's pixel."""
    low, high = max(lower, -0.5), min(upper, float(length))
    if high - low >= min(1.0, upper - lower):
        return low, high
    return (0.0, 1.0) if lower < 0 else (float(length - 1), float(length))
