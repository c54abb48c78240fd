"""How much a shaky hand costs: prompts shifted as in Huang et al. (MedIA 2024), section 4.10, table 8.

Box and points are shifted by 0 to 10, 10 to 20 and 20 to 30 pixels of the slice brought to 256 x 256, which is what the
model sees, so that a shift means the same in an image of any size. The box is moved as a whole, every point by itself,
each in a direction of its own and by a length drawn evenly from the range; what would leave the image stops at its
border. Three draws a range, the same for every checkpoint.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.imaging.views.crop import Zoom
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point
from PromptOnceLib.prompts.strategies.jitter import SHIFT_LEVELS, jittered
from training.evaluation.scores import Example, seed_dice

DRAWS = 3
_GRID = (256, 256)

Level = tuple[int, int]
Shape = tuple[int, int]


@dataclass(frozen=True)
class Jitter:
    """Dice on the prompted slice with box and points as they are, and for each range of shifts one for each draw."""

    group: str
    image: str
    name: str
    visible: bool
    unshifted: float
    shifted: dict[str, list[float]]


def jitter(tracker: Tracker, example: Example, zoom: Zoom = "off") -> Jitter:
    """Seed-slice Dice of one example under shifted prompts; zoom: as a user chooses it."""
    found = {
        level_name(level): [seed_dice(tracker, example, shifted(example, level, draw), zoom) for draw in range(DRAWS)]
        for level in SHIFT_LEVELS
    }
    unshifted = seed_dice(tracker, example, example.prompt, zoom)
    return Jitter(example.group, example.image, example.name, example.visible, unshifted, found)


def level_name(level: Level) -> str:
    """The range as in the paper's table."""
    return f"{level[0]}-{level[1]}"


def shifted(example: Example, level: Level, draw: int) -> ObjectPrompt:
    """The example's prompt after one draw of shifts."""
    shape = example.frames.shape[1:]
    # By name, so that a shift does not depend on what else is evaluated.
    rng = np.random.default_rng((zlib.crc32(str(example).encode()), level[0], draw))
    on_grid = _resized(example.prompt, shape, _GRID)
    return _resized(jittered(on_grid, _GRID, *level, rng), _GRID, shape)


def _resized(prompt: ObjectPrompt, old: Shape, new: Shape) -> ObjectPrompt:
    """The prompt on a slice brought from one (rows, columns) to another, kept inside it."""
    (rows, columns), y, x = new, new[0] / old[0], new[1] / old[1]
    points = tuple(
        Point(x=_within(p.x * x, columns - 0.5), y=_within(p.y * y, rows - 0.5), positive=p.positive)
        for p in prompt.points
    )
    box = prompt.box
    if box is not None:
        box = Box(
            x0=_within(box.x0 * x, columns),
            y0=_within(box.y0 * y, rows),
            x1=_within(box.x1 * x, columns),
            y1=_within(box.y1 * y, rows),
        )
    return prompt.model_copy(update={"box": box, "points": points})


def _within(value: float, upper: float) -> float:
    return float(np.clip(value, -0.5, upper))
