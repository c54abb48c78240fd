"""A batch from beginning to end.

The cases are worked on in threads; the thread that called hands out the events and asks whether to cancel. In Slicer,
where threads get no time while its window waits for the user, `background` runs the same in a process of its own.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from PromptOnceLib.batch.events import BatchSummary, CaseEnded, Event, RunEnded, Said, summarise_run
from PromptOnceLib.batch.file_names import SUMMARY
from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan
from PromptOnceLib.batch.report import write_report, write_run_tables
from PromptOnceLib.batch.run_folder.fingerprints import model_fingerprint
from PromptOnceLib.batch.run_folder.journal import JournalEntry
from PromptOnceLib.batch.run_folder.open_run import open_run
from PromptOnceLib.batch.run_folder.records import RunRecord, write_run_record
from PromptOnceLib.batch.run_folder.redaction import hide_folder
from PromptOnceLib.batch.running.case_prompts import PromptSources
from PromptOnceLib.batch.running.control import RunControl, check_room, writing_failed
from PromptOnceLib.batch.running.lane import Lane, Shared
from PromptOnceLib.batch.running.load import Loader
from PromptOnceLib.batch.running.write_case import begin_record, end_record
from PromptOnceLib.environment.engine_python import Kind, interpreter
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.processes.transport import SubprocessTransport, worker_command, worker_environment
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.worker.client import WorkerClient

_JOIN_SECONDS = 10.0
_PATIENCE = 600.0  # seconds: nobody is there to cancel a worker that hangs
OnEvent = Callable[[Event], object]


def run_batch(
    plan: BatchPlan,
    options: BatchOptions,
    folder: Path,
    *,
    resume: bool = False,
    volumes: Mapping[str, Volume] | None = None,
    on_event: OnEvent = lambda event: None,
    should_cancel: Callable[[], bool] = lambda: False,
) -> BatchSummary:
    """Segment all cases of a plan into a folder and wait for it; on_event and should_cancel are called in between.

    resume: go on with the run in the folder; cases with results from the same inputs and options, and those that
    somebody has reviewed, are not computed again. volumes: those of the plan that are in memory, by case. A case that
    fails does not end the run, a full disk does. When should_cancel says so, the case under way is given up at its next
    slice and what is finished is kept; an exception, such as KeyboardInterrupt, ends the run at once.
    Returns how all cases ended; the same is in the folder's summary.json. Raises InputError where nothing can begin: a
    folder that is in use or holds something else, a model that is not there; DiskFullError where the disk has no room.
    """
    started = time.monotonic()
    files = resolve_model(options.model, options.config)
    with open_run(folder, plan, options, resume) as run:
        check_room(folder, [case for case in plan.cases if case.name not in run.finished])
        control = RunControl(plan.cases)
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        loader = Loader(
            options,
            model_fingerprint(files),
            files.sha256,
            PromptSources(SeedLibrary(options.library)),
            volumes or {},
            run.finished,
            run.interrupted,
            lambda case, event: run.state.append(JournalEntry(case=case, event=event)),
        )
        positions = {case.name: index for index, case in enumerate(plan.cases)}
        shared = Shared(run, options, files, control, loader, positions, events.put)
        for text in (*plan.notices, *run.notices):
            on_event(Said(text=text))
        record = begin_record(plan, options, files)
        write_run_record(folder, record)
        ended = _drive(_lanes(shared), control, events, on_event, should_cancel)
        stopped = ("", "")
        if control.stopped is not None:
            stopped = (control.stopped.code, hide_folder(control.stopped.message, folder))
        summary = summarise_run(
            ended, [case.name for case in plan.cases], control.cancelled.is_set(), stopped, time.monotonic() - started
        )
        summary = _finish(folder, record, summary)
    on_event(RunEnded(summary=summary))
    return summary


def _lanes(shared: Shared) -> list[Lane]:
    options = shared.options
    count = max(1, min(options.workers, len(shared.positions)))
    threads = None if count == 1 else max(1, (os.cpu_count() or 1) // count)
    chosen = interpreter(Kind.OWN if options.python is None else Kind.EXISTING, python=options.python)
    command, environment = worker_command(chosen.python), worker_environment(chosen.environment)

    def client() -> WorkerClient:
        return WorkerClient(lambda: SubprocessTransport(command, environment), threads, patience=_PATIENCE)

    return [Lane(shared, client(), number) for number in range(count)]


def _drive(
    lanes: list[Lane],
    control: RunControl,
    events: queue.SimpleQueue[Event],
    on_event: OnEvent,
    should_cancel: Callable[[], bool],
) -> dict[str, CaseEnded]:
    """Run the lanes in threads and hand out their events until they are done; how each case ended, by its name."""
    ended: dict[str, CaseEnded] = {}
    threads = [threading.Thread(target=lane.run, daemon=True) for lane in lanes]
    try:
        for thread in threads:
            thread.start()
        while True:
            running = any(thread.is_alive() for thread in threads)
            try:
                while True:
                    event = events.get(timeout=0.1 if running else 0)
                    if isinstance(event, CaseEnded):
                        ended[event.case] = event
                    on_event(event)
            except queue.Empty:
                if not running:
                    return ended
            if not control.cancelled.is_set() and should_cancel():
                control.cancelled.set()
    except BaseException:
        control.aborted.set()
        for thread in threads:
            if thread.is_alive():
                thread.join(_JOIN_SECONDS)
        raise


def _finish(folder: Path, record: RunRecord, summary: BatchSummary) -> BatchSummary:
    """Write what belongs to the whole run; where that fails the summary says so."""
    missing = {item.case for item in summary.not_succeeded}
    try:
        end_record(record, summary, folder, [item.case for item in record.cases if item.case not in missing])
        with replacing(folder / SUMMARY) as temporary:
            temporary.write_text(summary.model_dump_json(indent=2) + "\n", encoding="utf-8")
        write_run_tables(folder)
        write_report(folder)
    except Exception as error:
        reason = writing_failed(error, folder)
        stopped = {"stopped_code": reason.code, "stopped": hide_folder(reason.message, folder)}
        return summary if summary.stopped else summary.model_copy(update=stopped)
    return summary
