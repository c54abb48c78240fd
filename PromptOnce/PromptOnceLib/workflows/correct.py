"""Correct a slice of a result and propagate again what the correction touches; accept a slice as it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.prompts.prompt import ObjectPrompt, Prompt, encode_mask
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptedObject, PromptSet, SliceState
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.worker.requests import Settings
from PromptOnceLib.workflows.steps import PromptStep, PropagationStep, Steps, prompted, propagated


@dataclass(frozen=True, eq=False)
class Correctable:
    """A result and what is fixed in it. stack: the slices it was made from, under the same window."""

    stack: Stack
    result: SegmentationResult
    prompts: PromptSet

    def fixing(self, name: str, index: int, mask: NDArray[np.bool_], state: SliceState) -> Correctable:
        """The same with an object's mask (rows, columns) settled on a slice. Raises PromptError, InputError."""
        item = self.prompts.object(name)
        self._check(index)
        if not mask.any():
            raise InputError(
                f'The mask of "{item.name}" on slice {index} is empty. Correct the neighbouring slice on which the '
                "object ends instead."
            )
        fixed = FixedSlice(slice=index, state=state, mask=encode_mask(mask))
        result = self.result.copy()
        result.masks[result.names.index(item.name), index] = mask
        return Correctable(self.stack, result, self.prompts.fixing(item.name, fixed))

    def accepting(self, name: str, index: int) -> Correctable:
        """The same with an object's slice accepted as it is. Raises PromptError, InputError."""
        self._check(index)
        place = self.result.names.index(self.prompts.object(name).name)
        return self.fixing(name, index, self.result.masks[place, index] > 0, "accepted")

    def _check(self, index: int) -> None:
        if not 0 <= index < len(self.stack.frames):
            raise InputError(f"There is no slice {index}: the volume has slices 0 to {len(self.stack.frames) - 1}.")

    def touched(self, name: str, *indices: int) -> int:
        """How many open slices are computed anew when an object is corrected on these slices."""
        return touched(self.prompts.object(name), indices, len(self.stack.frames))


def touched(item: PromptedObject, changed: Collection[int], slices: int) -> int:
    """How many open slices of a stack lie next to fixed ones of an object that have changed."""
    fixed = sorted({*item.indices, *changed})
    ends = pairwise((-1, *fixed, slices))
    return sum(after - before - 1 for before, after in ends if before in changed or after in changed)


def steps_of_correction(
    old: Correctable, name: str, index: int, marks: ObjectPrompt, fill_hole_area: int = 0
) -> Steps[Correctable]:
    """Settle an object on a slice by these marks, then propagate to the fixed slices before and after it.

    marks: box and points on this slice, which correct what is there where the worker has it from its last propagation,
    or a mask, which is taken as it is. Everything outside of the two neighbouring fixed slices stays byte for byte.
    Raises PromptError, InputError.
    """
    return (yield from steps_of_corrections(old, name, {index: marks}, fill_hole_area))


def steps_of_corrections(
    old: Correctable, name: str, marks: Mapping[int, ObjectPrompt], fill_hole_area: int = 0
) -> Steps[Correctable]:
    """The same with marks on several slices, by their index: what lies beside any of them is propagated once."""
    corrected = old
    for index, marked in sorted(marks.items()):
        if marked.mask is not None:
            mask = marked.mask_array()
        else:
            item = old.prompts.object(name)
            prompt = Prompt(slice=index, objects=(marked.model_copy(update={"name": item.name}),))
            masks = yield from prompted(PromptStep(old.stack, prompt, correcting=True))
            mask = masks.masks[0] > 0
        corrected = corrected.fixing(name, index, mask, "corrected")
    return (yield from steps_of_repropagation(corrected, name, tuple(sorted(marks)), fill_hole_area))


def steps_of_repropagation(
    old: Correctable, name: str, changed: tuple[int, ...], fill_hole_area: int = 0
) -> Steps[Correctable]:
    """Propagate an object anew from fixed slices that have changed, to the fixed slices next to them."""
    prompts = old.prompts.only((name,))
    settings = Settings(changed=changed, fill_hole_area=fill_hole_area)
    result = yield from propagated(PropagationStep(old.stack, prompts, settings, base=old.result))
    return Correctable(old.stack, result, old.prompts)
