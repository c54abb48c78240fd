"""From the prompts of one slice through the whole stack: two halves, each with its own memory.

Gutierrez et al., Prompt Once, Segment Everything, Algorithm 1: the stack is cut at the seed slice, which is frame 0 of
both halves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from PromptOnceLib.core.errors import ModelError, OutOfMemoryError
from PromptOnceLib.core.prompts import ObjectPrompt
from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.tracking import Entry, Features, Memory, ObjectOutput, Tracker

Direction = Literal["both", "forward", "backward"]
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
    """What to propagate: objects prompted on the slice `seed`, over slices first..last (both included)."""

    objects: Sequence[ObjectPrompt]
    seed: int
    first: int
    last: int
    direction: Direction = "both"
    fill_hole_area: int = 0

    def halves(self) -> list[range]:
        """Slice indices of each half in the order they are visited, the seed first."""
        forward, backward = range(self.seed, self.last + 1), range(self.seed, self.first - 1, -1)
        chosen = {"both": [forward, backward], "forward": [forward], "backward": [backward]}[self.direction]
        return [half for half in chosen if len(half) > 1]


@dataclass
class Propagation:
    """One volume's slices and a tracker; remembers the features of the slice encoded last by `features`.

    frames: uint8 (slices, rows, columns). notify: called with a sentence for the user when something was done
    differently than asked, for example after memory ran out.
    """

    tracker: Tracker
    frames: NDArray[np.uint8]
    notify: Callable[[str], None]
    _cached: dict[int, Features] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of a slice."""
        return (int(self.frames.shape[1]), int(self.frames.shape[2]))

    def embed(self, index: int) -> None:
        """Encode a slice so that prompts on it are answered fast."""
        self._within_memory(lambda: self._seed_features(index))

    def predict(self, objects: Sequence[ObjectPrompt], index: int, fill_hole_area: int = 0) -> SliceOutput:
        """Masks of the prompted slice alone."""
        return self._within_memory(lambda: self._slice_output(index, self._segment(objects, index, fill_hole_area)))

    def run(self, task: Task) -> Iterator[SliceOutput]:
        """The seed slice, then slice by slice the forward half, then the backward half."""
        seed, entries = self._within_memory(lambda: self._seed(task))
        yield seed
        for half in task.halves():
            memories = [Memory(len(half), seed={0: entry}) for entry in entries]
            for position, index in enumerate(half[1:], start=1):
                yield self._track(index, position, memories, task.fill_hole_area)

    def _seed(self, task: Task) -> tuple[SliceOutput, list[Entry]]:
        outputs = self._segment(task.objects, task.seed, task.fill_hole_area)
        features = self._seed_features(task.seed)
        entries = [self.tracker.remember_seed(features, output) for output in outputs]
        return self._slice_output(task.seed, outputs), entries

    def _track(self, index: int, position: int, memories: list[Memory], fill_hole_area: int) -> SliceOutput:
        outputs: list[ObjectOutput] = []

        def rest() -> SliceOutput:
            # After memory ran out on the second object the first is not tracked twice.
            for memory in memories:
                memory.to(self.tracker.placement.device)
            if len(outputs) < len(memories):
                features = self.tracker.encode(self.frames[index])
                for memory in memories[len(outputs) :]:
                    outputs.append(self.tracker.track(features, position, memory, fill_hole_area))
            return self._slice_output(index, outputs)

        return self._within_memory(rest)

    def _segment(self, objects: Sequence[ObjectPrompt], index: int, fill_hole_area: int) -> list[ObjectOutput]:
        features = self._seed_features(index)
        return [self.tracker.segment(features, prompt, self.shape, fill_hole_area) for prompt in objects]

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
        masks = np.stack([self.tracker.full_size_mask(output.logits, self.shape) for output in outputs])
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


_NO_MEMORY = "There is not enough memory for this model: close other programs or choose a smaller model."


def _reraise_unless_out_of_memory(error: RuntimeError) -> None:
    """CUDA has a class of its own for it, MPS and the CPU's allocator only say so in the message."""
    said = str(error)
    if not isinstance(error, torch.OutOfMemoryError) and "out of memory" not in said and "can't allocate" not in said:
        raise error
