"""What a session is asked for while a prompt is edited: the masks of the prompted slice alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import CancelledError, PromptOnceError
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.arrays import load_result
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.job import Job
from PromptOnceLib.worker.session_job import OnError, OnNotice, Queue, SessionJob

OnMasks = Callable[["PromptedMasks"], object]


@dataclass(frozen=True, eq=False)
class PromptedMasks:
    """Masks of the prompted slice, uint8 (objects, rows, columns), with presence and predicted IoU an object."""

    masks: NDArray[np.uint8]
    presence: tuple[float, ...]
    predicted_iou: tuple[float, ...]


class PromptJob(SessionJob):
    """The masks of the prompted slice alone, for a prompt that `check_prompt` has passed.

    tell_outdated: end with CancelledError when it is dropped, instead of calling nobody.
    """

    nothing_done = "Cancelled: the masks of the prompted slice were not computed."
    urgency = 1

    def __init__(
        self,
        prompt: Prompt,
        fill_hole_area: int,
        on_masks: OnMasks,
        on_error: OnError,
        on_notice: OnNotice,
        tell_outdated: bool,
        queue: Queue,
        correcting: bool = False,
    ) -> None:
        super().__init__(queue)
        self._prompt, self._fill_hole_area, self._correcting = prompt, fill_hole_area, correcting
        self._on_masks, self._on_error, self._on_notice = on_masks, on_error, on_notice
        self._tell_outdated = tell_outdated
        self._file: Path | None = None
        self._told = False

    def send(self, client: WorkerClient) -> Job:
        number = client.new_id()
        name = f"prompted-{number}.npy"
        request = protocol.Predict(
            id=number,
            prompt=self._prompt,
            file=name,
            fill_hole_area=self._fill_hole_area,
            correcting=self._correcting,
        )
        self._file = client.folder / name
        self.job = client.send(request, self._on_event)
        return self.job

    def end(self, error: PromptOnceError | None = None) -> None:
        callback = self._answer() if error is None else partial(self._on_error, error)
        self._queue(partial(self._tell, callback))

    def drop(self) -> None:
        """The masks are outdated: they are not handed over any more."""
        if not self._told and self._tell_outdated:
            self._queue(partial(self._on_error, CancelledError(self.nothing_done)))
        self._told = True

    def stop(self, client: WorkerClient) -> None:
        """Nothing: one slice is done soon."""

    def _tell(self, callback: Callable[[], object]) -> None:
        if not self._told:
            self._told = True
            callback()

    def _answer(self) -> Callable[[], object]:
        try:
            return partial(self._on_masks, self._take())
        except PromptOnceError as error:
            return partial(self._on_error, error)

    def _take(self) -> PromptedMasks:
        assert self.job is not None
        assert self._file is not None
        try:
            reply = self.job.result(protocol.Predicted)
            masks = load_result(self._file)
        finally:
            self._file.unlink(missing_ok=True)
        return PromptedMasks(masks, tuple(reply.presence), tuple(reply.predicted_iou))

    def _on_event(self, event: protocol.Event) -> None:
        if isinstance(event, protocol.Notice):
            self._on_notice(event.text)
