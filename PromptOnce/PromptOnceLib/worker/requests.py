"""What is asked of a worker for one prompt: the masks of the prompted slice, or a propagation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import CancelledError, InputError, PromptError, PromptOnceError
from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.arrays import load_result
from PromptOnceLib.worker.client import EventHandler, Job, WorkerClient
from PromptOnceLib.worker.conditioning_files import SeedFiles
from PromptOnceLib.worker.progress import Progress

OnSlice = Callable[[protocol.SliceDone], object]
OnNotice = Callable[[str], object]


@dataclass(frozen=True)
class Settings:
    """How to propagate.

    first, last: slices to segment, both included; last None is the last slice. fill_hole_area: background regions up to
    this many pixels of SAM 2's low-resolution mask become object; 0 leaves masks as they come. stop_when_absent: do not
    compute what lies behind several slices without any object; off, because organs in several pieces come again.
    alone: after a shared seed every slice is segmented by itself, with nothing remembered of the others.
    """

    first: int = 0
    last: int | None = None
    direction: Literal["both", "forward", "backward"] = "both"
    fill_hole_area: int = 0
    stop_when_absent: bool = False
    alone: bool = False

    def within(self, slices: int) -> range:
        """The slices of a stack to segment; InputError where they do not exist."""
        last = slices - 1 if self.last is None else self.last
        if not 0 <= self.first <= last < slices:
            raise InputError(f"The range {self.first}:{last} does not lie in the slices 0 to {slices - 1}.")
        return range(self.first, last + 1)

    def range_for(self, prompt: Prompt | SharedSeed, slices: int) -> tuple[int, int]:
        """First and last slice of a stack; InputError where they do not exist or leave the prompt out."""
        chosen = self.within(slices)
        first, last = chosen[0], chosen[-1]
        if prompt.slice not in chosen:
            raise InputError(f"The range {first}:{last} has to hold the prompted slice {prompt.slice}.")
        return first, last

    def reached(self, prompt: Prompt | SharedSeed, slices: int) -> range:
        """The slices of a stack that a propagation in this direction comes to; raises as range_for."""
        first, last = self.range_for(prompt, slices)
        return range(
            prompt.slice if self.direction == "forward" else first,
            1 + (prompt.slice if self.direction == "backward" else last),
        )


def check_prompt(prompt: Prompt | SharedSeed, stack: Stack) -> None:
    """Raises PromptError for a prompt or a shared seed that does not fit the stack."""
    if prompt.axis is not None and prompt.axis != stack.axis:
        raise PromptError("The prompt was made for slices along another axis; choose that axis.")
    slices, rows, columns = stack.frames.shape
    prompt.validate_for((slices, rows, columns))


def embed(client: WorkerClient, index: int, on_notice: OnNotice | None = None) -> Job:
    """Have a slice encoded, so that the first prompt on it is answered fast."""
    return client.send(protocol.Embed(id=client.new_id(), slice=index), _for_notices(on_notice))


@dataclass(frozen=True, eq=False)
class PromptedMasks:
    """Masks of the prompted slice, uint8 (objects, rows, columns), with presence and predicted IoU an object."""

    masks: NDArray[np.uint8]
    presence: tuple[float, ...]
    predicted_iou: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class SeedJob:
    """The masks of the prompted slice alone, under way."""

    job: Job
    _file: Path

    @classmethod
    def send(
        cls, client: WorkerClient, prompt: Prompt, fill_hole_area: int = 0, on_notice: OnNotice | None = None
    ) -> SeedJob:
        """Ask for the masks of a prompt that `check_prompt` has passed; returns at once."""
        number = client.new_id()
        request = protocol.Predict(id=number, prompt=prompt, file=f"seed-{number}.npy", fill_hole_area=fill_hole_area)
        return cls(client.send(request, _for_notices(on_notice)), client.folder / request.file)

    def take(self) -> PromptedMasks:
        """The masks, once the job is over; call it once, it removes their file. Raises what the worker reported."""
        try:
            reply = self.job.result(protocol.Predicted)
            masks = load_result(self._file)
        finally:
            self._file.unlink(missing_ok=True)
        return PromptedMasks(masks, tuple(reply.presence), tuple(reply.predicted_iou))


@dataclass(eq=False)
class PropagationJob:
    """A propagation that waits, is under way, or is over.

    result: what has been done so far. notices: what was done differently than asked. device: where it ended, "" before.
    cancelled: whether it ended before the last slice.
    """

    job: Job
    prompt: Prompt | SharedSeed
    settings: Settings
    result: SegmentationResult
    progress: Progress
    notices: list[str] = field(default_factory=list)
    device: str = ""
    cancelled: bool = False
    _changed: list[int] = field(default_factory=list)

    @classmethod
    def waiting(
        cls,
        client: WorkerClient,
        stack: Stack,
        prompt: Prompt | SharedSeed,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
    ) -> PropagationJob:
        """A propagation that has not been sent; neither prompt nor settings are checked."""
        names = [item.name for item in prompt.objects]
        result = SegmentationResult.empty(names, stack.frames.shape, stack.axis)
        return cls(Job(client.new_id()), prompt, settings, result, Progress(clock))

    def check(self, stack: Stack) -> None:
        """Raises PromptError for a prompt that does not fit the stack, InputError for a range that does not."""
        check_prompt(self.prompt, stack)
        self.settings.range_for(self.prompt, len(stack.frames))

    def send(self, client: WorkerClient, on_slice: OnSlice | None = None, on_notice: OnNotice | None = None) -> None:
        """Send it and return at once; callbacks come while the client is pumped.

        When on_slice is called the slice is already in the result.
        """
        first, last = self.settings.range_for(self.prompt, len(self.result.computed))
        seed_files = SeedFiles(client.folder, self.job.id)
        request = protocol.Propagate(
            id=self.job.id,
            prompt=seed_files.put(self.prompt),
            file=f"masks-{self.job.id}.npy",
            first=first,
            last=last,
            direction=self.settings.direction,
            fill_hole_area=self.settings.fill_hole_area,
            alone=self.settings.alone,
            stop_when_absent=self.settings.stop_when_absent,
        )
        path = client.folder / request.file
        masks: list[NDArray[np.uint8]] = []

        def on_event(event: protocol.Event) -> None:
            if isinstance(event, protocol.Notice):
                self.notices.append(event.text)
                if on_notice is not None:
                    on_notice(event.text)
            if not isinstance(event, protocol.SliceDone):
                return
            if not masks:
                masks.append(load_result(path, mmap_mode="r"))
            self._take_slice(event, masks[0][:, event.slice])
            if on_slice is not None:
                on_slice(event)

        def on_end(ended: Job) -> None:
            masks.clear()  # Windows removes no file that is mapped
            path.unlink(missing_ok=True)
            seed_files.remove()
            if isinstance(ended.reply, protocol.Propagated):
                self.device, self.cancelled = ended.reply.device, ended.reply.cancelled

        try:
            self.job = client.send(request, on_event, on_end)
        except PromptOnceError:
            seed_files.remove()
            raise

    def take_changed(self) -> list[int]:
        """The slices done since this was asked last, in the order in which they were done."""
        changed, self._changed = self._changed, []
        return changed

    def outcome(self) -> SegmentationResult:
        """The result, once the job is over.

        Raises what the worker reported, CancelledError when it was cancelled before anything was done.
        """
        if self.job.result(protocol.Propagated).slices == 0:
            raise nothing_done()
        return self.result

    def _take_slice(self, event: protocol.SliceDone, masks: NDArray[np.uint8]) -> None:
        self.result.set_slice(event.slice, masks, event.presence, event.predicted_iou)
        self._changed.append(event.slice)
        self.progress.advance(event.done, event.total)


def nothing_done() -> CancelledError:
    """For a propagation that was cancelled too early to keep anything."""
    return CancelledError("Cancelled before the first slice was done.")


def _for_notices(on_notice: OnNotice | None) -> EventHandler:
    def on_event(event: protocol.Event) -> None:
        if on_notice is not None and isinstance(event, protocol.Notice):
            on_notice(event.text)

    return on_event
