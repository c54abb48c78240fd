"""What a session has been asked for: each is sent once, ends once, and queues the callbacks of whoever asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import CancelledError, PromptOnceError
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.client import Job, WorkerClient
from PromptOnceLib.worker.requests import OnNotice, OnSlice, PromptedMasks, PropagationJob, SeedJob
from PromptOnceLib.worker.requests_embed import DescriptionJob, OnFrame

OnMasks = Callable[[PromptedMasks], object]
OnError = Callable[[PromptOnceError], object]
OnEnd = Callable[[PropagationJob, PromptOnceError | None], object]
OnDescriptors = Callable[[NDArray[np.float32]], object]
Queue = Callable[[Callable[[], object]], object]


class Preview:
    """The masks of the prompted slice; nobody is called back once it is outdated."""

    def __init__(
        self,
        prompt: Prompt,
        fill_hole_area: int,
        on_masks: OnMasks,
        on_error: OnError,
        on_notice: OnNotice,
        queue: Queue,
    ) -> None:
        self.outdated = False
        self._prompt, self._fill_hole_area = prompt, fill_hole_area
        self._on_masks, self._on_error, self._on_notice = on_masks, on_error, on_notice
        self._queue = queue
        self._seed: SeedJob | None = None

    def send(self, client: WorkerClient) -> Job:
        """Raises PromptError for a prompt that is too large, WorkerError when the worker is gone."""
        self._seed = SeedJob.send(client, self._prompt, self._fill_hole_area, self._on_notice)
        return self._seed.job

    def end(self, error: PromptOnceError | None = None) -> None:
        """End with this error, or as the worker has answered."""
        callback = partial(self._on_error, error) if error is not None else self._answer()
        self._queue(lambda: None if self.outdated else callback())

    def _answer(self) -> Callable[[], object]:
        assert self._seed is not None
        try:
            return partial(self._on_masks, self._seed.take())
        except PromptOnceError as error:
            return partial(self._on_error, error)


class Propagation:
    """A propagation and its callbacks."""

    def __init__(
        self, job: PropagationJob, on_slice: OnSlice, on_notice: OnNotice, on_end: OnEnd, queue: Queue
    ) -> None:
        self.job = job
        self._on_slice, self._on_notice, self._on_end = on_slice, on_notice, on_end
        self._queue = queue
        self._stopping = False

    def send(self, client: WorkerClient) -> Job:
        """Raises PromptError for a prompt that is too large, WorkerError when the worker is gone."""

        def on_slice(event: protocol.SliceDone) -> None:
            self._queue(partial(self._on_slice, event))

        def on_notice(text: str) -> None:
            self._queue(partial(self._on_notice, text))

        self.job.send(client, on_slice, on_notice)
        return self.job.job

    def stop(self, client: WorkerClient) -> None:
        """Have it end at the next slice. Raises WorkerError when the worker is gone."""
        if not self._stopping:
            self._stopping = True
            client.cancel(self.job.job)

    def end(self, error: PromptOnceError | None = None) -> None:
        """End with this error, or as the worker has answered."""
        if error is None:
            try:
                self.job.outcome()
            except PromptOnceError as reported:
                error = reported
        self.job.cancelled |= isinstance(error, CancelledError)
        self._queue(partial(self._on_end, self.job, error))


class Description:
    """Descriptors of frames and its callbacks."""

    def __init__(
        self,
        slices: Sequence[int],
        frames: Sequence[NDArray[np.uint8]],
        on_descriptors: OnDescriptors,
        on_error: OnError,
        on_frame: OnFrame | None,
        queue: Queue,
    ) -> None:
        self._slices, self._frames = slices, frames
        self._on_descriptors, self._on_error, self._on_frame = on_descriptors, on_error, on_frame
        self._queue = queue
        self._description: DescriptionJob | None = None
        self._stopping = False

    def send(self, client: WorkerClient) -> Job:
        """Raises WorkerError when the worker is gone."""

        def on_frame(event: protocol.FrameDone) -> None:
            if self._on_frame is not None:
                self._queue(partial(self._on_frame, event))

        self._description = DescriptionJob.send(client, self._slices, self._frames, on_frame)
        return self._description.job

    def stop(self, client: WorkerClient) -> None:
        """Have it end after the frame under way. Raises WorkerError when the worker is gone."""
        if not self._stopping and self._description is not None:
            self._stopping = True
            client.cancel(self._description.job)

    def end(self, error: PromptOnceError | None = None) -> None:
        """End with this error, or as the worker has answered."""
        if error is None:
            assert self._description is not None
            try:
                self._queue(partial(self._on_descriptors, self._description.take()))
                return
            except PromptOnceError as reported:
                error = reported
        self._queue(partial(self._on_error, error))
