"""What the tests of prompts share: a mask, points, and prompts on one slice."""

from __future__ import annotations

import numpy as np

from PromptOnceLib.prompts.prompt import ObjectPrompt, Point, Prompt

MASK = np.zeros((40, 60), dtype=bool)
MASK[10:20, 15:30] = True


def point(x: float, y: float, positive: bool = True) -> Point:
    return Point(x=x, y=y, positive=positive)


def prompt(*objects: ObjectPrompt, index: int = 3) -> Prompt:
    return Prompt(axis=0, slice=index, objects=objects)
