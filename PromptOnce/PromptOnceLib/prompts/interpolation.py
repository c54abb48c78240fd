"""Boxes between boxes: an object that is boxed on some slices is prompted on all slices between them.

The sides of a box go linearly with the position of the slice from one box to the next. Points belong to the slice that
they were put on.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

from PromptOnceLib.errors import PromptError
from PromptOnceLib.prompts.conditioning import AnyPrompt
from PromptOnceLib.prompts.from_mask import tight_box
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt
from PromptOnceLib.prompts.prompt_set import PromptedObject, PromptSet


def check_interpolation(prompt: AnyPrompt) -> None:
    """Raise PromptError unless there are boxes to interpolate between, for every object that is marked at all."""
    if not isinstance(prompt, PromptSet):
        raise PromptError(
            "Boxes are interpolated between two slices or more, and only one is prompted. Draw a box on the first and "
            "on the last slice that show the object, or have it tracked."
        )
    for item in prompt.objects:
        if item.slices:
            check_boxes(item)


def check_boxes(item: PromptedObject) -> dict[int, Box]:
    """The same for one object; its boxes by slice."""
    boxes = _boxes(item)
    if len(boxes) < 2:
        raise PromptError(
            f'Object "{item.name}": boxes are interpolated between two slices or more. Draw a box on the first and on '
            "the last slice that show it, or have it tracked."
        )
    return boxes


def interpolated(item: PromptedObject) -> dict[int, ObjectPrompt]:
    """The object's prompts by slice, from its first box to its last, fixed slices with their own marks.

    A mask counts as the box around it. The object ends with the first and the last box, unless a slice beyond them is
    marked otherwise. Raises PromptError as check_boxes.
    """
    boxes = check_boxes(item)
    found = {}
    for (low, first), (high, last) in pairwise(sorted(boxes.items())):
        for index in range(low + 1, high):
            box = _between(first, last, (index - low) / (high - low))
            found[index] = ObjectPrompt(name=item.name, color=item.color, terminology=item.terminology, box=box)
    return {**found, **dict(item.prompts())}


def affected(item: PromptedObject, changed: Collection[int], slices: range) -> set[int]:
    """Of these slices those that change with the prompts of the `changed` ones: up to the next box on either side."""
    boxes, found = sorted(_boxes(item)), set()
    for index in changed:
        after = max((other for other in boxes if other < index), default=slices.start - 1)
        before = min((other for other in boxes if other > index), default=slices.stop)
        found |= set(range(after + 1, before)) & set(slices)
    return found


def _boxes(item: PromptedObject) -> dict[int, Box]:
    """By slice; none where the object is said not to be."""
    found = {}
    for index, prompt in item.prompts():
        if prompt.is_absent:
            continue
        if prompt.mask is not None:
            found[index] = tight_box(prompt.mask_array())
        elif prompt.box is not None:
            found[index] = prompt.box
    return found


def _between(first: Box, last: Box, share: float) -> Box:
    sides = ("x0", "y0", "x1", "y1")
    return Box(**{side: (1 - share) * getattr(first, side) + share * getattr(last, side) for side in sides})
