"""A worker in memory that answers when it is told to, and a session with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from PromptOnceLib.errors import PromptOnceError, WorkerError
from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.requests import PropagationJob, Settings
from PromptOnceLib.worker.session import Session
from worker.disks import disk_frames, disk_prompt, stack_of
from worker.fake_engine import FakeEngine

DIED = "The worker process ended unexpectedly."


class FakeWorker:
    """A Transport whose worker never does anything by itself but acknowledge a cancel."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.asked: list[protocol.AnyRequest] = []
        self.pending: deque[Any] = deque()
        self.dead = False
        self.stopped = False
        self.acknowledges = True
        self.waited: list[float] = []
        self._lines: deque[bytes] = deque()
        self._engine = FakeEngine(folder, self.say)

    def write(self, data: bytes) -> None:
        if self.dead:
            raise WorkerError(DIED)
        request = protocol.decode_request(data)
        self.asked.append(request)
        if isinstance(request, protocol.Cancel):
            if self.acknowledges:
                self.say(protocol.Done(id=request.id))
        else:
            self.pending.append(request)

    def read_line(self, timeout: float) -> bytes | None:
        self.waited.append(timeout)
        if self._lines:
            return self._lines.popleft()
        if self.dead:
            raise WorkerError(DIED)
        return None

    def log(self) -> str:
        return "the log"

    def stop(self, grace: float) -> None:
        self.stopped = True

    def say(self, message: protocol.Message) -> None:
        self._lines.append(protocol.encode(message))

    def answer(self) -> None:
        """Give the oldest request the reply it wants; a propagation ends without a slice."""
        request = self.pending.popleft()
        if isinstance(request, protocol.Predict):
            objects = len(request.prompt.objects)
            np.save(self.folder / request.file, np.full((objects, *self._engine.frames.shape[1:]), 1, np.uint8))
            self.say(
                protocol.Predicted(id=request.id, presence=[float(request.id)] * objects, predicted_iou=[0.5] * objects)
            )
        elif isinstance(request, protocol.Propagate):
            self.say(protocol.Propagated(id=request.id, cancelled=True, slices=0, device="cpu"))
        elif isinstance(request, protocol.Embed):
            self.say(protocol.Done(id=request.id))
        else:
            self.say(self._engine.answer(request))

    def fail(self, message: str, code: str = "bad_model") -> None:
        """Answer the oldest request with an error."""
        self.say(protocol.Failed(id=self.pending.popleft().id, code=code, message=message))

    def give_slices(self, *indices: int, total: int = 11) -> None:
        """Report slices of the propagation under way, masks all 1."""
        request = self.pending[0]
        masks = self._engine.new_masks(request)
        for done, index in enumerate(indices, 1):
            masks[:, index] = 1
            self._engine.say_slice(request, index, done, total)

    def end_propagation(self, slices: int, cancelled: bool = False) -> None:
        request = self.pending.popleft()
        self.say(protocol.Propagated(id=request.id, cancelled=cancelled, slices=slices, device="cpu"))


class World:
    """A session, its workers, and what it called back: heard holds the name a callback was given and what came."""

    def __init__(self, folder: Path) -> None:
        self.workers: list[FakeWorker] = []
        self.now = 0.0
        self.heard: list[tuple[str, Any]] = []
        self._folder = folder
        self.client = WorkerClient(self.start, clock=lambda: self.now)
        self.session = Session(self.client, on_notice=lambda text: self.heard.append(("session", text)))
        self.stack = stack_of(disk_frames())

    def start(self) -> FakeWorker:
        self.workers.append(FakeWorker(self._folder / f"worker-{len(self.workers)}"))
        return self.workers[-1]

    @property
    def worker(self) -> FakeWorker:
        return self.workers[-1]

    @property
    def asked(self) -> list[str]:
        """The kinds of all requests the newest worker got."""
        return [request.type for request in self.worker.asked]

    @property
    def names(self) -> list[str]:
        """Who was called back, in this order."""
        return [name for name, _ in self.heard]

    def prepare(self, model: str = "nano", stack: Stack | None = None, seed: int = 5) -> None:
        files = ModelFiles(name=model, checkpoint=Path(model), config="config", sha256=None)
        self.session.prepare(files, "cpu", "float32", self.stack if stack is None else stack, seed)

    def ready(self) -> None:
        """Prepare and let the worker do all of it."""
        self.prepare()
        self.settle()

    def settle(self) -> None:
        """Let the worker answer everything at once, until nothing is asked any more."""
        self.session.pump()
        while self.worker.pending:
            self.worker.answer()
            self.session.pump()

    def preview(self, name: str, prompt: Prompt | None = None, **options: int) -> None:
        def hear(answer: object) -> None:
            self.heard.append((name, answer))

        self.session.preview(disk_prompt() if prompt is None else prompt, hear, hear, **options)

    def propagate(
        self,
        name: str,
        prompt: Prompt | None = None,
        settings: Settings | None = None,
        on_slice: Callable | None = None,
    ) -> PropagationJob:
        def on_end(job: PropagationJob, error: PromptOnceError | None) -> None:
            self.heard.append((name, error))

        def on_notice(text: str) -> None:
            self.heard.append((f"{name} notice", text))

        return self.session.propagate(
            disk_prompt() if prompt is None else prompt,
            Settings() if settings is None else settings,
            on_slice or (lambda event: self.heard.append((f"{name} slice", event.slice))),
            on_notice,
            on_end,
        )
