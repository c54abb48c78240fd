"""How far a seed can be trusted, without any reference: to the end of the object and back again.

The mask of a prompted slice is propagated to the last slice that shows the object, the mask found there is propagated
back, and what arrives on the prompted slice is compared with what had been there. A way that loses the object, or leaks
from it, does not find back. The way back sees other memories than the way out, so a good figure is no matter of course.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import PromptError
from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.prompts.conditioning import ConditioningFrame, SharedSeed
from PromptOnceLib.prompts.prompt import ObjectPrompt, Prompt, encode_mask
from PromptOnceLib.seeds.reliability import RoundTrip
from PromptOnceLib.segmentation.metrics import dice
from PromptOnceLib.segmentation.result import PRESENT, SegmentationResult
from PromptOnceLib.worker.requests import Settings
from PromptOnceLib.workflows.steps import PropagationStep, Steps, propagated


@dataclass(frozen=True)
class RoundTripFigures:
    """Dice of every object on the prompted slice after the trip, in the prompt's order.

    forward, backward: from the slices after and before the prompted slice; None where the object does not reach beyond
    it. After a shared seed there is one way only, given as forward.
    """

    forward: tuple[float | None, ...]
    backward: tuple[float | None, ...]

    @property
    def dice(self) -> tuple[float | None, ...]:
        """The smaller of both directions, None for an object that is on the prompted slice alone."""
        both = zip(self.forward, self.backward, strict=True)
        return tuple(min((value for value in pair if value is not None), default=None) for pair in both)

    def record(self, model: str, date: dt.date | None = None) -> RoundTrip | None:
        """For the seed's entry; None where an object has no figure. date: by default today."""
        found = [value for value in self.dice if value is not None]
        if len(found) < len(self.dice):
            return None
        return RoundTrip(dice=tuple(found), model=model, date=date or dt.datetime.now().astimezone().date())


def steps_of_prompt(
    stack: Stack,
    prompt: Prompt,
    seed_masks: NDArray[np.uint8],
    result: SegmentationResult | None = None,
    fill_hole_area: int = 0,
) -> Steps[RoundTripFigures]:
    """Round trip of a prompted slice in its own stack: one propagation out, then back from each end of each object.

    seed_masks: as accepted, (objects, rows, columns), not 0 where an object is. result: of the way out, where it has
    been gone already. A figure is 0 for an object that is found on no slice. Raises PromptError where a mask is empty.
    """
    if not all(mask.any() for mask in seed_masks):
        raise PromptError("A round trip needs the masks of the prompted slice. Compute them first.")
    seed, number = prompt.slice, int(result is None)
    count = number + 2 * len(prompt.objects)
    out = result
    if out is None:
        way_out = PropagationStep(stack, prompt, Settings(fill_hole_area=fill_hole_area), 1, count)
        out = yield from propagated(way_out)
    found: dict[str, list[float | None]] = {"forward": [], "backward": []}
    for index, item in enumerate(prompt.objects):
        shown = _shown(out, index)
        for way, figures in found.items():
            beyond = shown[shown > seed] if way == "forward" else shown[shown < seed]
            if len(beyond) == 0:
                figures.append(None if len(shown) else 0.0)
                continue
            number += 1
            end = int(beyond.max() if way == "forward" else beyond.min())
            settings = Settings(
                first=min(end, seed),
                last=max(end, seed),
                direction="backward" if way == "forward" else "forward",
                fill_hole_area=fill_hole_area,
            )
            back = Prompt(axis=stack.axis, slice=end, objects=(_by_mask(item, out.masks[index, end]),))
            arrived = yield from propagated(PropagationStep(stack, back, settings, number, count))
            figures.append(dice(arrived.masks[0, seed], seed_masks[index]))
    return RoundTripFigures(tuple(found["forward"]), tuple(found["backward"]))


def steps_of_shared_seed(
    stack: Stack,
    seed: SharedSeed,
    stored: NDArray[np.uint8],
    result: SegmentationResult | None = None,
    fill_hole_area: int = 0,
) -> Steps[RoundTripFigures]:
    """Round trip of an applied seed: from its frame through the volume, and back from the volume to its frame.

    The way back starts from the mask on the volume's start slice or, where the object is not, on the slice that shows
    most of it. stored: the accepted masks on the first frame of the seed, (objects, rows, columns). result: of the way
    out, where it has been gone already. A figure is 0 for an object that is found nowhere in the volume.
    """
    objects = seed.objects
    count = len(objects) + (result is None)
    number = int(result is None)
    if result is None:
        way_out = PropagationStep(stack, seed, Settings(fill_hole_area=fill_hole_area), 1, count)
        result = yield from propagated(way_out)
    figures: list[float | None] = []
    target = Stack(seed.frames[0].frame[None], 0, stack.window)
    for index, item in enumerate(objects):
        shown = _shown(result, index)
        if len(shown) == 0:
            figures.append(0.0)
            continue
        areas = result.masks[index].sum(axis=(1, 2), dtype=np.int64)
        start = seed.slice if seed.slice in shown else int(shown[areas[shown].argmax()])
        frame = ConditioningFrame(stack.frames[start], (_by_mask(item, result.masks[index, start]),))
        number += 1
        settings = Settings(fill_hole_area=fill_hole_area)
        back = PropagationStep(target, SharedSeed((frame,), 0), settings, number, count)
        arrived = yield from propagated(back)
        figures.append(dice(arrived.masks[0, 0], stored[index]))
    return RoundTripFigures(tuple(figures), (None,) * len(figures))


def _shown(result: SegmentationResult, index: int) -> NDArray[np.intp]:
    """Slices that show the object: present by SAM 2's own limit, and not an empty mask."""
    present = np.nan_to_num(result.presence[index]) >= PRESENT
    return np.flatnonzero(result.masks[index].any(axis=(1, 2)) & present)


def _by_mask(item: ObjectPrompt, mask: NDArray[np.uint8]) -> ObjectPrompt:
    return item.model_copy(update={"box": None, "points": (), "mask": encode_mask(mask)})
