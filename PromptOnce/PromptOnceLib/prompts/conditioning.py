"""Shared seeds: prompted frames of other images, put before the slices of a stack (Prompt Once, section 4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import PromptError
from PromptOnceLib.prompts.prompt import ObjectPrompt, Prompt
from PromptOnceLib.prompts.prompt_set import PromptedObject, PromptSet

T = TypeVar("T", ObjectPrompt, PromptedObject)


@dataclass(frozen=True, eq=False)
class ConditioningFrame:
    """A frame of another image with its prompts.

    frame: uint8 (rows, columns), of any size. objects: one prompt for every object of the run, in the run's order, in
    pixels of this frame. scale: so many rows and columns of it measure as much as one of the stack.
    """

    frame: NDArray[np.uint8]
    objects: tuple[ObjectPrompt, ...]
    scale: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True, eq=False)
class SharedSeed:
    """What takes a Prompt's place when the stack itself carries none.

    frames: put before both passes, the first as frame 0. slice: of the stack, where both passes begin; its own mask is
    tracked like any other's. axis: array axis of the stack, None for any. label: which seeds, for reports.
    """

    frames: tuple[ConditioningFrame, ...]
    slice: int
    axis: int | None = None
    label: str = ""

    @property
    def objects(self) -> tuple[ObjectPrompt, ...]:
        """The objects with their names and colours; where they lie is a matter of each frame."""
        return self.frames[0].objects if self.frames else ()

    def validate_for(self, shape: tuple[int, int, int]) -> None:
        """Check against a stack of the shape (n, rows, columns). Raises PromptError."""
        if not self.frames:
            raise PromptError("The shared seed holds no frame. Choose a seed.")
        if not 0 <= self.slice < shape[0]:
            raise PromptError(
                f"The seed is to start on slice {self.slice}, but the image has slices 0 to {shape[0] - 1}."
            )
        names = [item.name for item in self.objects]
        for frame in self.frames:
            if [item.name for item in frame.objects] != names:
                raise PromptError("The seeds mark different objects. Choose seeds of the same objects.")
            if frame.frame.dtype != np.uint8 or frame.frame.ndim != 2 or frame.frame.size == 0:
                raise PromptError("The frame of a seed is not an 8-bit picture. Choose another seed.")
            rows, columns = frame.frame.shape
            Prompt(slice=0, objects=frame.objects).validate_for((1, rows, columns))


AnyPrompt = Prompt | PromptSet | SharedSeed
"""What is propagated: the marks of one slice, those of several, or the frames of other images."""


def with_terminology(prompt: AnyPrompt, entries: Mapping[str, str]) -> AnyPrompt:
    """The same with Slicer's terminology entries for objects, by their names in any case.

    Raises PromptError for a name that no object has.
    """
    wanted = {name.casefold(): entry for name, entry in entries.items()}
    names = [item.name for item in prompt.objects]
    unknown = wanted.keys() - {name.casefold() for name in names}
    if unknown:
        raise PromptError(f'There is no object "{min(unknown)}". The objects are: {", ".join(names)}.')

    def described(item: T) -> T:
        entry = wanted.get(item.name.casefold())
        return item if entry is None else item.model_copy(update={"terminology": entry})

    if isinstance(prompt, SharedSeed):
        frames = (replace(frame, objects=tuple(map(described, frame.objects))) for frame in prompt.frames)
        return replace(prompt, frames=tuple(frames))
    if isinstance(prompt, Prompt):
        return prompt.model_copy(update={"objects": tuple(map(described, prompt.objects))})
    return prompt.model_copy(update={"objects": tuple(map(described, prompt.objects))})
