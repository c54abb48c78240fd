"""On a Dask worker: the engine with its model, which stays there from case to case."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from distributed import WorkerPlugin, get_client, get_worker

from PromptOnceLib.batch.cluster.common_names import cancel_file, runner_of, topic_of
from PromptOnceLib.batch.events import CaseEnded, Event, cancelled_case
from PromptOnceLib.batch.planning.plan import PlannedCase, RecordedPlan
from PromptOnceLib.batch.run_folder.open_run import join_run
from PromptOnceLib.batch.running.case_queue import CaseQueue
from PromptOnceLib.batch.running.compute import CaseWorker
from PromptOnceLib.batch.running.lane import Lane, Shared
from PromptOnceLib.batch.running.prepare import engine_of, share
from PromptOnceLib.models.registry import resolve_model

_LOOK_SECONDS = 0.5  # between two looks whether the user has cancelled


def compute_case(case: str, run: str) -> str:
    """The task: compute a case of a run with this worker's engine; the CaseEnded with which it ended, as JSON.

    Raises RuntimeError where the engine could not go on for a reason that is no fault of the case.
    """
    plugin: Any = get_worker().plugins[topic_of(run)]
    ended: CaseEnded = plugin.compute(case)
    return ended.model_dump_json()


class EnginePlugin(WorkerPlugin):
    """Joins the run when the first case comes. recorded: the RecordedPlan as JSON, folder: of the run, seen by all."""

    def __init__(self, run: str, folder: str, recorded: str) -> None:
        self.run, self.folder, self.recorded = run, folder, recorded

    def setup(self, worker: Any) -> None:
        """See WorkerPlugin."""
        self._worker = worker
        self._turn = threading.Lock()  # a worker with several threads has one engine all the same
        self._held: ExitStack | None = None
        self._ended: dict[str, CaseEnded] = {}

    def teardown(self, worker: Any) -> None:
        """See WorkerPlugin."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def compute(self, case: str) -> CaseEnded:
        """See compute_case."""
        with self._turn:
            if cancel_file(Path(self.folder)).exists():
                return cancelled_case(case)
            if self._held is None:
                self._join()
            planned = next(item for item in self._plan.plan.cases if item.name == case)
            self._ended.pop(case, None)
            self._compute(planned)
            if self._shared.control.stopped is not None:
                reason = self._shared.control.stopped
                self.teardown(self._worker)  # another try begins with a new engine
                raise RuntimeError(f"{reason.code}: {reason.message}")
            return self._ended.get(case) or cancelled_case(case)

    def _join(self) -> None:
        self._plan = RecordedPlan.model_validate_json(self.recorded)
        plan, options = self._plan.plan, self._plan.options
        with ExitStack() as held:
            runner = runner_of(self._worker.address)
            run = held.enter_context(join_run(Path(self.folder), plan, options, runner, _gone()))
            files = resolve_model(options.model, options.config)
            self._shared: Shared = share(run, plan, options, files, (), self._tell, {}, patient=True)
            self._engine: CaseWorker = engine_of(self._shared, 0, 1)
            held.callback(self._engine.close)
            self._held = held.pop_all()

    def _compute(self, planned: PlannedCase) -> None:
        """As any process does that joined a run, with this case alone."""
        shared = self._shared
        queue = CaseQueue([planned], shared.run.leases, shared.control, shared.emit, patient=True)
        over = threading.Event()
        watch = threading.Thread(target=self._watch, args=(over,), daemon=True)
        watch.start()
        try:
            Lane(replace(shared, queue=queue), self._engine).work()
        finally:
            over.set()
            watch.join()

    def _watch(self, over: threading.Event) -> None:
        cancelled = cancel_file(Path(self.folder))
        while not over.wait(_LOOK_SECONDS):
            if cancelled.exists():
                self._shared.control.cancelled.set()

    def _tell(self, event: Event) -> None:
        if isinstance(event, CaseEnded):
            self._ended[event.case] = event
        else:
            self._worker.log_event(topic_of(self.run), event.model_dump_json())


def _gone() -> Callable[[str], bool]:
    """Whether a runner is a worker of this cluster that is no longer there."""
    client = get_client()

    def is_gone(runner: str) -> bool:
        there = {runner_of(address) for address in client.scheduler_info(n_workers=-1)["workers"]}
        return runner.startswith(runner_of("")) and runner not in there

    return is_gone
