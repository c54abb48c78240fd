"""From the prompts of one slice through the whole stack: two passes, each with its own memory.

Gutierrez et al., Prompt Once, Segment Everything, Algorithm 1: the stack is cut at the prompted slice, which is frame 0
of both passes. After a shared seed (section 4.2) frames of other images come first in both passes, then the stack's own
start slice, which is tracked like the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from itertools import chain, count
from typing import Literal

import torch

from PromptOnceLib.engine.cpu.side_by_side import PassThread, passes_at_once, side_by_side
from PromptOnceLib.engine.early_stop import what_is_left_out
from PromptOnceLib.engine.lookahead import FeaturePrefetcher, Frames
from PromptOnceLib.engine.memory import Entry
from PromptOnceLib.engine.passes import (
    Pass,
    Piece,
    cut,
    in_groups,
    in_turns,
    of_each_pass,
    reaching,
    remembered_of_each_pass,
    whole,
)
from PromptOnceLib.engine.stores.run_memory import Reached
from PromptOnceLib.engine.tracker import Features, Output
from PromptOnceLib.engine.transfer import DeviceTransfer, SliceOutput, delayed
from PromptOnceLib.engine.workspace import Workspace, shape_of
from PromptOnceLib.prompts.conditioning import ConditioningFrame
from PromptOnceLib.prompts.prompt import ObjectPrompt

__all__ = ["Direction", "Frames", "Propagation", "SliceOutput", "Task"]

Direction = Literal["both", "forward", "backward"]


@dataclass(frozen=True)
class Task:
    """What to propagate over slices first..last (both included).

    seed: the slice where the passes begin. objects: prompted there, unless there are conditioning frames: then they
    name the objects, whose places are in each conditioning frame. conditioning: frames 0, 1, ... of every pass, before
    the start slice. alone: every slice directly follows the conditioning frames, with nothing remembered of the others.
    stop_when_absent: leave out the rest of a pass once all objects have ended there (early_stop.py).
    """

    objects: Sequence[ObjectPrompt]
    seed: int
    first: int
    last: int
    direction: Direction = "both"
    fill_hole_area: int = 0
    conditioning: Sequence[ConditioningFrame] = ()
    alone: bool = False
    stop_when_absent: bool = False

    def passes(self) -> list[range]:
        """Slice indices of each pass in the order they are visited, the seed first."""
        if self.alone:
            return [range(index, index + 1) for index in range(self.first, self.last + 1)]
        forward, backward = range(self.seed, self.last + 1), range(self.seed, self.first - 1, -1)
        chosen = {"both": [forward, backward], "forward": [forward], "backward": [backward]}[self.direction]
        # A pass of one slice has nothing to track, unless the start slice itself has to be, which is done once.
        return [pass_ for i, pass_ in enumerate(chosen) if len(pass_) > 1 or (self.conditioning and i == 0)]

    @property
    def slices(self) -> int:
        """How many slices come out."""
        return len({self.seed, *chain.from_iterable(self.passes())})


class Propagation(Workspace):
    """Passes from one prompted slice, or after the frames of a shared seed, through a workspace's stack."""

    def run(self, task: Task) -> Iterator[SliceOutput]:
        """The prompted slice, then the passes: the forward one first, or in turns where they go together."""
        seed = None
        if task.conditioning:
            entries = self.within_memory(lambda: self._remember_conditioning(task))
        else:
            seed, entries = self.within_memory(lambda: self._seed(task))
            yield seed
        done = set()
        for output in self._outputs(task, self._groups(task, seed), entries):
            if output.slice not in done:  # of the start slice, which is in both passes, the first pass's mask stays
                done.add(output.slice)
                yield output

    def _outputs(
        self, task: Task, groups: list[list[Pass]], entries: Sequence[dict[int, Entry]]
    ) -> Iterator[SliceOutput]:
        """Of groups of passes, one after the other, or side by side and in turns."""

        def of(work: Propagation, groups: list[list[Pass]]) -> Iterator[SliceOutput]:
            for passes in groups:
                yield from work._passes(task, passes, entries)

        count = self.lanes(len(groups))
        if count == 1:
            return of(self, groups)
        if task.conditioning and not task.alone:  # the start slice is in both passes
            self.prefetch(task.seed)
        makers = [partial(lambda groups, lane: of(self.in_lane(lane), groups), groups[i::count]) for i in range(count)]
        return side_by_side(makers, not self.tracker.placement.rearranged, lambda: not self.pipeline.side_by_side)

    def lanes(self, passes: int) -> int:
        """How many passes are tracked side by side."""
        if not self.pipeline.side_by_side:
            return 1
        return passes_at_once(passes, torch.get_num_threads(), self.tracker.model.image_size)

    def in_lane(self, lane: PassThread[SliceOutput]) -> Propagation:
        """The same workspace for the thread of a lane."""
        work = copy(self)
        work.known = dict(self.known)
        work.interrupt = lane.interrupt
        work.make_room = lambda: lane.turns.be_alone(lane)
        return work

    def _groups(self, task: Task, seed: SliceOutput | None) -> list[list[Pass]]:
        """The passes, those together that are tracked together."""
        passes = [Pass(slices) for slices in task.passes()]
        if seed is not None:
            for pass_ in passes:
                pass_.ending.has_come(seed.masks, seed.presence)
        if task.alone or not self.pipeline.passes_together:
            return [[pass_] for pass_ in passes]
        return in_groups(passes, len(task.conditioning), self.tracker.pointers)

    def _passes(self, task: Task, passes: list[Pass], entries: Sequence[dict[int, Entry]]) -> Iterator[SliceOutput]:
        """Passes that go together, place by place, each until its ending where that is asked for."""
        first = 0 if task.conditioning else 1  # what was prompted is not tracked
        pieces = self.within_memory(lambda: [whole(passes, len(task.conditioning), entries)])
        with self.features(in_turns(passes, first)) as ahead:

            def steps() -> Iterator[list[tuple[Pass, DeviceTransfer]]]:
                for place in count(first):
                    pieces[:] = cut(reaching(pieces, place), self.pipeline)
                    if not pieces:
                        return
                    yield self._track(ahead, place, pieces, task)

            for pass_, fetch in delayed(steps(), self.pipeline.lag):
                if pass_.ended:
                    continue
                output = fetch.take()
                yield output
                if task.stop_when_absent and (rest := pass_.left_out_after(output)):
                    self.notify(what_is_left_out(output.slice, rest))
                    pass_.ended = True
                    ahead.leave_out(pass_.slices)
                    if all(one.ended for one in passes):
                        return  # what was begun beyond is not waited for

    def _remember_conditioning(self, task: Task) -> list[dict[int, Entry]]:
        """For every object what is remembered of each conditioning frame, by its position in the pass."""
        entries: list[dict[int, Entry]] = [{} for _ in task.objects]
        for position, conditioning in enumerate(task.conditioning):
            features, shape = self.tracker.encode(conditioning.frame), shape_of(conditioning.frame)
            for entry, prompt in zip(entries, conditioning.objects, strict=True):
                output = self.tracker.segment(features, prompt, shape, task.fill_hole_area)
                entry[position] = self.tracker.remember_seed(features, output)
        return entries

    def _seed(self, task: Task) -> tuple[SliceOutput, list[dict[int, Entry]]]:
        outputs = self.segment(task.objects, task.seed, task.fill_hole_area)
        features = self.prompted_features(task.seed)
        entries = [self.tracker.remember_seed(features, output) for output in outputs]
        names = [prompt.name for prompt in task.objects]
        if self.run_memory is not None:
            self.run_memory.forget_objects(names)
        reached = Reached(task.seed, 1, task.last - task.seed + 1)
        self.keep(names, task.seed, list(zip(outputs, entries, strict=True)), reached)
        return self.fetch(task.seed, outputs).take(), [{0: entry} for entry in entries]

    def _track(
        self, ahead: FeaturePrefetcher, place: int, pieces: list[Piece], task: Task
    ) -> list[tuple[Pass, DeviceTransfer]]:
        """Begin the slice at `place` of each pass."""
        outputs: list[Output] = []

        def rest() -> list[tuple[Pass, DeviceTransfer]]:
            # After memory ran out on the second piece the first is not tracked twice.
            for piece in pieces:
                piece.memory.to(self.tracker.placement.device)
            missing = pieces[len(outputs) :]
            passes = dict.fromkeys(pass_ for piece in missing for pass_ in piece.passes)
            features = {pass_: self._features(ahead, pass_.slices[place], task) for pass_ in passes}
            for piece in missing:
                self.interrupt()
                position = len(task.conditioning) + place
                output = self.tracker.track(piece.features(features), position, piece.memory, task.fill_hole_area)
                outputs.append(output)
            self._keep(pieces, outputs, place, task)
            found = of_each_pass(pieces, outputs)
            return [(pass_, self.fetch(pass_.slices[place], parts)) for pass_, parts in found.items()]

        def free() -> None:
            ahead.free()
            done = len(outputs)
            pieces[done:] = cut(pieces[done:], self.pipeline)

        return self.within_memory(rest, free)

    def _keep(self, pieces: Sequence[Piece], outputs: Sequence[Output], place: int, task: Task) -> None:
        """Keep what a correction needs; after the frames of other images there is no slice to come back to."""
        if self.run_memory is None or task.conditioning:
            return
        names = [prompt.name for prompt in task.objects]
        for pass_, found in remembered_of_each_pass(pieces, outputs, place).items():
            self.keep(names, pass_.slices[place], found, Reached(task.seed, pass_.slices.step, len(pass_.slices)))

    def _features(self, ahead: FeaturePrefetcher, index: int, task: Task) -> Features:
        features = ahead.at(index)
        if task.conditioning and index == task.seed:  # comes again in the other pass
            self.known.clear()
            self.known[index] = features
        return features
