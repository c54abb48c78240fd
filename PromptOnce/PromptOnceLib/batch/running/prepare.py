"""What a process needs that computes cases of a run: the queue, the reading, the worker process with its model."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from PromptOnceLib.batch.events import CaseEnded, Event
from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan, PlannedCase
from PromptOnceLib.batch.run_folder.fingerprints import model_fingerprint
from PromptOnceLib.batch.run_folder.journal import JournalEntry
from PromptOnceLib.batch.run_folder.open_run import RunFolder
from PromptOnceLib.batch.running.case_prompts import PromptSources
from PromptOnceLib.batch.running.case_queue import CaseQueue
from PromptOnceLib.batch.running.compute import CaseWorker
from PromptOnceLib.batch.running.control import RunControl
from PromptOnceLib.batch.running.lane import Shared
from PromptOnceLib.batch.running.load import Loader
from PromptOnceLib.environment.engine_python import found_interpreter
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.processes.transport import SubprocessTransport, worker_command, worker_environment
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.worker.client import WorkerClient

_PATIENCE = 600.0  # seconds: nobody is there to cancel a worker that hangs


def share(
    run: RunFolder,
    plan: BatchPlan,
    options: BatchOptions,
    files: ModelFiles,
    cases: Sequence[PlannedCase],
    tell: Callable[[Event], object],
    volumes: Mapping[str, Volume],
    patient: bool,
) -> Shared:
    """What all lanes of a process have in common. cases, patient: of the queue, see there. tell: gets the events."""

    def emit(event: Event) -> None:
        if isinstance(event, CaseEnded):
            run.leases.end(event.case, event.status, event.code, event.message)
        tell(event)

    control = RunControl()
    loader = Loader(
        options,
        model_fingerprint(files),
        files,
        PromptSources(SeedLibrary(options.library)),
        volumes,
        run.finished,
        run.interrupted,
        lambda case, event: run.state.append(JournalEntry(case=case, event=event)),
    )
    queue = CaseQueue(cases, run.leases, control, emit, patient)
    positions = {case.name: index for index, case in enumerate(plan.cases)}
    return Shared(run, options, files, control, queue, loader, positions, emit)


def engine_of(shared: Shared, number: int, count: int) -> CaseWorker:
    """One of so many worker processes, which share the computer's cores. number: from 0."""
    options = shared.options
    threads = None if count == 1 else max(1, (os.cpu_count() or 1) // count)
    chosen = found_interpreter(options.python)
    command, environment = worker_command(chosen.python), worker_environment(chosen.environment)
    client = WorkerClient(lambda: SubprocessTransport(command, environment), threads, patience=_PATIENCE)
    return CaseWorker(client, number, shared.files, options, shared.control, shared.emit)
