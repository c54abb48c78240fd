"""Correct a slice of a result and propagate again what the correction touches; accept a slice as it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.correction import SavedResult
from PromptOnceLib.imaging.stack import Stack, check_slice, slices_along
from PromptOnceLib.imaging.volume import Array
from PromptOnceLib.prompts.prompt import ObjectPrompt, Prompt, decode_mask, encode_mask
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptedObject, PromptSet, SliceState
from PromptOnceLib.prompts.walls import Walls, kept_out
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
        """The same with an object's mask (rows, columns) settled on a slice.

        mask: empty where the object is not there. Raises InputError, and PromptError also for a mask of another shape,
        and where the object would be on no settled slice any more.
        """
        item = self.prompts.object(name)
        check_slice(index, len(self.stack.frames))
        rows, columns = self.stack.frames.shape[1:]
        encoded = encode_mask(mask)
        mask = decode_mask(encoded, (rows, columns))
        fixed = FixedSlice(slice=index, state=state, mask=encoded)
        result = self.result.copy()
        result.masks[result.names.index(item.name), index] = mask
        prompts = self.prompts.fixing(item.name, fixed)
        prompts.object(item.name).check_shown()
        return Correctable(self.stack, result, prompts)

    def accepting(self, name: str, index: int) -> Correctable:
        """The same with an object's slice accepted as it is. Raises PromptError, InputError."""
        check_slice(index, len(self.stack.frames))
        place = self.result.names.index(self.prompts.object(name).name)
        return self.fixing(name, index, self.result.masks[place, index] > 0, "accepted")

    def marks_on(self, name: str, index: int, marks: ObjectPrompt) -> ObjectPrompt:
        """Box and points for an object on a slice, points alone with the mask that they correct. Raises PromptError,
        InputError.
        """
        item = self.prompts.object(name)
        check_slice(index, len(self.stack.frames))
        mask = None
        if marks.box is None:
            mask = encode_mask(self.result.masks[self.result.names.index(item.name), index])
        return marks.model_copy(update={"name": item.name, "mask": mask})

    def without(self, name: str) -> ObjectPrompt:
        """What marks an object as absent from a slice. Raises PromptError where there is no such object."""
        rows, columns = self.stack.frames.shape[1:]
        nothing = np.zeros((rows, columns), bool)
        return ObjectPrompt(name=self.prompts.object(name).name, mask=encode_mask(nothing))

    def touched(self, name: str, *indices: int) -> int:
        """How many open slices are computed anew when an object is corrected on these slices."""
        return touched(self.prompts.object(name), indices, len(self.stack.frames))


def touched(item: PromptedObject, changed: Collection[int], slices: int) -> int:
    """How many open slices of a stack lie next to fixed ones of an object that have changed."""
    fixed = sorted({*item.indices, *changed})
    ends = pairwise((-1, *fixed, slices))
    return sum(after - before - 1 for before, after in ends if before in changed or after in changed)


def steps_of_correction(
    old: Correctable,
    name: str,
    index: int,
    marks: ObjectPrompt,
    walls: Walls | None = None,
) -> Steps[Correctable]:
    """Settle an object on a slice by these marks, then propagate to the fixed slices before and after it.

    marks: points, which correct the mask that is there; a box, with points or without, which says anew where the object
    is; or a mask, which is taken as it is, an empty one where the object is not there. walls: see Settings; what is
    drawn stays. Everything outside of the two neighbouring fixed slices stays byte for byte. Raises PromptError,
    InputError.
    """
    return (yield from steps_of_corrections(old, name, {index: marks}, walls))


def steps_of_corrections(
    old: Correctable,
    name: str,
    marks: Mapping[int, ObjectPrompt],
    walls: Walls | None = None,
) -> Steps[Correctable]:
    """The same with marks on several slices, by their index: what lies beside any of them is propagated once."""
    corrected = old
    for index, marked in sorted(marks.items()):
        if marked.mask is not None:
            mask = marked.mask_array()
        else:
            prompt = Prompt(slice=index, objects=(old.marks_on(name, index, marked),))
            sight = Sight(zoom=old.result.ways_of(prompt.objects[0].name).zoom, crops=old.result.crops)
            masks = yield from prompted(PromptStep(old.stack, prompt, correcting=True, sight=sight))
            mask = kept_out(masks.masks[0], walls, index) > 0
        corrected = corrected.fixing(name, index, mask, "corrected")
    return (yield from steps_of_repropagation(corrected, name, tuple(sorted(marks)), walls))


def steps_of_repropagation(
    old: Correctable, name: str, changed: tuple[int, ...], walls: Walls | None = None
) -> Steps[Correctable]:
    """Compute an object anew from fixed slices that have changed to the fixed slices next to them, as it was before."""
    prompts = old.prompts.only((name,))
    if walls is not None:
        walls = walls.copy()
        walls[list(changed)] = False  # these slices are settled, whatever they hold
    ways = old.result.ways_of(prompts.objects[0].name)
    settings = Settings(**asdict(ways), changed=changed, crops=old.result.crops, walls=walls)
    result = yield from propagated(PropagationStep(old.stack, prompts, settings, base=old.result))
    return Correctable(old.stack, result, old.prompts)


def correctable(saved: SavedResult) -> Correctable:
    """A saved result, to be corrected."""
    return Correctable(saved.case.stack, saved.result, saved.prompts)


def steps_of_saved_correction(
    saved: SavedResult, name: str, index: int, marks: ObjectPrompt | None, others: Array | None = None
) -> Steps[SavedResult]:
    """Settle an object of a saved result on a slice, by marks or, for None, as it is, and propagate what that touches.

    others: labels of other segments on the volume's grid, KJI, that the object is kept out of. The file stays as it is.
    Raises as steps_of_correction.
    """
    old = correctable(saved)
    if marks is None:
        new = old.accepting(name, index)
    else:
        walls = None if others is None else slices_along(others, saved.case.axis.axis) != 0
        new = yield from steps_of_correction(old, name, index, marks, walls=walls)
    return replace(saved, case=replace(saved.case, prompt=new.prompts), result=new.result)
