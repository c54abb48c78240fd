"""Ways to an accepted volume for benchmarks.effort: each gives its state after every interaction."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.effort_person import MOST_CLICKS, NAME, Mask, Person
from PromptOnceLib.engine.propagation import Propagation
from PromptOnceLib.engine.stores.run_memory import RunMemory
from PromptOnceLib.engine.sweeps import Sweeps, SweepTask
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.engine.zoom.views import Views
from PromptOnceLib.imaging.views.crop import Crop, Zoom
from PromptOnceLib.prompts.prompt import ObjectPrompt, encode_mask
from PromptOnceLib.prompts.zoom import Sight
from PromptOnceLib.segmentation.pieces.clean_up import CleanUp, clean_up
from PromptOnceLib.segmentation.slice_confidence import review_order, slice_confidence, wrong_pixels


@dataclass(frozen=True)
class Step:
    """After an interaction: Dice of the volume, and what this interaction took.

    computed: slices that were propagated to. marks: boxes and clicks. seconds: of
    the processor in the engine, without encoding what was encoded before. untouched: whether the slice that was looked
    at was good and got no mark.
    """

    dice: float
    computed: int
    marks: int
    seconds: float
    untouched: bool = False


@dataclass
class Desk:
    """One object in one volume while somebody works on it.

    folder: for what the engine keeps. zoom, rule of the clean-up: as a user chooses them. fixed: by slice what settles
    it. accepted: slices that got no mark.
    """

    tracker: Tracker
    person: Person
    folder: Path
    zoom: Zoom = "off"
    rule: CleanUp = "all"
    fixed: dict[int, ObjectPrompt] = field(default_factory=dict)
    accepted: set[int] = field(default_factory=set)
    computed: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        frames = self.person.example.frames
        whole = Propagation(self.tracker, frames, print, run_memory=RunMemory(self.folder))
        self.views = Views(whole)
        self.crops: dict[str, Crop] = {}
        self.masks: Mask = np.zeros_like(self.person.example.reference)
        self.presence, self.predicted_iou = (np.full(len(frames), np.nan) for _ in range(2))

    def propagate(self, changed: int | None) -> None:
        """Compute what is open next to a fixed slice, everything for None."""
        self._run(SweepTask(self._prompts(), 0, len(self.masks) - 1, None if changed is None else frozenset({changed})))

    def propagate_all(self) -> None:
        """Compute everything as SAM2VideoPredictor does, with all fixed slices: forward from the first one, backward
        before it.
        """
        first, last = min(self.fixed), len(self.masks) - 1
        self._run(SweepTask(self._prompts(), first, last, direction="forward"))
        if first > 0:
            self._run(SweepTask(self._prompts(), 0, first - 1, direction="backward"))

    def _prompts(self) -> dict[int, list[ObjectPrompt]]:
        return {index: [prompt] for index, prompt in self.fixed.items()}

    def _crop(self, prompts: Sequence[ObjectPrompt]) -> Crop:
        """What is seen of the slices: what was seen first, as long as it holds all that is marked."""
        self.crops = self.views.crops({NAME: prompts}, Sight(zoom=self.zoom, crops=self.crops))
        return self.crops[NAME]

    def _run(self, task: SweepTask) -> None:
        began = time.process_time()
        crop, done = self._crop([prompt for (prompt,) in task.fixed.values()]), set()
        fixed = {index: [self.views.seen(prompt, crop)] for index, (prompt,) in task.fixed.items()}
        self.views.begin([NAME], crop)
        for found in Sweeps(self.views.at(crop)).run(replace(task, fixed=fixed)):
            output = self.views.on_whole_slice(found, crop)
            index = output.slice
            done.add(index)
            self.masks[index] = output.masks[0]
            self.presence[index], self.predicted_iou[index] = output.presence[0], output.predicted_iou[0]
        clean_up(self.masks, self.rule, {*self.fixed, *set(range(len(self.masks))) - done})
        self.computed += task.steps - len(task.settled())
        self.seconds += time.process_time() - began

    @property
    def dice(self) -> float:
        """Of the volume."""
        return self.person.dice(self.masks)

    def predict(self, prompt: ObjectPrompt, index: int, correcting: bool) -> Mask:
        """What the person sees after a prompt."""
        began = time.process_time()
        self._crop([prompt])
        found: Mask = self.views.predict([prompt], self.crops, index, correcting=correcting).masks[0]
        self.seconds += time.process_time() - began
        return found

    def click(self, index: int) -> int:
        """Click on a slice until it is good, three times at most, and fix what is seen then; number of clicks."""
        first = self.fixed.get(index)
        prompt = ObjectPrompt(name=NAME) if first is None else first
        clicks, seen = self._mark(index, prompt, correcting=first is None)
        if not clicks:
            self.accepted.add(index)
        self._fix(index, seen)
        return clicks

    def redraw(self, index: int) -> int:
        """Draw a box on a slice, click as before, and fix the best that was seen; where nothing is, empty the slice;
        number of marks.
        """
        person, before = self.person, self.masks[index].copy()
        if person.content_with(before, index):
            return self.click(index)
        if not person.example.reference[index].any():
            self._fix(index, np.zeros_like(before))
            return 1
        box = person.box(index)
        by_box = self.masks[index] = self.predict(box, index, correcting=False)
        clicks, clicked = self._mark(index, box, correcting=False)
        self._fix(index, max((before, by_box, clicked), key=lambda seen: person.slice_dice(seen, index)))
        return 1 + clicks

    def _fix(self, index: int, seen: Mask) -> None:
        self.fixed[index] = ObjectPrompt(name=NAME, mask=encode_mask(seen != 0))

    def clicked(self, index: int, prompt: ObjectPrompt, seen: Mask, correcting: bool) -> Iterator[Mask]:
        """What is seen after one click after the other beside a prompt, each on what is wrong in the mask before."""
        for number in itertools.count(1):
            point = self.person.click(seen, index, number)
            prompt = prompt.model_copy(update={"points": (*prompt.points, point)})
            seen = self.predict(prompt, index, correcting)
            yield seen

    def _mark(self, index: int, prompt: ObjectPrompt, correcting: bool) -> tuple[int, Mask]:
        seen, clicks = self.masks[index], 0
        after = self.clicked(index, prompt, seen, correcting)
        while clicks < MOST_CLICKS and not self.person.content_with(seen, index):
            clicks, seen = clicks + 1, next(after)
        return clicks, seen

    def confidence(self) -> NDArray[np.float64]:
        """Of every slice."""
        return slice_confidence(self.masks, self.presence, self.predicted_iou, self.fixed, self.accepted)


Choice = Callable[[Desk], int]
"""The slice to correct next."""
Marking = Callable[[Desk, int], int]
"""Corrects a slice and fixes it; number of boxes and clicks."""
Strategy = Callable[[Desk], Iterator[Step]]


def oracle(desk: Desk) -> int:
    """The slice with most wrong pixels, of those nobody has corrected."""
    wrong = desk.person.wrong_pixels(desk.masks)
    wrong[[index for index, prompt in desk.fixed.items() if prompt.mask is not None]] = -1
    return int(wrong.argmax())


def queue(desk: Desk) -> int:
    """The slice that the queue shows first."""
    return review_order(wrong_pixels(desk.masks, desk.confidence()), desk.fixed)[0]


def corrected(choose: Choice, marking: Marking, everywhere: bool = False) -> Strategy:
    """A box, then corrections, after each of which what is open beside the corrected slice is propagated again.

    everywhere: or the whole volume, with all fixed slices, as SAM2VideoPredictor does it.
    """

    def steps(desk: Desk) -> Iterator[Step]:
        seed = desk.person.example.seed
        desk.fixed[seed] = desk.person.box(seed)
        desk.propagate(None)
        yield Step(desk.dice, desk.computed, 1, desk.seconds)
        while len(desk.fixed) < len(desk.masks):
            computed, seconds = desk.computed, desk.seconds
            index = choose(desk)
            marks = marking(desk, index)
            if everywhere:
                desk.propagate_all()
            else:
                desk.propagate(index)
            yield Step(desk.dice, desk.computed - computed, marks, desk.seconds - seconds, untouched=not marks)

    return steps


def boxes(desk: Desk) -> Iterator[Step]:
    """A box on one slice after the other, from the prompted one outwards; nothing is propagated."""
    example = desk.person.example
    held = np.flatnonzero(example.reference.any((1, 2)))
    for index in sorted(held, key=lambda other: abs(other - example.seed)):
        before = desk.seconds
        desk.masks[index] = desk.predict(desk.person.box(int(index)), int(index), correcting=False)
        yield Step(desk.dice, 0, 1, desk.seconds - before)


def interpolated(desk: Desk) -> Iterator[Step]:
    """Boxes on k slices, evenly from the object's first to its last, masks between by signed distance.

    For every k the slices are chosen anew, as by a person who knew beforehand how many would be needed.
    """
    example = desk.person.example
    held = np.flatnonzero(example.reference.any((1, 2)))
    known: dict[int, Mask] = {}
    for count in range(1, len(held) + 1):
        before, drawn = desk.seconds, len(known)
        chosen = [example.seed] if count == 1 else np.unique(np.linspace(held[0], held[-1], count).round().astype(int))
        # An object of several parts may be absent in between.
        for index in (int(index) for index in chosen if example.reference[index].any()):
            if index not in known:
                known[index] = desk.predict(desk.person.box(index), index, correcting=False)
        keys = {int(index): known[index] for index in chosen if index in known}
        dice = desk.person.dice(between(keys, len(desk.masks)))
        yield Step(dice, 0, len(known) - drawn, desk.seconds - before)


def between(keys: dict[int, Mask], slices: int) -> Mask:
    """Masks of all slices from some: between two the mean of their signed distances, beyond the last ones nothing."""
    places = sorted(keys)
    found = np.zeros((slices, *keys[places[0]].shape), np.uint8)
    distances = {index: _signed_distance(mask != 0) for index, mask in keys.items()}
    for place in places:
        found[place] = keys[place]
    for low, high in pairwise(places):
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
    yield next(corrected(oracle, Desk.click)(desk))


STRATEGIES: dict[str, Strategy] = {
    "local, oracle": corrected(oracle, Desk.click),
    "local, queue": corrected(queue, Desk.click),
    "whole volume": corrected(oracle, Desk.click, everywhere=True),
    "local, oracle, redrawn": corrected(oracle, Desk.redraw),
    "local, queue, redrawn": corrected(queue, Desk.redraw),
    "whole volume, redrawn": corrected(oracle, Desk.redraw, everywhere=True),
    "box on every slice": boxes,
    "boxes, interpolated": interpolated,
    "one run": once,
}
