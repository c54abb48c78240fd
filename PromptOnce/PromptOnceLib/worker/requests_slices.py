"""What a session is asked of single slices: masks of the prompted one, embeddings, encoding one ahead of its prompt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import CancelledError, PromptOnceError, WorkerError
from PromptOnceLib.imaging.views.crop import Crop
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.prompts.zoom import Sight
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.arrays import load_result, save_array
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.job import Job
from PromptOnceLib.worker.session_job import AnsweredJob, OnError, OnNotice, Queue, SessionJob

OnMasks = Callable[["PromptedMasks"], object]
OnFrame = Callable[[protocol.FrameDone], object]
OnPoints = Callable[[protocol.PointsDone], object]
OnEverything = Callable[["EverythingMasks"], object]
OnEmbeddings = Callable[[NDArray[np.float32]], object]


def prefetch(client: WorkerClient, index: int, on_notice: OnNotice) -> Job:
    """Have a slice of the worker's stack encoded, so that the first prompt on it is answered fast."""

    def on_event(event: protocol.Event) -> None:
        if isinstance(event, protocol.Notice):
            on_notice(event.text)

    return client.send(protocol.Prefetch(id=client.new_id(), slice=index), on_event)


@dataclass(frozen=True, eq=False)
class PromptedMasks:
    """Masks of the prompted slice, uint8 (objects, rows, columns), with presence and predicted IoU an object.

    crops: what was seen of the slice, by the objects' names.
    """

    masks: NDArray[np.uint8]
    presence: tuple[float, ...]
    predicted_iou: tuple[float, ...]
    crops: Mapping[str, Crop] = field(default_factory=dict)


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
        sight: Sight | None = None,
    ) -> None:
        super().__init__(queue)
        self._prompt, self._fill_hole_area, self._correcting = prompt, fill_hole_area, correcting
        self._sight = Sight() if sight is None else sight
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
            sight=self._sight,
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
        return PromptedMasks(masks, tuple(reply.presence), tuple(reply.predicted_iou), reply.crops)

    def _on_event(self, event: protocol.Event) -> None:
        if isinstance(event, protocol.Notice):
            self._on_notice(event.text)


class EmbeddingJob(AnsweredJob[NDArray[np.float32]]):
    """Embeddings of slices of the worker's stack, then of frames, uint8 (rows, columns), of any image."""

    nothing_done = "Cancelled: the images were not compared."
    urgency = 2

    def __init__(
        self,
        slices: Sequence[int],
        frames: Sequence[NDArray[np.uint8]],
        on_embeddings: OnEmbeddings,
        on_error: OnError,
        on_frame: OnFrame | None,
        queue: Queue,
    ) -> None:
        super().__init__(on_embeddings, on_error, queue)
        self._slices, self._frames, self._on_frame = tuple(slices), frames, on_frame
        self._file: Path | None = None
        self._paths: tuple[Path, ...] = ()

    def send(self, client: WorkerClient) -> Job:
        number = client.new_id()
        self._paths = tuple(client.folder / f"frame-{number}-{i}.npy" for i in range(len(self._frames)))
        self._file = client.folder / f"embeddings-{number}.npy"
        for path, frame in zip(self._paths, self._frames, strict=True):
            save_array(path, frame)
        names = tuple(path.name for path in self._paths)
        request = protocol.Embed(id=number, slices=self._slices, frames=names, file=self._file.name)
        self.job = client.send(request, self._on_event)
        return self.job

    def _on_event(self, event: protocol.Event) -> None:
        if self._on_frame is not None and isinstance(event, protocol.FrameDone):
            self._queue(partial(self._on_frame, event))

    def take(self) -> NDArray[np.float32]:
        """float32 (n, C), the files removed. Raises what the worker reported, CancelledError when it was cancelled."""
        assert self.job is not None
        assert self._file is not None
        try:
            if self.job.result(protocol.Embedded).cancelled:
                raise CancelledError(self.nothing_done)
            found = load_result(self._file)
        finally:
            for path in (self._file, *self._paths):
                path.unlink(missing_ok=True)
        if found.dtype != np.float32 or found.ndim != 2:
            raise WorkerError("What the worker made cannot be read; try again.", f"{found.dtype} {found.shape}")
        return found


@dataclass(frozen=True, eq=False)
class EverythingMasks:
    """All that was found on a slice: masks, uint8 (n, rows, columns), the surest first.

    predicted_iou: float32 (n,), the model's estimate of each. embed_seconds, prompt_seconds: what encoding the slice
    and looking for all masks took.
    """

    masks: NDArray[np.uint8]
    predicted_iou: NDArray[np.float32]
    embed_seconds: float
    prompt_seconds: float


class EverythingJob(AnsweredJob[EverythingMasks]):
    """All that is found on a slice of the worker's stack."""

    nothing_done = "Cancelled: not everything was looked for."
    urgency = 3

    def __init__(
        self,
        index: int,
        points_per_side: int,
        on_everything: OnEverything,
        on_error: OnError,
        on_points: OnPoints | None,
        queue: Queue,
    ) -> None:
        super().__init__(on_everything, on_error, queue)
        self._slice, self._points_per_side, self._on_points = index, points_per_side, on_points
        self._file: Path | None = None

    def send(self, client: WorkerClient) -> Job:
        number = client.new_id()
        self._file = client.folder / f"everything-{number}.npy"
        request = protocol.Everything(
            id=number, slice=self._slice, points_per_side=self._points_per_side, file=self._file.name
        )
        self.job = client.send(request, self._on_event)
        return self.job

    def _on_event(self, event: protocol.Event) -> None:
        if self._on_points is not None and isinstance(event, protocol.PointsDone):
            self._queue(partial(self._on_points, event))

    def take(self) -> EverythingMasks:
        """See AnsweredJob."""
        assert self.job is not None
        assert self._file is not None
        try:
            reply = self.job.result(protocol.EverythingDone)
            masks = load_result(self._file)
        finally:
            self._file.unlink(missing_ok=True)
        scores = np.array(reply.predicted_iou, np.float32)
        if masks.dtype != np.uint8 or masks.ndim != 3 or len(masks) != len(scores):
            raise WorkerError("What the worker made cannot be read; try again.", f"{masks.dtype} {masks.shape}")
        return EverythingMasks(masks, scores, reply.embed_seconds, reply.prompt_seconds)
