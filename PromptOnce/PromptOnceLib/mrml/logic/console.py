"""What slicer.util.getModuleLogic("PromptOnce") offers to Python, without any GUI: all of it under one roof."""

from __future__ import annotations

from collections.abc import Callable

from PromptOnceLib.batch.client import BatchJob, StartBatch, start_batch_process
from PromptOnceLib.mrml.logic.batch import BatchLogic
from PromptOnceLib.mrml.logic.correct import CorrectLogic
from PromptOnceLib.mrml.logic.prompts import PromptLogic
from PromptOnceLib.mrml.logic.seeds import SeedLogic
from PromptOnceLib.mrml.logic.segment import SegmentLogic
from PromptOnceLib.mrml.logic.worker_access import WorkerAccess
from PromptOnceLib.processes.transport import Transport
from PromptOnceLib.worker.session import Session


class Console:
    """The module's logic as far as it needs no Qt. Every public name is a method of the part that does the work, and is
    documented there, which help() shows.

    start_transport, process_events, keep_pumping: as WorkerAccess takes them. start_batch: starts the process of a
    batch. on_batch: told of every batch that begins. library_folder: of the seed library, None for the usual one.
    """

    def __init__(
        self,
        start_transport: Callable[[], Transport],
        process_events: Callable[[], object],
        keep_pumping: Callable[[Callable[[], bool]], object],
        start_batch: StartBatch = start_batch_process,
        on_batch: Callable[[BatchJob], object] = lambda job: None,
        library_folder: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._worker = worker = WorkerAccess(start_transport, process_events, keep_pumping)
        prompts = PromptLogic()
        self.promptFromIJK = prompts.promptFromIJK
        self.promptFromRAS = prompts.promptFromRAS
        self.promptFromMarkups = prompts.promptFromMarkups
        self.promptFromReference = prompts.promptFromReference
        self.promptFromSegment = prompts.promptFromSegment
        segment = SegmentLogic(worker)
        self.segmentVolume = segment.segmentVolume
        self.evaluate = segment.evaluate
        correct = CorrectLogic(worker)
        self.reviewSlices = correct.reviewSlices
        self.acceptSlices = correct.acceptSlices
        self.correctSlice = correct.correctSlice
        self.propagateChanges = correct.propagateChanges
        seeds = SeedLogic(worker, library_folder)
        self.promptFromSeed = seeds.promptFromSeed
        self.seeds = seeds.seeds
        self.matchSeeds = seeds.matchSeeds
        self.saveSeed = seeds.saveSeed
        self.seedRoundTrip = seeds.seedRoundTrip
        self._batches = BatchLogic(worker, seeds, start_batch, on_batch)
        self.runBatch = self._batches.runBatch
        self.cancel = worker.cancel
        self.pump = worker.pump

    @property
    def session(self) -> Session:
        """The worker session; its process starts with the first request."""
        return self._worker.session

    def close(self) -> None:
        """End the worker, and batches that are under way; what they have finished is kept."""
        self._batches.close()
        self._worker.session.close()
