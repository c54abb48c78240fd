"""From the prompts of one slice through the whole stack: two passes, each with its own memory.

Gutierrez et al., Prompt Once, Segment Everything, Algorithm 1: the stack is cut at the prompted slice, which is frame 0
of both passes. After a shared seed (section 4.2) frames of other images come first in both passes, then the stack's own
start slice, which is tracked like the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from PromptOnceLib.engine.devices import Pipeline, is_out_of_memory, on_cpu
from PromptOnceLib.engine.embedding import frame_embedding
from PromptOnceLib.engine.lookahead import FeaturePrefetcher, Frames
from PromptOnceLib.engine.memory import Entry
from PromptOnceLib.engine.passes import Pass, Piece, cut, in_groups, in_turns, of_each_pass, reaching, whole
from PromptOnceLib.engine.tracker import Features, Output, Tracker
from PromptOnceLib.engine.transfer import DeviceTransfer, SliceOutput, delayed
from PromptOnceLib.errors import OutOfMemoryError
from PromptOnceLib.prompts.conditioning import ConditioningFrame
from PromptOnceLib.prompts.prompt import ObjectPrompt

__all__ = ["Direction", "Frames", "Propagation", "SliceOutput", "Task"]

Direction = Literal["both", "forward", "backward"]
T = TypeVar("T")


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


@dataclass
class Propagation:
    """One volume's slices and a tracker; remembers the features of the slice that was prompted last.

    frames: uint8 (slices, rows, columns), or pictures (rows, columns) of different sizes. notify: called with a
    sentence for the user when something was done differently than asked, for example after memory ran out.
    """

    tracker: Tracker
    frames: Frames
    notify: Callable[[str], None]
    _cached: dict[int, Features] = field(default_factory=dict)

    def prefetch(self, index: int) -> None:
        """Encode a slice so that prompts on it are answered fast."""
        self._within_memory(lambda: self._seed_features(index))

    def embed(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embedding of a frame (rows, columns) of any image, see `frame_embedding`."""
        return self._within_memory(lambda: frame_embedding(self.tracker.encode(frame)))

    def predict(self, objects: Sequence[ObjectPrompt], index: int, fill_hole_area: int = 0) -> SliceOutput:
        """Masks of the prompted slice alone."""
        return self._within_memory(lambda: self._fetch(index, self._segment(objects, index, fill_hole_area)).take())

    def run(self, task: Task) -> Iterator[SliceOutput]:
        """The prompted slice, then the passes: the forward one first, or in turns where they go together."""
        seed = None
        if task.conditioning:
            entries = self._within_memory(lambda: self._remember_conditioning(task))
        else:
            seed, entries = self._within_memory(lambda: self._seed(task))
            yield seed
        done = set()
        for passes in self._groups(task, seed):
            for output in self._passes(task, passes, entries):
                if output.slice not in done:  # of the start slice, which is in both passes, the first pass's mask stays
                    done.add(output.slice)
                    yield output

    def _groups(self, task: Task, seed: SliceOutput | None) -> list[list[Pass]]:
        """The passes, those together that are tracked together."""
        passes = [Pass(slices) for slices in task.passes()]
        if seed is not None:
            for pass_ in passes:
                pass_.ending.has_come(seed.masks, seed.presence)
        if task.alone or not self._pipeline.passes_together:
            return [[pass_] for pass_ in passes]
        return in_groups(passes, len(task.conditioning), self.tracker.pointers)

    def _passes(self, task: Task, passes: list[Pass], entries: Sequence[dict[int, Entry]]) -> Iterator[SliceOutput]:
        """Passes that go together, place by place, each until its ending where that is asked for."""
        first = 0 if task.conditioning else 1  # what was prompted is not tracked
        pieces = self._within_memory(lambda: [whole(passes, len(task.conditioning), entries)])
        with FeaturePrefetcher(self.tracker, self.frames, in_turns(passes, first), self._cached) as ahead:

            def steps() -> Iterator[list[tuple[Pass, DeviceTransfer]]]:
                for place in count(first):
                    pieces[:] = cut(reaching(pieces, place), self._pipeline)
                    if not pieces:
                        return
                    yield self._track(ahead, place, pieces, task)

            for pass_, fetch in delayed(steps(), self._pipeline.lag):
                if pass_.ended:
                    continue
                output = fetch.take()
                yield output
                if task.stop_when_absent and self._has_ended(pass_, output):
                    pass_.ended = True
                    ahead.leave_out(pass_.slices)
                    if all(one.ended for one in passes):
                        return  # what was begun beyond is not waited for

    def _has_ended(self, pass_: Pass, output: SliceOutput) -> bool:
        """Whether the rest of a pass can be left out, which the user is told."""
        last = pass_.slices[-1]
        if not pass_.ending.has_come(output.masks, output.presence) or output.slice == last:
            return False
        self.notify(
            f"Nothing more was found by slice {output.slice}: the slices from {output.slice + pass_.slices.step} to "
            f"{last} were not computed and count as empty."
        )
        return True

    def _remember_conditioning(self, task: Task) -> list[dict[int, Entry]]:
        """For every object what is remembered of each conditioning frame, by its position in the pass."""
        entries: list[dict[int, Entry]] = [{} for _ in task.objects]
        for position, conditioning in enumerate(task.conditioning):
            features, shape = self.tracker.encode(conditioning.frame), _shape(conditioning.frame)
            for entry, prompt in zip(entries, conditioning.objects, strict=True):
                output = self.tracker.segment(features, prompt, shape, task.fill_hole_area)
                entry[position] = self.tracker.remember_seed(features, output)
        return entries

    def _seed(self, task: Task) -> tuple[SliceOutput, list[dict[int, Entry]]]:
        outputs = self._segment(task.objects, task.seed, task.fill_hole_area)
        features = self._seed_features(task.seed)
        entries = [self.tracker.remember_seed(features, output) for output in outputs]
        return self._fetch(task.seed, outputs).take(), [{0: entry} for entry in entries]

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
                position = len(task.conditioning) + place
                output = self.tracker.track(piece.features(features), position, piece.memory, task.fill_hole_area)
                outputs.append(output)
            found = of_each_pass(pieces, outputs)
            return [(pass_, self._fetch(pass_.slices[place], parts)) for pass_, parts in found.items()]

        def free() -> None:
            ahead.free()
            done = len(outputs)
            pieces[done:] = cut(pieces[done:], self._pipeline)

        return self._within_memory(rest, free)

    def _features(self, ahead: FeaturePrefetcher, index: int, task: Task) -> Features:
        features = ahead.at(index)
        if task.conditioning and index == task.seed:  # comes again in the other pass
            self._cached.clear()
            self._cached[index] = features
        return features

    def _segment(self, objects: Sequence[ObjectPrompt], index: int, fill_hole_area: int) -> list[Output]:
        features, shape = self._seed_features(index), _shape(self.frames[index])
        return [self.tracker.segment(features, prompt, shape, fill_hole_area) for prompt in objects]

    def _seed_features(self, index: int) -> Features:
        if index not in self._cached:
            self._cached.clear()
            self._cached[index] = self.tracker.encode(self.frames[index])
        return self._cached[index]

    def _fetch(self, index: int, outputs: Sequence[Output]) -> DeviceTransfer:
        """The results of a slice on their way; after memory ran out some objects may still lie on the GPU."""
        shape = _shape(self.frames[index])
        logits = [one for output in outputs for one in output.logits_of_each]
        masks = torch.stack([self.tracker.full_size_mask(one, shape) for one in logits])
        presence = torch.cat([output.presence[:, 0].float().sigmoid().to(masks.device) for output in outputs])
        predicted_iou = torch.cat([output.predicted_iou.to(masks.device) for output in outputs])
        return DeviceTransfer(index, masks, torch.stack([presence, predicted_iou]))

    @property
    def _pipeline(self) -> Pipeline:
        return self.tracker.placement.pipeline

    def _within_memory(self, compute: Callable[[], T], free: Callable[[], None] = lambda: None) -> T:
        """Compute; when the device's memory ends, take smaller and smaller pieces, then go on on the CPU.

        free: gives up what can be recomputed and is kept outside of this object.
        """
        ways_out = self._ways_out()
        while True:
            try:
                return compute()
            except RuntimeError as error:
                _reraise_unless_out_of_memory(error)
                way_out = next(ways_out, None)
                if way_out is None:
                    raise OutOfMemoryError(_NO_MEMORY, str(error)) from error
            way_out()  # not earlier: the error holds on to what the computation took
            self._free(free)

    def _ways_out(self) -> Iterator[Callable[[], None]]:
        """What to do, one after the other, each time that memory has ended."""
        yield self.tracker.use_less_memory  # also where pieces are smallest: what is kept ready is given up
        while self._pipeline != self._pipeline.smaller():
            yield self.tracker.use_less_memory
        if not self.tracker.placement.last_resort:
            yield self._go_to_cpu

    def _go_to_cpu(self) -> None:
        self.notify("The GPU ran out of memory: the rest is computed on the CPU, which is slower.")
        self.tracker.move(on_cpu())

    def _free(self, free: Callable[[], None]) -> None:
        self._cached.clear()
        free()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _shape(frame: NDArray[np.uint8]) -> tuple[int, int]:
    rows, columns = frame.shape
    return rows, columns


_NO_MEMORY = "There is not enough memory for this model: close other programs or choose a smaller model."


def _reraise_unless_out_of_memory(error: RuntimeError) -> None:
    if not is_out_of_memory(error):
        raise error
