"""Ways to an accepted volume for benchmarks.effort: each gives its state after every interaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.effort_person import MOST_CLICKS, NAME, Mask, Person
from PromptOnceLib.engine.run_memory import RunMemory
from PromptOnceLib.engine.sweeps import Sweeps, SweepTask
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.engine.workspace import Workspace
from PromptOnceLib.prompts.prompt import ObjectPrompt, encode_mask
from PromptOnceLib.segmentation.slice_confidence import review_order, slice_confidence


@dataclass(frozen=True)
class Step:
    """After an interaction: Dice of the volume, and what this interaction took.

    computed: slices that were propagated to, each as often as a sweep reached it. seconds: of the processor, without
    encoding, in the engine. untouched: whether the slice that was looked at was good and got no click.
    """

    dice: float
    computed: int
    clicks: int
    seconds: float
    untouched: bool = False


@dataclass
class Desk:
    """One object in one volume while somebody works on it.

    folder: for what the engine keeps. fixed: by slice what settles it. agreement: see slice_confidence.
    """

    tracker: Tracker
    person: Person
    folder: Path
    fixed: dict[int, ObjectPrompt] = field(default_factory=dict)
    computed: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        frames = self.person.example.frames
        self.work = Workspace(self.tracker, frames, print, run_memory=RunMemory(self.folder))
        self.masks: Mask = np.zeros_like(self.person.example.reference)
        self.presence, self.predicted_iou, self.agreement = (np.full(len(frames), np.nan) for _ in range(3))

    def propagate(self, *tasks: SweepTask) -> None:
        """Compute what tasks ask for, and take it in."""
        began = time.process_time()
        for task in tasks:
            for output in Sweeps(self.work).run(task):
                self.masks[output.slice] = output.masks[0]
                self.presence[output.slice], self.predicted_iou[output.slice] = output.presence[0], output.predicted_iou[0]
                self.agreement[output.slice] = output.agreement[0] if output.agreement else np.nan
            self.computed += task.steps - len(task.settled())
        self.seconds += time.process_time() - began

    def task(self, changed: int | None) -> SweepTask:
        """What is open next to a fixed slice; everything for None."""
        fixed = {index: [prompt] for index, prompt in self.fixed.items()}
        return SweepTask(fixed, 0, len(self.masks) - 1, None if changed is None else frozenset({changed}))

    def one_way(self) -> tuple[SweepTask, SweepTask]:
        """Everything, as SAM2VideoPredictor does it: forward from the first fixed slice on, backward before it."""
        fixed = {index: [prompt] for index, prompt in self.fixed.items()}
        first, last = min(fixed), len(self.masks) - 1
        return (
            SweepTask(fixed, first, last, direction="forward"),
            SweepTask(fixed, 0, first - 1, frozenset(), direction="backward"),
        )

    def predict(self, prompt: ObjectPrompt, index: int, correcting: bool) -> Mask:
        """What the person sees after a prompt."""
        began = time.process_time()
        found: Mask = self.work.predict([prompt], index, correcting=correcting).masks[0]
        self.seconds += time.process_time() - began
        return found

    def correct(self, index: int) -> int:
        """Click on a slice until it is good, three times at most, and fix what is seen then; number of clicks."""
        seen, first = self.masks[index], self.fixed.get(index)
        prompt = ObjectPrompt(name=NAME) if first is None else first
        clicks = 0
        while clicks < MOST_CLICKS and not self.person.content_with(seen, index):
            clicks += 1
            point = self.person.click(seen, index, clicks)
            prompt = prompt.model_copy(update={"points": (*prompt.points, point)})
            seen = self.predict(prompt, index, correcting=first is None)
        self.fixed[index] = ObjectPrompt(name=NAME, mask=encode_mask(seen != 0))
        return clicks

    def confidence(self) -> NDArray[np.float64]:
        """Of every slice."""
        return slice_confidence(self.masks, self.presence, self.predicted_iou, self.fixed, self.agreement)


Choice = Callable[[Desk], int]
"""The slice to correct next."""


def oracle(desk: Desk) -> int:
    """The slice with most wrong pixels, of those nobody has corrected."""
    wrong = desk.person.wrong_pixels(desk.masks)
    wrong[[index for index, prompt in desk.fixed.items() if prompt.mask is not None]] = -1
    return int(wrong.argmax())


def queue(desk: Desk) -> int:
    """The slice that the queue shows first."""
    return review_order(desk.confidence(), desk.fixed)[0]


def corrected(desk: Desk, choose: Choice, tasks: Callable[[Desk, int], tuple[SweepTask, ...]]) -> Iterator[Step]:
    """A box, then corrections, after each of which tasks are propagated again."""
    seed = desk.person.example.seed
    desk.fixed[seed] = desk.person.box(seed)
    desk.propagate(desk.task(None))
    yield _step(desk, Step(0.0, 0, 0, 0.0), 0)
    while len(desk.fixed) < len(desk.masks):
        before = Step(0.0, desk.computed, 0, desk.seconds)
        index = choose(desk)
        clicks = desk.correct(index)
        desk.propagate(*tasks(desk, index))
        yield _step(desk, before, clicks)


def _step(desk: Desk, before: Step, clicks: int) -> Step:
    looked = len(desk.fixed) > 1
    taken = desk.computed - before.computed, clicks, desk.seconds - before.seconds
    return Step(desk.person.dice(desk.masks), *taken, untouched=looked and not clicks)


def local(choose: Choice) -> Callable[[Desk], Iterator[Step]]:
    """Only what lies between a corrected slice and its fixed neighbours is computed again."""
    return lambda desk: corrected(desk, choose, lambda at, index: (at.task(index),))


def whole(desk: Desk) -> Iterator[Step]:
    """Everything is computed again after each correction, with all fixed slices."""
    return corrected(desk, oracle, lambda at, _: (at.task(None),))


def one_way(desk: Desk) -> Iterator[Step]:
    """The same in one direction, as SAM2VideoPredictor does it."""
    return corrected(desk, oracle, lambda at, _: at.one_way())


def boxes(desk: Desk) -> Iterator[Step]:
    """A box on one slice after the other, from the prompted one outwards; nothing is propagated."""
    example = desk.person.example
    held = np.flatnonzero(example.reference.any((1, 2)))
    for index in sorted(held, key=lambda other: abs(other - example.seed)):
        before = desk.seconds
        desk.masks[index] = desk.predict(desk.person.box(int(index)), int(index), correcting=False)
        yield Step(desk.person.dice(desk.masks), 0, 0, desk.seconds - before)


def interpolated(desk: Desk) -> Iterator[Step]:
    """Boxes on k slices, evenly from the object's first to its last, masks between by signed distance.

    For every k the slices are chosen anew, as by a person who knew beforehand how many would be needed.
    """
    example = desk.person.example
    held = np.flatnonzero(example.reference.any((1, 2)))
    known: dict[int, Mask] = {}
    for count in range(1, len(held) + 1):
        before = desk.seconds
        chosen = [example.seed] if count == 1 else np.unique(np.linspace(held[0], held[-1], count).round().astype(int))
        # An object of several parts may be absent in between.
        for index in (int(index) for index in chosen if example.reference[index].any()):
            if index not in known:
                known[index] = desk.predict(desk.person.box(index), index, correcting=False)
        keys = {int(index): known[index] for index in chosen if index in known}
        yield Step(desk.person.dice(between(keys, len(desk.masks))), 0, 0, desk.seconds - before)


def between(keys: dict[int, Mask], slices: int) -> Mask:
    """Masks of all slices from some: between two the mean of their signed distances, beyond the last ones nothing."""
    places = sorted(keys)
    found = np.zeros((slices, *keys[places[0]].shape), np.uint8)
    distances = {index: _signed_distance(mask != 0) for index, mask in keys.items()}
    for place in places:
        found[place] = keys[place]
    for low, high in zip(places[:-1], places[1:], strict=True):
        for index in range(low + 1, high):
            share = (index - low) / (high - low)
            found[index] = (1 - share) * distances[low] + share * distances[high] > 0
    return found


def _signed_distance(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Pixels to the border, above 0 inside; an empty mask is far from everywhere."""
    if not mask.any():
        return np.full(mask.shape, -float(sum(mask.shape)))
    inside, outside = (ndimage.distance_transform_edt(part) for part in (mask, ~mask))
    signed: NDArray[np.float64] = inside - outside
    return signed


def once(desk: Desk) -> Iterator[Step]:
    """One run without corrections."""
    yield next(local(oracle)(desk))


STRATEGIES: dict[str, Callable[[Desk], Iterator[Step]]] = {
    "local, oracle": local(oracle),
    "local, queue": local(queue),
    "whole volume": whole,
    "whole volume, one way": one_way,
    "box on every slice": boxes,
    "boxes, interpolated": interpolated,
    "one run": once,
}
