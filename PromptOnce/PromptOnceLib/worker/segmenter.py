"""Segment stacks with a worker and wait for it: the way of the command line and of batches. `session` does not wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.case import Case
from PromptOnceLib.errors import WorkerError
from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.seeds.similarity import most_similar
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.worker import protocol, requests
from PromptOnceLib.worker.client import Job, WorkerClient
from PromptOnceLib.worker.preparation import Preparation
from PromptOnceLib.worker.requests import OnNotice, OnSlice, PromptedMasks, PropagationJob, SeedJob, Settings
from PromptOnceLib.worker.requests_embed import DescriptionJob, OnFrame

__all__ = ["PromptedMasks", "PropagationJob", "Segmenter", "Settings"]

_WHOLE_STACK = Settings()


class Segmenter:
    """A model, a stack and a worker that holds both.

    Whatever a new worker does not know yet (after a crash, say) is sent to it again before the next request.
    """

    def __init__(self, client: WorkerClient) -> None:
        self.client = client
        self._preparation = Preparation(client)

    def use_model(
        self,
        files: ModelFiles,
        device: str = "auto",
        precision: str = "auto",
        compiled: bool = False,
        on_notice: OnNotice | None = None,
    ) -> protocol.ModelLoaded:
        """Load a model, or keep it when it is loaded already. Raises ModelError, InputError, WorkerError.

        compiled: rewritten by torch.compile, which takes minutes; on_notice is told.
        """
        self._preparation.use_model(files, device, precision, compiled, on_notice)
        self._prepare()
        assert self._preparation.model is not None
        return self._preparation.model

    @property
    def stack(self) -> Stack | None:
        """The stack that is worked on."""
        return self._preparation.stack

    def use_stack(self, stack: Stack) -> None:
        """Work on this stack from now on."""
        self.use_stack_later(stack)
        self._prepare()

    def use_stack_later(self, stack: Stack) -> None:
        """Work on this stack from now on; the worker gets it with the next request."""
        self._preparation.use_stack(stack)

    def forget_stack(self) -> None:
        """Hand the stack over again before the next request that needs it: the worker is given something else."""
        self._preparation.forget_stack()

    def prepared_client(self) -> WorkerClient:
        """The client, its worker running with the model. Raises WorkerError where no model was chosen."""
        if self._preparation.wanted_model is None:
            raise WorkerError("Choose a model first.")
        self._prepare()
        return self.client

    def describe(
        self,
        slices: Sequence[int] = (),
        frames: Sequence[NDArray[np.uint8]] = (),
        on_frame: OnFrame | None = None,
        should_cancel: Callable[[], bool] | None = None,
    ) -> NDArray[np.float32]:
        """Descriptors of slices of the stack, then of frames (rows, columns) of any images: float32 (n, C).

        For core.similarity; what they are is said in engine.description. Those of different models cannot be compared.
        Raises CancelledError when it was cancelled between two frames.
        """
        if slices:
            self._chosen_stack()
        job = DescriptionJob.send(self.prepared_client(), slices, frames, on_frame)
        self.client.wait(job.job, protocol.Described, should_cancel)
        return job.take()

    def most_similar_slice(
        self,
        frame: NDArray[np.uint8],
        candidates: Sequence[int] | None = None,
        on_frame: OnFrame | None = None,
        should_cancel: Callable[[], bool] | None = None,
    ) -> tuple[int, float]:
        """The slice of the stack that is most similar to a seed's frame (rows, columns), and its similarity, -1 to 1.

        candidates: slices to look at; None for all. Each costs one pass of the image encoder.
        """
        indices = range(len(self._chosen_stack().frames)) if candidates is None else candidates
        found = self.describe(indices, [frame], on_frame, should_cancel)
        best, similarity = most_similar(found[-1], found[:-1])
        return indices[best], similarity

    def start_similar(
        self,
        case: Case,
        on_frame: OnFrame | None = None,
        should_cancel: Callable[[], bool] | None = None,
        within: range | None = None,
    ) -> Case:
        """The case, whose stack is the one that is worked on, with its shared seed starting where it fits best: on the
        slice most similar to the seed's first frame. within: slices that can be chosen, None for all.
        """
        assert isinstance(case.prompt, SharedSeed)
        index, similarity = self.most_similar_slice(case.prompt.frames[0].frame, within, on_frame, should_cancel)
        moved = case.starting_at(index)
        return replace(
            moved, notices=(*moved.notices, f"Slice {index} is most similar to the seed's frame ({similarity:.2f}).")
        )

    def embed(self, index: int) -> Job:
        """Encode a slice in the background, so that the first prompt on it is answered fast."""
        self._chosen_stack()
        self._prepare()
        return requests.embed(self.client, index)

    def predict(self, prompt: Prompt, fill_hole_area: int = 0) -> PromptedMasks:
        """Masks of the prompted slice alone."""
        requests.check_prompt(prompt, self._chosen_stack())
        self._prepare()
        seed = SeedJob.send(self.client, prompt, fill_hole_area)
        self.client.wait(seed.job, protocol.Predicted)
        return seed.take()

    def start_propagation(
        self,
        prompt: Prompt | SharedSeed,
        settings: Settings = _WHOLE_STACK,
        on_slice: OnSlice | None = None,
        on_notice: OnNotice | None = None,
    ) -> PropagationJob:
        """Send a propagation from a prompt, or after a shared seed, and return at once; callbacks come while the client
        is pumped.

        When on_slice is called the slice is already in the job's result. Raises PromptError for a prompt that does not
        fit the stack, InputError for a range that does not.
        """
        stack = self._chosen_stack()
        job = PropagationJob.waiting(self.client, stack, prompt, settings)
        job.check(stack)
        self._prepare()
        job.send(self.client, on_slice, on_notice)
        return job

    def wait(self, job: PropagationJob, should_cancel: Callable[[], bool] | None = None) -> SegmentationResult:
        """The result, after the last slice or after a cancel.

        Raises what the worker reported, CancelledError when it was cancelled before anything was done.
        """
        self.client.wait(job.job, protocol.Propagated, should_cancel)
        return job.outcome()

    def _chosen_stack(self) -> Stack:
        stack = self._preparation.stack
        if stack is None or self._preparation.wanted_model is None:
            raise WorkerError("Choose a model and a volume first.")
        return stack

    def _prepare(self) -> None:
        """Make sure that the worker runs and knows the model and the stack, as far as they are chosen."""
        while (job := self._preparation.next_step()) is not None:
            self.client.wait(job, protocol.Answer)
