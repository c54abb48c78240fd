"""Descriptors of frames, made by the image encoder of the loaded model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import CancelledError, WorkerError
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.arrays import load_result, save_array
from PromptOnceLib.worker.client import Job, WorkerClient

OnFrame = Callable[[protocol.FrameDone], object]


@dataclass(frozen=True, eq=False)
class DescriptionJob:
    """Descriptors of some frames, under way."""

    job: Job
    _file: Path
    _frames: tuple[Path, ...]

    @classmethod
    def send(
        cls,
        client: WorkerClient,
        slices: Sequence[int],
        frames: Sequence[NDArray[np.uint8]] = (),
        on_frame: OnFrame | None = None,
    ) -> DescriptionJob:
        """Ask for descriptors of slices of the worker's stack, then of frames (rows, columns) of any image; returns at
        once. Raises WorkerError.
        """
        number = client.new_id()
        paths = tuple(client.folder / f"frame-{number}-{i}.npy" for i in range(len(frames)))
        for path, frame in zip(paths, frames, strict=True):
            save_array(path, frame)

        def on_event(event: protocol.Event) -> None:
            if on_frame is not None and isinstance(event, protocol.FrameDone):
                on_frame(event)

        request = protocol.Describe(
            id=number, slices=tuple(slices), frames=tuple(path.name for path in paths), file=f"descriptors-{number}.npy"
        )
        return cls(client.send(request, on_event), client.folder / request.file, paths)

    def take(self) -> NDArray[np.float32]:
        """float32 (n, C), once the job is over; call it once, it removes the files.

        Raises what the worker reported, CancelledError when it was cancelled.
        """
        try:
            if self.job.result(protocol.Described).cancelled:
                raise CancelledError("Cancelled: the images were not compared.")
            found = load_result(self._file)
        finally:
            for path in (self._file, *self._frames):
                path.unlink(missing_ok=True)
        if found.dtype != np.float32 or found.ndim != 2:
            raise WorkerError("What the worker made cannot be read; try again.", f"{found.dtype} {found.shape}")
        return found
