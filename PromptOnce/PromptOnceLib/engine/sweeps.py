"""Several fixed slices of the same objects: what lies between two of them is swept from both ends.

A slice is fixed where its masks are settled: it was prompted, corrected or accepted. A sweep begins at a fixed slice,
its only conditioning frame, and every open slice attends to it and to the last slices of the sweep. Where two sweeps
meet, each slice keeps the masks of the one from the nearer end, and how far both agree is told. Memories that stem from
before a correction are never used.

SAM 2 does not tell the network how far away a conditioning frame is. With the embedded model a fixed slice of another
appearance at the far end made sweeps lose an object that they found without it (benchmarks/effort.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.engine.lookahead import FeaturePrefetcher
from PromptOnceLib.engine.memory import Entry, Memory, together
from PromptOnceLib.engine.passes import Pass, Piece, cut
from PromptOnceLib.engine.stores.run_memory import Reached
from PromptOnceLib.engine.tracker import Output
from PromptOnceLib.engine.transfer import DeviceTransfer, SliceOutput, delayed
from PromptOnceLib.engine.workspace import MOST_CONDITIONING_FRAMES, Remembered, Workspace
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.segmentation.metrics import dice

Direction = Literal["both", "forward", "backward"]


@dataclass(frozen=True)
class SweepTask:
    """What to compute anew over slices first..last (both included).

    fixed: the prompts of all objects, in one order, by fixed slice. changed: fixed slices next to which everything is
    computed, and which come out themselves; None for all. direction: "both" fills every stretch of open slices from
    its ends; "forward" and "backward" go through the stack once, from the first fixed slice on, as
    SAM2VideoPredictor.propagate_in_video does with several prompted frames.
    """

    fixed: Mapping[int, Sequence[ObjectPrompt]]
    first: int
    last: int
    changed: frozenset[int] | None = None
    direction: Direction = "both"
    fill_hole_area: int = 0

    def settled(self) -> list[int]:
        """The fixed slices that come out, in their order."""
        chosen = self.fixed if self.changed is None else self.changed & self.fixed.keys()
        return sorted(index for index in chosen if self.first <= index <= self.last)

    def sweeps(self) -> list[list[range]]:
        """Slices in the order they are visited, the fixed slice where each sweep begins first; those that meet
        together.
        """
        if self.direction == "forward":
            return [[range(min(self.fixed), self.last + 1)]]
        if self.direction == "backward":
            return [[range(max(self.fixed), self.first - 1, -1)]]
        found = []
        for before, after in pairwise((None, *sorted(self.fixed), None)):
            first = self.first if before is None else max(self.first, before + 1)
            last = self.last if after is None else min(self.last, after - 1)
            touched = self.changed is None or before in self.changed or after in self.changed
            if touched and first <= last:
                forward = [] if before is None else [range(before, last + 1)]
                backward = [] if after is None else [range(after, first - 1, -1)]
                found.append(forward + backward)
        return found

    def open(self, sweep: range) -> list[int]:
        """The slices that a sweep computes, in its order."""
        return [index for index in sweep if index not in self.fixed and self.first <= index <= self.last]

    def starts(self) -> set[int]:
        """The fixed slices of which something has to be remembered."""
        if self.direction != "both":
            return set(self.fixed)
        return {sweep[0] for meeting in self.sweeps() for sweep in meeting}

    @property
    def steps(self) -> int:
        """How many results come out; a slice that two sweeps reach comes twice."""
        return len(self.settled()) + sum(len(self.open(sweep)) for meeting in self.sweeps() for sweep in meeting)


@dataclass
class Sweeps:
    """Computes sweep tasks in a workspace."""

    work: Workspace

    def run(self, task: SweepTask) -> Iterator[SliceOutput]:
        """The fixed slices that changed, then stretch by stretch; a slice that comes again takes the place of what came
        before.

        Each result is the best so far, so what has come until a cancel can be kept.
        """
        outputs, entries = self._settle(task)
        yield from outputs
        for meeting in task.sweeps():
            yield from self._fill(meeting, task, entries)

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

    def _fill(
        self, meeting: Sequence[range], task: SweepTask, entries: Sequence[dict[int, Entry]]
    ) -> Iterator[SliceOutput]:
        """Sweeps over the same slices, one after the other: the second one only takes the place of what it betters."""
        names = [prompt.name for prompt in next(iter(task.fixed.values()))]
        kept: dict[int, _Kept] = {}
        for sweep in meeting:
            reached = Reached(sweep[0], sweep.step, self._length(sweep, task))
            for output, remembered in self._sweep(sweep, task, entries):
                distance = abs(output.slice - sweep[0])
                first = kept.pop(output.slice, None)
                better = [True] * len(names) if first is None else first.bettered_by(output, distance)
                self.work.keep(names, output.slice, remembered, reached, better)
                if first is not None:
                    output = first.merged(output, better)
                elif len(meeting) > 1:
                    kept[output.slice] = _Kept.of(output, distance)
                yield output

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


@dataclass(frozen=True)
class _Kept:
    """What the first of two sweeps found on a slice, so and so far from its fixed end; masks one bit a pixel."""

    packed: NDArray[np.uint8]
    output: SliceOutput
    distance: int

    @classmethod
    def of(cls, output: SliceOutput, distance: int) -> _Kept:
        return cls(np.packbits(output.masks), replace(output, masks=output.masks[:0]), distance)

    def bettered_by(self, other: SliceOutput, distance: int) -> list[bool]:
        """Whether the other sweep comes from nearer, for every object; halfway, whether it is more confident."""
        mine = zip(self.output.presence, self.output.predicted_iou, strict=True)
        theirs = zip(other.presence, other.predicted_iou, strict=True)
        return [
            (-distance, confidence(*its)) > (-self.distance, confidence(*own))
            for own, its in zip(mine, theirs, strict=True)
        ]

    def merged(self, other: SliceOutput, better: Sequence[bool]) -> SliceOutput:
        """The other's masks and scores of the objects for which it is better, what was kept of the rest; and how far
        both agree.
        """
        masks = np.unpackbits(self.packed, count=other.masks.size).reshape(other.masks.shape)
        own = zip(masks, self.output.presence, self.output.predicted_iou, strict=True)
        its = zip(other.masks, other.presence, other.predicted_iou, strict=True)
        chosen = [one if taken else kept for taken, one, kept in zip(better, its, own, strict=True)]
        found, presence, predicted_iou = zip(*chosen, strict=True)
        agreement = tuple(_agreement(kept, one) for kept, one in zip(masks, other.masks, strict=True))
        return SliceOutput(other.slice, np.stack(found), presence, predicted_iou, agreement)


def _agreement(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Dice of what two sweeps found; 1 where both found nothing."""
    found = dice(one, other)
    return 1.0 if found is None else found


def confidence(presence: float, predicted_iou: float) -> float:
    """How sure the model is of a mask, 0 to 1: 0 where it believes the object absent.

    2 sigmoid(s) - 1 for a presence logit s > 0, times the predicted IoU; presence is sigmoid(s).
    """
    return max(0.0, 2 * presence - 1) * predicted_iou
