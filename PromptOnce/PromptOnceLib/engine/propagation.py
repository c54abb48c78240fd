"""From the prompts of one slice through the whole stack: two halves, each with its own memory.

Gutierrez et al., Prompt Once, Segment Everything, Algorithm 1: the stack is cut at the seed slice, which is frame 0 of
both halves. After a shared seed (section 4.2) frames of other images come first in both halves, then the stack's own
start slice, which is tracked like the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from PromptOnceLib.core.conditioning import ConditioningFrame
from PromptOnceLib.core.errors import ModelError, OutOfMemoryError
from PromptOnceLib.core.prompts import ObjectPrompt
from PromptOnceLib.engine.description import descriptor
from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.ending import Ending
from PromptOnceLib.engine.tracking import Entry, Features, Memory, ObjectOutput, Tracker

Direction = Literal["both", "forward", "backward"]
Frames = NDArray[np.uint8] | Sequence[NDArray[np.uint8]]
T = TypeVar("T")


@dataclass(frozen=True)
class SliceOutput:
    """All objects on one slice.

    slice: index in the stack. masks: uint8 (objects, rows, columns), 0 or 1. presence, predicted_iou: one value 0 to 1
    an object.
    """

    slice: int
    masks: NDArray[np.uint8]
    presence: tuple[float, ...]
    predicted_iou: tuple[float, ...]


@dataclass(frozen=True)
class Task:
    """What to propagate over slices first..last (both included).

    seed: the slice where the halves begin. objects: prompted there, unless there are conditioning frames: then they
    name the objects, whose places are in each conditioning frame. conditioning: frames 0, 1, ... of every half, before
    the start slice. alone: every slice directly follows the conditioning frames, with nothing remembered of the others.
    stop_when_absent: leave out the rest of a half once all objects have ended there (ending.py).
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

    def halves(self) -> list[range]:
        """Slice indices of each half in the order they are visited, the seed first."""
        if self.alone:
            return [range(index, index + 1) for index in range(self.first, self.last + 1)]
        forward, backward = range(self.seed, self.last + 1), range(self.seed, self.first - 1, -1)
        chosen = {"both": [forward, backward], "forward": [forward], "backward": [backward]}[self.direction]
        # A half of one slice has nothing to track, unless the start slice itself has to be, which is done once.
        return [half for i, half in enumerate(chosen) if len(half) > 1 or (self.conditioning and i == 0)]

    @property
    def slices(self) -> int:
        """How many slices come out."""
        return len({self.seed, *chain.from_iterable(self.halves())})


