"""The cases of a run as tasks of a Dask cluster, seen from the program that began the run."""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping
from typing import Any

from PromptOnceLib.batch.cluster.common_names import cancel_file, topic_of
from PromptOnceLib.batch.cluster.connect import connected
from PromptOnceLib.batch.events import CaseEnded, CaseStarted, Event, Said, parse_event
from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan, RecordedPlan
from PromptOnceLib.batch.run_folder.leases import runner_name
from PromptOnceLib.batch.run_folder.open_run import RunFolder
from PromptOnceLib.batch.run_folder.redaction import hide_folder
from PromptOnceLib.batch.running.control import RunControl
from PromptOnceLib.batch.running.run_batch import Cluster, OnEvent
from PromptOnceLib.errors import EngineError

_LOOK_SECONDS = 0.2
_RETRIES = 1  # of a task, on another worker where there is one; a worker that dies is no try of a task
_GPU = {"GPU": 1}


def on_cluster(engine: Any, jobs: Mapping[str, Any] | None = None) -> Cluster:
    """For run_batch: have the workers of a cluster compute all cases. engine, jobs: see `connected`.

    Where there is no cluster InputError is raised; one that is lost meanwhile stops the run.
    """

    def compute(
        run: RunFolder,
        plan: BatchPlan,
        options: BatchOptions,
        control: RunControl,
        on_event: OnEvent,
        should_cancel: Callable[[], bool],
    ) -> dict[str, CaseEnded]:
        cancel_file(run.folder).unlink(missing_ok=True)
        with connected(engine, options.workers, jobs) as client:
            on_event(Said(text=f"Dashboard of the cluster: {client.dashboard_link}"))
            work = _Work(client, run, plan, options, on_event)
            try:
                return work.to_the_end(control, should_cancel)
            finally:
                work.close()

    return compute


class _Work:
    """The tasks of a run. on_event: is called in the thread that waits."""

    def __init__(self, client: Any, run: RunFolder, plan: BatchPlan, options: BatchOptions, on_event: OnEvent) -> None:
        from PromptOnceLib.batch.cluster.engine_plugin import EnginePlugin, compute_case

        self._client, self._run, self._on_event = client, run, on_event
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._ended: dict[str, CaseEnded] = {}
        name = runner_name()
        self._topic = topic_of(name)
        client.subscribe_topic(self._topic, self._heard)
        recorded = RecordedPlan(plan=plan, options=options).model_dump_json()
        client.register_plugin(EnginePlugin(name, str(run.folder.resolve()), recorded), name=self._topic)
        cards = any("GPU" in worker["resources"] for worker in client.scheduler_info(n_workers=-1)["workers"].values())
        self._tasks = {
            client.submit(
                compute_case, case.name, name, key=f"{self._topic}-{case.name}", retries=_RETRIES,
                resources=_GPU if cards else None, pure=False,
            ): case.name
            for case in plan.cases
        }  # fmt: skip

    def to_the_end(self, control: RunControl, should_cancel: Callable[[], bool]) -> dict[str, CaseEnded]:
        """Wait for all tasks; on_event and should_cancel are called in between."""
        import distributed

        left = set(self._tasks)
        idle: set[Any] = set()
        while left:
            try:
                done = distributed.wait(left, timeout=_LOOK_SECONDS, return_when="FIRST_COMPLETED").done
            except (TimeoutError, distributed.TimeoutError):
                done = set()
            # distributed.CommClosedError is an OSError; the client cancels tasks where it notices the loss first.
            except (OSError, distributed.CancelledError) as error:
                control.stop(_lost(error))
                return self._ended
            self._hand_out()
            for task in done:
                if self._take(task):
                    left.remove(task)
                    task.release()  # its result is not computed again where the worker that holds it dies
            if self._client.status != "running":
                control.stop(_lost(RuntimeError(self._client.status)))
                return self._ended
            if not control.cancelled.is_set() and should_cancel():
                control.cancelled.set()
                cancel_file(self._run.folder).touch()  # what has not begun ends at once, too
            elif control.cancelled.is_set():
                # Twice, as the news of an end may be on its way from the scheduler.
                before, idle = idle, self._without_worker(left)
                left -= before & idle
        return self._ended

    def _without_worker(self, tasks: set[Any]) -> set[Any]:
        """The tasks that no worker has; jobs of a cluster may wait for hours until they begin."""
        import distributed

        try:
            begun = {key for keys in self._client.processing().values() for key in keys}
        except (OSError, TimeoutError, distributed.TimeoutError):  # the next look says what became of the scheduler
            return set()
        return {task for task in tasks if task.status == "pending" and task.key not in begun}

    def close(self) -> None:
        """Let go of the workers' engines."""
        self._client.unsubscribe_topic(self._topic)
        if self._client.status == "running":
            self._client.unregister_worker_plugin(self._topic)

    def _heard(self, event: tuple[float, str]) -> None:
        """Called by the client's own thread."""
        self._events.put(parse_event(event[1]))

    def _hand_out(self) -> None:
        while not self._events.empty():
            event = self._events.get()
            if not isinstance(event, CaseStarted) or event.case not in self._ended:
                self._on_event(event)

    def _take(self, task: Any) -> bool:
        """Whether the end of a case is known; not where the worker that held it has just died: Dask begins it anew."""
        import distributed

        name = self._tasks[task]
        try:
            if task.status == "finished":
                event = parse_event(task.result(timeout=_LOOK_SECONDS))
                assert isinstance(event, CaseEnded)
            elif task.status == "error":
                reason = f"The cluster could not compute this case: {task.exception(timeout=_LOOK_SECONDS)}"
                message = hide_folder(reason, self._run.folder)
                event = CaseEnded(case=name, status="set_aside", code="cluster", message=message)
            else:
                return False
        except (OSError, TimeoutError, distributed.TimeoutError, distributed.CancelledError):
            return False
        self._ended[name] = event
        self._on_event(event)
        return True


def _lost(error: BaseException) -> EngineError:
    return EngineError(
        "The scheduler of the cluster is gone. What is finished is kept: begin the cluster again and resume.",
        repr(error),
    )
