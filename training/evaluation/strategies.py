"""The prompt strategies S2 to S6 of Huang et al., and the random shifts with which they imitate a user's hand.

Source: Huang et al., Segment Anything Model for Medical Images? (MedIA 2024), section 3.3, figure 5 (strategies) and
section 4.10, table 8 (shifts). All coordinates are slice pixels, x = column, y = row.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import PromptError
from PromptOnceLib.prompts.from_mask import Mask, tight_box
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point

Seed = int | np.random.Generator

SHIFT_LEVELS = ((0, 10), (10, 20), (20, 30))
"""Shifts in pixels, lowest and highest, of table 8."""


class Strategy(str, Enum):
    """What the user is taken to mark; the value is the paper's name. S1, "everything", needs no prompt."""

    ONE_POINT = "S2"
    FIVE_POINTS = "S3"
    FIVE_POSITIVE_FIVE_NEGATIVE = "S4"
    BOX = "S5"
    BOX_AND_POINT = "S6"


# Strategy: box, positive points, negative points.
_CONTENTS = {
    Strategy.ONE_POINT: (False, 1, 0),
    Strategy.FIVE_POINTS: (False, 5, 0),
    Strategy.FIVE_POSITIVE_FIVE_NEGATIVE: (False, 5, 5),
    Strategy.BOX: (True, 0, 0),
    Strategy.BOX_AND_POINT: (True, 1, 0),
}


def prompt_by_strategy(mask: NDArray[Any], strategy: Strategy, seed: Seed = 0, name: str = "object") -> ObjectPrompt:
    """Prompt for an object whose mask is known; the same mask and seed give the same prompt.

    mask: bool or numbers (rows, columns), other than 0 = object. seed: of numpy.random.default_rng, or a generator.

    * Box: tight, with exclusive upper bounds.
    * First positive point: the pixel that holds the centre of mass, when it belongs to the object.
    * Other positive points: the object's remaining pixels in the order of the flattened mask are cut into as many equal
      stretches as points are needed, and every stretch gives the pixel at one common place, which the seed chooses. The
      paper does not say where its uniform samples start; so they lie evenly, never coincide, and can be varied.
    * Negative points: in the same way from the pixels beside the object whose centres lie in a box twice as wide and
      high as the tight one about the same centre.

    Positive points come first. Where the object, or what is beside it in that box, has fewer pixels than points are
    needed, every pixel gives one point; so an object that fills the image gets no negative point. Raises PromptError
    for an empty mask.
    """
    if mask.ndim != 2:
        raise PromptError(f"A prompt is made from one slice; this mask has the shape {mask.shape}.")
    region: Mask = mask != 0
    box = tight_box(region)
    rng = np.random.default_rng(seed)
    with_box, positive, negative = _CONTENTS[Strategy(strategy)]
    return ObjectPrompt(
        name=name,
        box=box if with_box else None,
        points=(
            *_points(_positive_pixels(region, positive, rng), positive=True),
            *_points(_evenly(_surroundings(region, box), negative, rng), positive=False),
        ),
    )


def jittered(
    prompt: ObjectPrompt,
    shape: tuple[int, int],
    low: float,
    high: float,
    seed: Seed = 0,
    box_change: Literal["move", "enlarge"] = "move",
) -> ObjectPrompt:
    """The prompt with every point and the box shifted by a random distance of low..high pixels (table 8).

    shape: (rows, columns) of the slice. Every point moves on its own, as far as its own distance, in its own direction;
    a positive point may leave the object, as a user's click may. The paper enlarges or moves the box without saying
    which when: "move" shifts the whole box like a point, "enlarge" shifts each of its sides outwards by a distance of
    its own. What would leave the image stops at its border, so that shifts can be shorter there; of a box at least one
    row and one column of pixels stay (or its own width and height, where it is smaller). A shift of 0 changes nothing.
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


def _positive_pixels(mask: Mask, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Up to count pixels of the mask, intp (P, 2) of row, column: the centre of mass if inside, then even samples."""
    pixels = np.argwhere(mask)
    # Pass a pixel is added before truncation, because pixel i reaches from i - 0.5 to i + 0.5.
    centre = (2 * pixels.sum(0) + len(pixels)) // (2 * len(pixels))
    if count == 0 or not mask[tuple(centre)]:
        return _evenly(pixels, count, rng)
    others = pixels[(pixels != centre).any(1)]
    return np.concatenate([centre[None], _evenly(others, count - 1, rng)])


def _surroundings(mask: Mask, box: Box) -> NDArray[np.intp]:
    """Pixels that are not mask in the box enlarged two times, intp (P, 2) of row, column, row by row."""
    height, width = box.y1 - box.y0, box.x1 - box.x0
    rows, columns = np.indices(mask.shape)
    # Twice the distance of a pixel's centre from the middle of the object's first and last pixel, x0 and x1 - 1.
    near = (abs(2 * rows + 1 - box.y0 - box.y1) <= 2 * height) & (abs(2 * columns + 1 - box.x0 - box.x1) <= 2 * width)
    return np.argwhere(near & ~mask)


def _evenly(pixels: NDArray[np.intp], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Up to count of the pixels, at equal steps from a random start (systematic sampling)."""
    count = min(count, len(pixels))
    if count == 0:
        return pixels[:0]
    steps = (np.arange(count) + rng.random()) * len(pixels) / count
    return pixels[np.minimum(steps.astype(np.intp), len(pixels) - 1)]


def _points(pixels: NDArray[np.intp], positive: bool) -> list[Point]:
    return [Point(x=column, y=row, positive=positive) for row, column in pixels]


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