@dataclass
class Propagation:
    """One volume's slices and a tracker; remembers the features of the slice encoded last by `features`.

    frames: uint8 (slices, rows, columns), or pictures (rows, columns) of different sizes. notify: called with a
    sentence for the user when something was done differently than asked, for example after memory ran out.
    """

    tracker: Tracker
    frames: Frames
    notify: Callable[[str], None]
    _cached: dict[int, Features] = field(default_factory=dict)

    def embed(self, index: int) -> None:
        """Encode a slice so that prompts on it are answered fast."""
        self._within_memory(lambda: self._seed_features(index))

    def describe(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Descriptor of a frame (rows, columns) of any image, see `description.descriptor`."""
        return self._within_memory(lambda: descriptor(self.tracker.encode(frame)))

    def predict(self, objects: Sequence[ObjectPrompt], index: int, fill_hole_area: int = 0) -> SliceOutput:
        """Masks of the prompted slice alone."""
        return self._within_memory(lambda: self._slice_output(index, self._segment(objects, index, fill_hole_area)))

    def run(self, task: Task) -> Iterator[SliceOutput]:
        """The seed slice, then slice by slice the forward half, then the backward half."""
        if task.conditioning:
            yield from self._run_after_conditioning(task)
            return
        seed, entries = self._within_memory(lambda: self._seed(task))
        yield seed
        for half in task.halves():
            memories = [Memory(len(half), seed={0: entry}) for entry in entries]
            ending = Ending()
            ending.has_come(seed.masks, seed.presence)
            for position, index in enumerate(half[1:], start=1):
                output = self._track(index, position, memories, task.fill_hole_area)
                yield output
                if task.stop_when_absent and self._has_ended(ending, output, half):
                    break

    def _run_after_conditioning(self, task: Task) -> Iterator[SliceOutput]:
        before = len(task.conditioning)
        entries = self._within_memory(lambda: self._remember_conditioning(task))
        done = set()
        for half in task.halves():
            memories = [Memory(before + len(half), seed=dict(entry)) for entry in entries]
            ending = Ending()
            for position, index in enumerate(half, start=before):
                output = self._track(index, position, memories, task.fill_hole_area, keep_features=index == task.seed)
                if index not in done:  # of the start slice, which is in both halves, the first half's mask stays
                    done.add(index)
                    yield output
                if task.stop_when_absent and self._has_ended(ending, output, half):
                    break

    def _has_ended(self, ending: Ending, output: SliceOutput, half: range) -> bool:
        """Whether the rest of a half can be left out, which the user is told."""
        if not ending.has_come(output.masks, output.presence) or output.slice == half[-1]:
            return False
        self.notify(
            f"Nothing more was found by slice {output.slice}: the slices from {output.slice + half.step} to {half[-1]} "
            "were not computed and count as empty."
        )
        return True

    def _remember_conditioning(self, task: Task) -> list[dict[int, Entry]]:
        """For every object what is remembered of each conditioning frame, by its position in the half."""
        entries: list[dict[int, Entry]] = [{} for _ in task.objects]
        for position, conditioning in enumerate(task.conditioning):
            features, shape = self.tracker.encode(conditioning.frame), _shape(conditioning.frame)
            for entry, prompt in zip(entries, conditioning.objects, strict=True):
                output = self.tracker.segment(features, prompt, shape, task.fill_hole_area)
                entry[position] = self.tracker.remember_seed(features, output)
        return entries

    def _seed(self, task: Task) -> tuple[SliceOutput, list[Entry]]:
        outputs = self._segment(task.objects, task.seed, task.fill_hole_area)
        features = self._seed_features(task.seed)
        entries = [self.tracker.remember_seed(features, output) for output in outputs]
        return self._slice_output(task.seed, outputs), entries

    def _track(
        self, index: int, position: int, memories: list[Memory], fill_hole_area: int, keep_features: bool = False
    ) -> SliceOutput:
        outputs: list[ObjectOutput] = []

        def rest() -> SliceOutput:
            # After memory ran out on the second object the first is not tracked twice.
            for memory in memories:
                memory.to(self.tracker.placement.device)
            if len(outputs) < len(memories):
                features = self._seed_features(index) if keep_features else self.tracker.encode(self.frames[index])
                for memory in memories[len(outputs) :]:
                    outputs.append(self.tracker.track(features, position, memory, fill_hole_area))
            return self._slice_output(index, outputs)

        return self._within_memory(rest)

    def _segment(self, objects: Sequence[ObjectPrompt], index: int, fill_hole_area: int) -> list[ObjectOutput]:
        features, shape = self._seed_features(index), _shape(self.frames[index])
        return [self.tracker.segment(features, prompt, shape, fill_hole_area) for prompt in objects]

    def _seed_features(self, index: int) -> Features:
        if index not in self._cached:
            self._cached = {index: self.tracker.encode(self.frames[index])}
        return self._cached[index]

    def _slice_output(self, index: int, outputs: Sequence[ObjectOutput]) -> SliceOutput:
        presence = tuple(output.presence_probability for output in outputs)
        predicted_iou = tuple(output.predicted_iou for output in outputs)
        if not all(math.isfinite(value) for value in (*presence, *predicted_iou)):
            # Masks made from such numbers would be empty, which is not what happened.
            raise ModelError(
                "The model gives no numbers: its checkpoint is damaged, or the precision is too low; try float32."
            )
        shape = _shape(self.frames[index])
        masks = np.stack([self.tracker.full_size_mask(output.logits, shape) for output in outputs])
        return SliceOutput(index, masks, presence, predicted_iou)

    def _within_memory(self, compute: Callable[[], T]) -> T:
        """Compute; when the device's memory ends, free what can be recomputed, then go on on the CPU.

        There is nothing smaller to try in between: slices and objects are already taken one by one.
        """
        try:
            return compute()
        except RuntimeError as error:
            _reraise_unless_out_of_memory(error)
        self._free()
        try:
            return compute()
        except RuntimeError as error:
            _reraise_unless_out_of_memory(error)
            if self.tracker.placement.last_resort:
                raise OutOfMemoryError(_NO_MEMORY, str(error)) from error
        self.notify("The GPU ran out of memory: the rest is computed on the CPU, which is slower.")
        self._free()
        self.tracker.move(on_cpu())
        try:
            return compute()
        except RuntimeError as error:
            _reraise_unless_out_of_memory(error)
            raise OutOfMemoryError(_NO_MEMORY, str(error)) from error

    def _free(self) -> None:
        self._cached.clear()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _shape(frame: NDArray[np.uint8]) -> tuple[int, int]:
    rows, columns = frame.shape
    return rows, columns


_NO_MEMORY = "There is not enough memory for this model: close other programs or choose a smaller model."


def _reraise_unless_out_of_memory(error: RuntimeError) -> None:
    """CUDA has a class of its own for it, MPS and the CPU's allocator only say so in the message."""
    said = str(error)
    if not isinstance(error, torch.OutOfMemoryError) and "out of memory" not in said and "can't allocate" not in said:
        raise error
