"""Segment stacks with a worker: the one way that the command line, the batch mode and Slicer all go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.core.errors import CancelledError, InputError, PromptError, WorkerError
from PromptOnceLib.core.prompts import Prompt
from PromptOnceLib.core.registry import ModelFiles
from PromptOnceLib.core.results import SegmentationResult
from PromptOnceLib.core.stack import Stack
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.client import Job, WorkerClient


@dataclass(frozen=True)
class Settings:
    """How to propagate.

    first, last: slices to segment, both included; last None is the last slice. fill_hole_area: background regions up to
    this many pixels of SAM 2's low-resolution mask become object; 0 leaves masks as they come.
    """

    first: int = 0
    last: int | None = None
    direction: Literal["both", "forward", "backward"] = "both"
    fill_hole_area: int = 0

    def range_for(self, prompt: Prompt, slices: int) -> tuple[int, int]:
        """First and last slice of a stack; InputError where they do not exist or leave the prompt out."""
        last = slices - 1 if self.last is None else self.last
        if not 0 <= self.first <= last < slices:
            raise InputError(f"The range {self.first}:{last} does not lie in the slices 0 to {slices - 1}.")
        if not self.first <= prompt.slice <= last:
            raise InputError(f"The range {self.first}:{last} has to hold the prompted slice {prompt.slice}.")
        return self.first, last


@dataclass(frozen=True, eq=False)
class SeedMasks:
    """Masks of the prompted slice, uint8 (objects, rows, columns), with presence and predicted IoU an object."""

    masks: NDArray[np.uint8]
    presence: tuple[float, ...]
    predicted_iou: tuple[float, ...]


@dataclass(eq=False)
class PropagationJob:
    """A propagation under way; `result` holds what has been done so far."""

    job: Job
    result: SegmentationResult
    notices: list[str] = field(default_factory=list)
    device: str = ""
    cancelled: bool = False


class Segmenter:
    """A model, a stack and a worker that holds both.

    Whatever a new worker does not know yet (after a crash, say) is sent to it again before the next request.
    """

    def __init__(self, client: WorkerClient) -> None:
        self.client = client
        self.model: protocol.ModelLoaded | None = None
        self._wanted: tuple[ModelFiles, str, str] | None = None
        self._stack: Stack | None = None
        self._sent_stack: tuple[Stack, Path] | None = None
        self._generation = -1

    def use_model(self, files: ModelFiles, device: str = "auto", precision: str = "auto") -> protocol.ModelLoaded:
        """Load a model, or keep it when it is loaded already. Raises ModelError, InputError, WorkerError."""
        self._wanted, self.model = (files, device, precision), None
        return self._loaded_model()

    def use_stack(self, stack: Stack) -> None:
        """Work on this stack from now on."""
        self._stack = stack
        self._send_stack()

    def embed(self, index: int) -> Job:
        """Encode a slice in the background, so that the first prompt on it is answered fast."""
        self._prepare()
        return self.client.send(protocol.Embed(id=self.client.new_id(), slice=index))

    def predict(self, prompt: Prompt, fill_hole_area: int = 0) -> SeedMasks:
        """Masks of the prompted slice alone."""
        stack = self._prepare(prompt)
        assert stack is not None
        request = protocol.Predict(
            id=(number := self.client.new_id()),
            prompt=prompt,
            file=f"seed-{number}.npy",
            fill_hole_area=fill_hole_area,
        )
        reply = self.client.wait(self.client.send(request), protocol.Predicted)
        path = self.client.folder / request.file
        masks = np.load(path, allow_pickle=False)
        path.unlink()
        return SeedMasks(masks, tuple(reply.presence), tuple(reply.predicted_iou))

    def start_propagation(
        self,
        prompt: Prompt,
        settings: Settings = Settings(),
        on_slice: Callable[[protocol.SliceDone], None] | None = None,
        on_notice: Callable[[str], None] | None = None,
    ) -> PropagationJob:
        """Send a propagation and return at once; callbacks come while the client is pumped.

        When on_slice is called the slice is already in the job's result. Raises PromptError for a prompt that does not
        fit the stack, InputError for a range that does not.
        """
        stack = self._prepare(prompt)
        first, last = settings.range_for(prompt, len(stack.frames))
        number = self.client.new_id()
        request = protocol.Propagate(
            id=number,
            prompt=prompt,
            file=f"masks-{number}.npy",
            first=first,
            last=last,
            direction=settings.direction,
            fill_hole_area=settings.fill_hole_area,
        )
        names = tuple(item.name for item in prompt.objects)
        result = SegmentationResult.empty(names, stack.frames.shape, stack.axis)
        path = self.client.folder / request.file
        job = PropagationJob(Job(number), result)
        masks: list[NDArray[np.uint8]] = []

        def on_event(event: protocol.SliceDone | protocol.Notice) -> None:
            if isinstance(event, protocol.Notice):
                job.notices.append(event.text)
                if on_notice is not None:
                    on_notice(event.text)
                return
            if not masks:
                masks.append(np.load(path, mmap_mode="r", allow_pickle=False))
            result.set_slice(event.slice, masks[0][:, event.slice], event.presence, event.predicted_iou)
            if on_slice is not None:
                on_slice(event)

        def on_end(ended: Job) -> None:
            masks.clear()  # Windows removes no file that is mapped
            path.unlink(missing_ok=True)
            if isinstance(ended.reply, protocol.Propagated):
                job.device, job.cancelled = ended.reply.device, ended.reply.cancelled

        job.job = self.client.send(request, on_event, on_end)
        return job

    def wait(self, job: PropagationJob, should_cancel: Callable[[], bool] | None = None) -> SegmentationResult:
        """The result, after the last slice or after a cancel.

        Raises what the worker reported, CancelledError when it was cancelled before anything was done.
        """
        reply = self.client.wait(job.job, protocol.Propagated, should_cancel=should_cancel)
        if reply.slices == 0:
            raise CancelledError("Cancelled before the first slice was done.")
        return job.result

    def _prepare(self, prompt: Prompt | None = None) -> Stack:
        """Make sure that the worker runs and knows model and stack; check a prompt before it is sent."""
        if self._stack is None or self._wanted is None:
            raise WorkerError("Choose a model and a volume first.")
        if prompt is not None:
            if prompt.axis is not None and prompt.axis != self._stack.axis:
                raise PromptError("The prompt was made for slices along another axis; choose that axis.")
            prompt.validate_for(self._stack.frames.shape)
        self._loaded_model()
        self._send_stack()
        return self._stack

    def _loaded_model(self) -> protocol.ModelLoaded:
        self.client.start()
        if self._generation != self.client.generation:
            self._generation, self.model, self._sent_stack = self.client.generation, None, None
        if self.model is None:
            if self._wanted is None:
                raise WorkerError("Choose a model first.")
            files, device, precision = self._wanted
            request = protocol.LoadModel(
                id=self.client.new_id(),
                name=files.name,
                checkpoint=str(files.checkpoint),
                config=str(files.config),
                sha256=files.sha256,
                device=device,
                precision=precision,
            )
            self.model = self.client.wait(self.client.send(request), protocol.ModelLoaded)
        return self.model

    def _send_stack(self) -> None:
        if self._stack is None or self._wanted is None:
            return
        self._loaded_model()
        sent = self._sent_stack
        if sent is not None and sent[0] is self._stack:
            return
        number = self.client.new_id()
        path = self.client.folder / f"stack-{number}.npy"
        try:
            np.save(path, self._stack.frames, allow_pickle=False)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise WorkerError(
                "The disk for temporary files is full: free some space or set TMPDIR to another folder.", str(error)
            ) from error
        self.client.wait(self.client.send(protocol.SetStack(id=number, file=path.name)), protocol.Done)
        if sent is not None:
            sent[1].unlink(missing_ok=True)
        self._sent_stack = (self._stack, path)
