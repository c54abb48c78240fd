"""Prompts for slices that are segmented each by itself, as images, with nothing remembered of the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from PromptOnceLib.errors import PromptError
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptedObject, PromptSet

Proposals = Literal["single", "best", "all"]
"""Which masks of a prompt are taken: the one that SAM gives for a clear prompt, the best by its own estimate of the
three that it gives for an ambiguous one, or all three (`multimask_output` of SamPredictor.predict: off, on, on).
"""

PROPOSED = 3
"""So many masks an ambiguous prompt gets."""


def each_slice(prompts: Mapping[int, ObjectPrompt]) -> PromptSet:
    """One object with its prompt on each of these slices, by their index; the first prompt names it.

    Raises PromptError where there is no prompt.
    """
    if not prompts:
        raise PromptError("No slice is prompted. Mark the object on one slice at least.")
    first = prompts[min(prompts)]
    slices = tuple(
        FixedSlice(slice=index, box=item.box, points=item.points, mask=item.mask) for index, item in prompts.items()
    )
    marked = PromptedObject(name=first.name, color=first.color, terminology=first.terminology, slices=slices)
    return PromptSet(objects=(marked,))


def check_each_slice(prompts: PromptSet, shape: tuple[int, int, int]) -> None:
    """Raise PromptError unless each prompt marks something on its slice of a stack of the shape (n, rows, columns)."""
    prompts.validate_for(shape)
    for item in prompts.objects:
        masks = [fixed.slice for fixed in item.slices if fixed.mask is not None]
        if masks:
            raise PromptError(
                f'Object "{item.name}": on slice {masks[0]} there is a mask, and slices that are segmented each by '
                "itself take boxes and points. Mark the object with these."
            )


def proposed_names(prompts: PromptSet, proposals: Proposals) -> list[str]:
    """What the masks are called: as the objects, or, where all proposals are taken, with the number of each."""
    names = [item.name for item in prompts.objects]
    if proposals != "all":
        return names
    return [f"{name} {number}" for name in names for number in range(1, PROPOSED + 1)]
