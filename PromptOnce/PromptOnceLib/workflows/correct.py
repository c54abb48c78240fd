"""Correct a slice of a result and propagate again what the correction touches; accept a slice as it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.prompts.prompt import ObjectPrompt, Prompt, encode_mask
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptSet, SliceState
from PromptOnceLib.prompts.zoom import Sight
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

    def touched(self, name: str, index: int) -> int:
        """How many slices are computed anew when an object is corrected on a slice."""
        fixed = [other for other in self.prompts.object(name).indices if other != index]
        before = max((other for other in fixed if other < index), default=-1)
        after = min((other for other in fixed if other > index), default=len(self.stack.frames))
        return after - before - 2


def steps_of_correction(
    old: Correctable, name: str, index: int, marks: ObjectPrompt, fill_hole_area: int = 0
) -> Steps[Correctable]:
    """Settle an object on a slice by these marks, then propagate to the fixed slices before and after it.

    marks: box and points on this slice, which correct what is there where the worker has it from its last propagation,
    or a mask, which is taken as it is. Everything outside of the two neighbouring fixed slices stays byte for byte.
    Raises PromptError, InputError.
    """
    if marks.mask is not None:
        mask = marks.mask_array()
    else:
        item = old.prompts.object(name)
        prompt = Prompt(slice=index, objects=(marks.model_copy(update={"name": item.name}),))
        sight = Sight(zoom=old.result.zoom, crops=old.result.crops)
        masks = yield from prompted(PromptStep(old.stack, prompt, correcting=True, sight=sight))
        mask = masks.masks[0] > 0
    corrected = old.fixing(name, index, mask, "corrected")
    return (yield from steps_of_repropagation(corrected, name, (index,), fill_hole_area))


def steps_of_repropagation(
    old: Correctable, name: str, changed: tuple[int, ...], fill_hole_area: int = 0
) -> Steps[Correctable]:
    """Compute an object anew from fixed slices that have changed to the fixed slices next to them, as it was before."""
    prompts = old.prompts.only((name,))
    settings = Settings(
        changed=changed,
        fill_hole_area=fill_hole_area,
        zoom=old.result.zoom,
        crops=old.result.crops,
        between="interpolate" if old.result.interpolated else "track",
    )
    result = yield from propagated(PropagationStep(old.stack, prompts, settings, base=old.result))
    return Correctable(old.stack, result, old.prompts)
