"""What the tests of prompts share: a mask, points, prompts on one slice, and the points of a selection."""

from __future__ import annotations

import numpy as np

from PromptOnceLib.prompts.from_mask import PromptSelection
from PromptOnceLib.prompts.prompt import ObjectPrompt, Point, Prompt

MASK = np.zeros((40, 60), dtype=bool)
MASK[10:20, 15:30] = True


def point(x: float, y: float, positive: bool = True) -> Point:
    return Point(x=x, y=y, positive=positive)


def prompt(*objects: ObjectPrompt, index: int = 3) -> Prompt:
    return Prompt(axis=0, slice=index, objects=objects)


def positives(selection: PromptSelection) -> list[tuple[float, float]]:
    return [(p.x, p.y) for p in selection.prompt.points if p.positive]


def negative(selection: PromptSelection) -> tuple[float, float]:
    """The negative point, which has to be the last and only one."""
    *others, last = selection.prompt.points
    assert not last.positive
    assert all(p.positive for p in others)
    return last.x, last.y
