"""Several fixed slices of the same objects: what lies between two of them is swept from both ends to the middle.

A slice is fixed where its masks are settled: it was prompted, corrected or accepted. A sweep begins at a fixed slice,
its only conditioning frame, and every open slice attends to it and to the last slices of the sweep. Each open slice is
reached from the nearer end alone, the one halfway from below. A fixed slice without the object starts no sweep: it ends
those that come from the other side. Memories that stem from before a correction are never used.

SAM 2 does not tell the network how far away a conditioning frame is. With the embedded model a fixed slice of another
appearance at the far end made sweeps lose an object that they found without it (benchmarks/effort.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np

from PromptOnceLib.engine.early_stop import what_is_left_out
from PromptOnceLib.engine.lookahead import FeaturePrefetcher
from PromptOnceLib.engine.memory import Entry, Memory, together
from PromptOnceLib.engine.passes import Pass, Piece, cut
from PromptOnceLib.engine.stores.run_memory import Reached
from PromptOnceLib.engine.tracker import Output
from PromptOnceLib.engine.transfer import DeviceTransfer, SliceOutput, delayed
from PromptOnceLib.engine.workspace import MOST_CONDITIONING_FRAMES, Remembered, Workspace, shape_of
from PromptOnceLib.prompts.prompt import ObjectPrompt

Direction = Literal["both", "forward", "backward"]


@dataclass(frozen=True)
class SweepTask:
    """What to compute anew over slices first..last (both included).

    fixed: the prompts of all objects, in one order, by fixed slice; an empty mask says that none of them is there.
    changed: fixed slices next to which everything is computed, and which come out themselves; None for all. direction:
    "both" fills every stretch of open slices from its ends; "forward" and "backward" go through the stack once, from
    the first fixed slice on, as SAM2VideoPredictor.propagate_in_video does with several prompted frames.
    stop_when_absent: leave out what lies farther towards an end of the stack, beyond all fixed slices, once all objects
    have ended there (early_stop.py).
    """

    fixed: Mapping[int, Sequence[ObjectPrompt]]
    first: int
    last: int
    changed: frozenset[int] | None = None
    direction: Direction = "both"
    fill_hole_area: int = 0
    stop_when_absent: bool = False

    def settled(self) -> list[int]:
        """The fixed slices that come out, in their order."""
        chosen = self.fixed if self.changed is None else self.changed & self.fixed.keys()
        return sorted(index for index in chosen if self.first <= index <= self.last)

    def sweeps(self) -> list[range]:
        """Slices in the order they are visited, the fixed slice where each sweep begins first."""
        if self.direction == "forward":
            found = [range(min(self.fixed), self.last + 1)]
        elif self.direction == "backward":
            found = [range(max(self.fixed), self.first - 1, -1)]
        else:
            found = self._between_fixed()
        return [sweep for sweep in found if self.open(sweep)]

    def absent(self) -> list[int]:
        """Open slices on which nothing can be, because no fixed slice beside them shows an object."""
        if self.direction != "both":
            return []
        stretches = [ends for ends in self._touched() if not self._showing.intersection(ends)]
        return [index for before, after in stretches for index in self.open(range(before + 1, after))]

    def open(self, sweep: range) -> list[int]:
        """The slices that a sweep computes, in its order."""
        return [index for index in sweep if index not in self.fixed and self.first <= index <= self.last]

    def last_fixed(self, sweep: range) -> int:
        """The fixed slice after which a sweep meets no other one, if it goes so far."""
        return max(self.fixed) if sweep.step > 0 else min(self.fixed)

    def starts(self) -> set[int]:
        """The fixed slices of which something has to be remembered."""
        return set(self.fixed) if self.direction != "both" else {sweep[0] for sweep in self.sweeps()}

    @property
    def steps(self) -> int:
        """How many results come out, one a slice."""
        return len(self.settled()) + sum(len(self.open(sweep)) for sweep in self.sweeps()) + len(self.absent())

    def _between_fixed(self) -> list[range]:
        """Sweeps from both ends of every stretch beside which something changed; some have nothing to compute."""
        found = []
        for before, after in self._touched():
            shows_before, shows_after = before in self._showing, after in self._showing
            middle = (before + after) // 2
            if shows_before:
                end = middle if shows_after else after - 1
                found.append(range(before, min(end, self.last) + 1))
            if shows_after:
                end = middle + 1 if shows_before else before + 1
                found.append(range(after, max(end, self.first) - 1, -1))
        return found

    def _touched(self) -> list[tuple[int, int]]:
        """Fixed slices with nothing fixed between them, and the ends of the stack, beside which something changed."""
        inner = sorted(self.fixed)
        ends = pairwise((min(self.first, inner[0]) - 1, *inner, max(self.last, inner[-1]) + 1))
        return [pair for pair in ends if self.changed is None or self.changed.intersection(pair)]

    @cached_property
    def _showing(self) -> frozenset[int]:
        """Fixed slices on which an object is."""
        return frozenset(index for index, prompts in self.fixed.items() if not all(one.is_absent for one in prompts))


@dataclass
class Sweeps:
    """Computes sweep tasks in a workspace."""

    work: Workspace

    def run(self, task: SweepTask) -> Iterator[SliceOutput]:
        """The fixed slices that changed, then sweep by sweep, each slice once."""
        outputs, entries = self._settle(task)
        yield from outputs
        settled = {output.slice: output for output in outputs}
        names = [prompt.name for prompt in next(iter(task.fixed.values()))]
        for sweep in task.sweeps():
            reached = Reached(sweep[0], sweep.step, self._length(sweep, task))
            pass_, edge = Pass(sweep), task.last_fixed(sweep)
            if edge in settled:
                pass_.ending.has_come(settled[edge].masks, settled[edge].presence)
            for output, remembered in self._sweep(sweep, task, entries):
                self.work.keep(names, output.slice, remembered, reached)
                yield output
                beyond = (output.slice - edge) * sweep.step > 0
                if task.stop_when_absent and beyond and (rest := pass_.left_out_after(output)):
                    self._leave_out(rest, output.slice, names)
                    break
        for index in task.absent():
            self.work.forget(names, index)
            nothing, scores = np.zeros((len(names), *shape_of(self.work.frames[index])), np.uint8), (0.0,) * len(names)
            yield SliceOutput(index, nothing, scores, scores)

    def _leave_out(self, rest: range, found_until: int, names: Sequence[str]) -> None:
        """Say what is not computed, and remember nothing of an earlier run there."""
        for index in rest:
            self.work.forget(names, index)
        self.work.notify(what_is_left_out(found_until, rest))

    def _settle(self, task: SweepTask) -> tuple[list[SliceOutput], list[dict[int, Entry]]]:
        """Results of the fixed slices that come out; what sweeps remember of fixed slices, by object and slice."""
        work, coming = self.work, set(task.settled())
        found: list[SliceOutput] = []
        entries: list[dict[int, Entry]] = []
        for index in sorted({*coming, *task.starts()}):

            def settle(index: int = index) -> tuple[list[Output], list[Entry]]:
                outputs = work.segment(task.fixed[index], index, task.fill_hole_area)
                features = work.prompted_features(index)
                return outputs, [work.tracker.remember_seed(features, output) for output in outputs]

            outputs, remembered = work.within_memory(settle)
            if index in coming:
                found.append(_unchanged(work.fetch(index, outputs).take(), task.fixed[index]))
            names, own = [prompt.name for prompt in task.fixed[index]], Reached(index, 1, len(work.frames))
            work.keep(names, index, list(zip(outputs, remembered, strict=True)), own)
            entries = entries or [{} for _ in remembered]
            for entry, one in zip(entries, remembered, strict=True):
                entry[index] = one
        return found, entries

    def _length(self, sweep: range, task: SweepTask) -> int:
        """Of a sweep, as Memory takes it."""
        return len(self.work.frames) if task.direction == "both" else len(sweep)

    def _sweep(
        self, sweep: range, task: SweepTask, entries: Sequence[dict[int, Entry]]
    ) -> Iterator[tuple[SliceOutput, Remembered]]:
        """The open slices of a sweep in order, with what is remembered of each."""
        work, start, order = self.work, sweep[0], task.open(sweep)
        attended = {start} if task.direction == "both" else task.starts()
        placed = [{(index - start) * sweep.step: of[index] for index in attended} for of in entries]
        pieces = [Piece([Pass(sweep)], Memory(self._length(sweep, task), together(placed)))]
        with work.features(order) as ahead:

            def steps() -> Iterator[list[tuple[DeviceTransfer, Remembered]]]:
                for index in order:
                    pieces[:] = cut(pieces, work.pipeline)
                    yield [self._track(ahead, sweep.index(index), index, pieces, task)]

            for transfer, remembered in delayed(steps(), work.pipeline.lag):
                yield transfer.take(), remembered

    def _track(
        self, ahead: FeaturePrefetcher, place: int, index: int, pieces: list[Piece], task: SweepTask
    ) -> tuple[DeviceTransfer, Remembered]:
        """Begin one slice of a sweep."""
        work = self.work
        outputs: list[Output] = []

        def rest() -> tuple[DeviceTransfer, Remembered]:
            # After memory ran out on the second piece the first is not tracked twice.
            for piece in pieces:
                piece.memory.to(work.tracker.placement.device)
            features = ahead.at(index)
            for piece in pieces[len(outputs) :]:
                with work.tracker.attending_to(MOST_CONDITIONING_FRAMES):
                    outputs.append(work.tracker.track(features, place, piece.memory, task.fill_hole_area))
            remembered = [(o, piece.memory.tracked[place]) for o, piece in zip(outputs, pieces, strict=True)]
            return work.fetch(index, outputs), remembered

        def free() -> None:
            ahead.free()
            done = len(outputs)
            pieces[done:] = cut(pieces[done:], work.pipeline)

        return work.within_memory(rest, free)


def _unchanged(output: SliceOutput, prompts: Sequence[ObjectPrompt]) -> SliceOutput:
    """The output, in which masks that were drawn are as they were drawn and not at the network's resolution."""
    masks = [
        found if prompt.mask is None else prompt.mask_array().astype(np.uint8)
        for found, prompt in zip(output.masks, prompts, strict=True)
    ]
    return replace(output, masks=np.stack(masks))
