"""What a worker has to hold before it can segment: a model and a stack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.arrays import save_array
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.job import Job


@dataclass(frozen=True)
class ModelChoice:
    """A model and how it is to run; compiled: rewritten by torch.compile, which takes minutes."""

    files: ModelFiles
    device: str = "auto"
    precision: str = "auto"
    compiled: bool = False


class Preparation:
    """Sends a worker, one request after the other, what it does not hold yet, without waiting for it.

    Whatever a new worker does not know (after a crash, say) is sent to it again. on_notice: takes what the worker says
    while it loads. model: what the worker has loaded, None while it has not loaded what is wanted.
    """

    def __init__(self, client: WorkerClient, on_notice: Callable[[str], object]) -> None:
        self._client, self._on_notice = client, on_notice
        self.wanted_model: ModelChoice | None = None
        self.stack: Stack | None = None
        self.model: protocol.ModelLoaded | None = None
        self._sent_stack: tuple[Stack, Path] | None = None
        self._generation = -1

    def use_model(self, choice: ModelChoice) -> None:
        """Have this model loaded, next time `next_step` is called; the worker keeps it when it has it already."""
        self.wanted_model, self.model = choice, None

    def use_stack(self, stack: Stack) -> None:
        """Have the worker work on this stack from now on."""
        self.stack = stack

    def forget_stack(self) -> None:
        """Send the stack again before the next request: the worker is given something else to work on."""
        if self._sent_stack is not None:
            self._sent_stack[1].unlink(missing_ok=True)
        self._sent_stack = None

    @property
    def complete(self) -> bool:
        """Whether a worker runs and holds model and stack, as far as they are chosen."""
        return (
            self._client.welcome is not None
            and self._generation == self._client.generation
            and self.model is not None
            and (self.stack is None or (self._sent_stack is not None and self._sent_stack[0] is self.stack))
        )

    def next_step(self) -> Job | None:
        """Send the next thing that is missing; None when nothing is, or when it is not known yet which model is wanted.

        Call it again once the job is over, unless that ended with an error. Raises WorkerError.
        """
        if self.wanted_model is None or self.complete:
            return None
        if self._client.welcome is None:
            return self._client.begin()
        if self._generation != self._client.generation:
            self._generation, self.model, self._sent_stack = self._client.generation, None, None
        if self.model is None:
            return self._load_model(self.wanted_model)
        return None if self.stack is None else self._send_stack(self.stack)

    def _load_model(self, wanted: ModelChoice) -> Job:
        files = wanted.files
        request = protocol.LoadModel(
            id=self._client.new_id(),
            name=files.name,
            checkpoint=str(files.checkpoint),
            config=str(files.config),
            sha256=files.sha256,
            image_size=files.image_size,
            memory=files.memory,
            device=wanted.device,
            precision=wanted.precision,
            compiled=wanted.compiled,
        )

        def on_event(event: protocol.Event) -> None:
            if isinstance(event, protocol.Notice):
                self._on_notice(event.text)

        def loaded(job: Job) -> None:
            if isinstance(job.reply, protocol.ModelLoaded) and wanted is self.wanted_model:
                self.model = job.reply

        return self._client.send(request, on_event, on_end=loaded)

    def _send_stack(self, stack: Stack) -> Job:
        number = self._client.new_id()
        path = self._client.folder / f"stack-{number}.npy"
        save_array(path, stack.frames)
        earlier = self._sent_stack

        def sent(job: Job) -> None:
            if job.error is not None:
                path.unlink(missing_ok=True)
                return
            if earlier is not None:
                earlier[1].unlink(missing_ok=True)
            self._sent_stack = (stack, path)

        return self._client.send(protocol.SetStack(id=number, file=path.name), on_end=sent)
