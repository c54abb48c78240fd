"""The prompts of all slices that hold a reference, each made from the reference of that slice.

So the papers compare models: what prompts a slice is known of it alone, and nothing is remembered from one to the next
(No More Training, section III; Prompt Once, section 4.1; Huang et al., section 3.3).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import PromptError
from PromptOnceLib.prompts.prompt import ObjectPrompt, encode_mask
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptedObject, PromptSet
from PromptOnceLib.prompts.strategies.slice_prompts import Strategy, generator_for, slice_prompt

Jitter = tuple[int, int]


def strategic_prompt(
    labels: NDArray[Any],
    strategy: Strategy,
    jitter: Jitter | None = None,
    random_seed: int = 0,
    name: str = "object",
) -> ObjectPrompt:
    """Box and points from the labels of one slice, integers (rows, columns), 0 being background.

    The same labels and random_seed give the same prompt, in whatever order slices and cases are computed. Where every
    object of the slice is segmented (S1) there is nothing to mark: the reference, which chooses among these objects,
    stands as the mask. Raises PromptError where the slice holds no label.
    """
    if strategy == "S1":
        return ObjectPrompt(name=name, mask=encode_mask(labels != 0))
    generator = generator_for(random_seed, np.ascontiguousarray(labels).tobytes())
    return slice_prompt(labels, strategy, rng=generator, jitter=jitter, name=name)


def prompts_of_reference(
    labels: NDArray[Any],
    axis: int,
    strategy: Strategy,
    jitter: Jitter | None = None,
    random_seed: int = 0,
    name: str = "object",
    fewest_pixels: int = 1,
) -> PromptSet:
    """A prompt for every slice that holds a label: labels are integers (n, rows, columns), taken along the array axis.

    jitter: pixels, from and to, by which boxes and points are moved at random. fewest_pixels: that are labelled on a
    slice; others get no prompt. Raises PromptError where no slice gets one.
    """
    held = np.flatnonzero(np.count_nonzero(labels, axis=(1, 2)) >= fewest_pixels)
    if len(held) == 0:
        raise PromptError("The reference shows the object on no slice that could be prompted: choose another one.")
    prompts = {int(index): strategic_prompt(labels[index], strategy, jitter, random_seed, name) for index in held}
    slices = tuple(
        FixedSlice(slice=index, box=item.box, points=item.points, mask=item.mask) for index, item in prompts.items()
    )
    return PromptSet(axis=axis, objects=(PromptedObject(name=name, slices=slices),))
