"""A second run that also attends to slices which a round trip has found to be trustworthy.

From the last slice of each pass where the object was found, with the mask found there as prompt, the object is followed
back to the prompted slice. Where the way back finds what the way there found (Dice), a slice is trusted. Up to three
trusted slices, spread over the stack, stand beside the prompted one as conditioning frames of another run. It takes
three times as long as one run. What it is worth: benchmarks/memory.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.engine.memory import Entry
from PromptOnceLib.engine.passes import Pass
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.transfer import SliceOutput
from PromptOnceLib.engine.workspace import shape_of
from PromptOnceLib.prompts.prompt import ObjectPrompt, encode_mask
from PromptOnceLib.segmentation.metrics import dice

MOST_TRUSTED = 3
TRUST = 0.9
"""Dice of the way there and the way back from which a slice is trusted."""


def second_pass(work: Propagation, task: Task) -> Iterator[SliceOutput]:
    """The slices of the task's one object after a second run, the prompted one first.

    Where no slice is trusted, and there is nothing to decide, the first run's slices come out.
    """
    (prompt,) = task.objects
    first = {output.slice: output for output in work.run(task)}
    trusted = spread(round_trip(work, task, first), task.seed)
    if not trusted:
        yield from first.values()
        return
    yield first[task.seed]
    own = work.tracker.segment(work.prompted_features(task.seed), prompt, shape_of(work.frames[task.seed]))
    entries = {task.seed: work.tracker.remember_seed(work.prompted_features(task.seed), own)}
    for index in trusted:
        entries[index] = _remembered(work, index, first[index].masks[0])
    for slices in task.passes():
        placed: Sequence[dict[int, Entry]] = [
            {(index - task.seed) * slices.step: entry for index, entry in entries.items()}
        ]
        yield from work._passes(task, [Pass(slices)], placed)


def round_trip(work: Propagation, task: Task, found: Mapping[int, SliceOutput]) -> dict[int, float]:
    """By slice how far the way back agrees with the way there, Dice; of slices with a mask, the ends left out."""
    trust: dict[int, float] = {}
    for slices in task.passes():
        reached = [index for index in slices if index in found and found[index].masks[0].any()]
        if len(reached) < 3:
            continue
        end, low, high = reached[-1], min(task.seed, reached[-1]), max(task.seed, reached[-1])
        back = replace(
            task, objects=[mask_prompt(found[end].masks[0], task.objects[0].name)], seed=end, first=low, last=high
        )
        for output in work.run(back):
            if output.slice not in (end, task.seed) and found[output.slice].masks[0].any():
                trust[output.slice] = dice(found[output.slice].masks[0], output.masks[0]) or 0.0
    return trust


def spread(trust: Mapping[int, float], seed: int) -> list[int]:
    """At most three of the trusted slices, as far as possible from each other and from the seed."""
    left, chosen = [index for index, value in sorted(trust.items()) if value > TRUST], [seed]
    while left and len(chosen) <= MOST_TRUSTED:
        farthest = max(left, key=lambda index: min(abs(index - other) for other in chosen))
        left.remove(farthest)
        chosen.append(farthest)
    return sorted(chosen[1:])


def mask_prompt(mask: NDArray[np.uint8], name: str) -> ObjectPrompt:
    """A mask (rows, columns) that was found, as a prompt."""
    return ObjectPrompt(name=name, mask=encode_mask(mask.astype(bool)))


def _remembered(work: Propagation, index: int, mask: NDArray[np.uint8]) -> Entry:
    features = work.prompted_features(index)
    output = work.tracker.segment(features, mask_prompt(mask, "trusted"), shape_of(work.frames[index]))
    return work.tracker.remember_seed(features, output)
