"""A batch from beginning to end.

The cases are worked on in threads; the thread that called hands out the events and asks whether to cancel. In Slicer,
where threads get no time while its window waits for the user, `background` runs the same in a process of its own.
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from PromptOnceLib.batch.events import BatchSummary, CaseEnded, Event, RunEnded, Said, summarise_run
from PromptOnceLib.batch.file_names import SUMMARY
from PromptOnceLib.batch.planning.checks import check_method
from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan, PlannedCase
from PromptOnceLib.batch.report.write_report import write_report, write_run_tables
from PromptOnceLib.batch.run_folder.open_run import RunFolder, join_run, open_run
from PromptOnceLib.batch.run_folder.records import RUN_RECORD, RunRecord, read_run_record, write_run_record
from PromptOnceLib.batch.run_folder.redaction import hide_folder
from PromptOnceLib.batch.running.case_queue import elsewhere
from PromptOnceLib.batch.running.control import RunControl, check_room, writing_failed
from PromptOnceLib.batch.running.lane import Lane, Shared
from PromptOnceLib.batch.running.prepare import engine_of, share
from PromptOnceLib.batch.running.write_case import begin_record, end_record
from PromptOnceLib.environment.engine_python import found_interpreter
from PromptOnceLib.errors import InputError, RunFolderError
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.models.default_model import AUTO, demonstration_note
from PromptOnceLib.models.registry import load_registry, resolve_model

_JOIN_SECONDS = 10.0
OnEvent = Callable[[Event], object]
Cluster = Callable[[RunFolder, BatchPlan, BatchOptions, RunControl, OnEvent, Callable[[], bool]], dict[str, CaseEnded]]
"""Computes all cases of a run that was opened and says how each ended; see cluster.dask_run."""


def run_batch(
    plan: BatchPlan,
    options: BatchOptions,
    folder: Path,
    *,
    resume: bool = False,
    join: bool = False,
    part: tuple[int, int] | None = None,
    cluster: Cluster | None = None,
    volumes: Mapping[str, Volume] | None = None,
    on_event: OnEvent = lambda event: None,
    should_cancel: Callable[[], bool] = lambda: False,
) -> BatchSummary:
    """Segment all cases of a plan into a folder and wait for it; on_event and should_cancel are called in between.

    resume: go on with the run in the folder; cases with results from the same inputs and options, and those that
    somebody has reviewed, are not computed again. join: work beside others, here or on other computers, on the run in
    the folder, on the cases that nobody has. part: number from 1, and how many: the same, with that share of the cases
    alone; the first part to come makes the folder. cluster: what computes the cases instead of this computer;
    see batch.cluster. volumes: those of the plan that are in memory, by case.

    A case that fails does not end the run, a full disk does. When should_cancel says so, the case under way is given up
    at its next slice and what is finished is kept; an exception, such as KeyboardInterrupt, ends the run at once.
    Returns how all cases ended, and where others are still at work how those of this process did; the same is in the
    folder's summary.json in the end. Raises InputError where nothing can begin: a folder that is in use or holds
    something else, a model that is not there; EngineMissingError without any engine, DiskFullError without room.
    """
    started = time.monotonic()
    joined = join or part is not None
    check_method(options, plan)
    options = _with_named_model(options, folder if resume or joined else None)
    files = resolve_model(options.model, options.config)
    if cluster is not None and (joined or volumes):
        raise InputError("A Dask cluster computes whole runs of images in files: leave out join and part.")
    # A cluster's computers have engines of their own.
    of_engine = () if cluster is not None else tuple(filter(None, (found_interpreter(options.python).notice,)))
    with join_run(folder, plan, options) if joined else open_run(folder, plan, options, resume) as run:
        check_room(folder, [case for case in plan.cases if case.name not in run.finished])
        note = demonstration_note(load_registry().models, files.name)
        for text in (*of_engine, *plan.notices, *run.notices, *([note] if note else [])):
            on_event(Said(text=text))
        record = begin_record(plan, options, files)
        if not joined or not (folder / RUN_RECORD).is_file():
            write_run_record(folder, record)
        if cluster is None:
            events: queue.SimpleQueue[Event] = queue.SimpleQueue()
            mine = _share(plan, part, joined)
            shared = share(run, plan, options, files, mine, events.put, volumes or {}, patient=not joined)
            control = shared.control
            ended = _drive(_lanes(shared), control, events, on_event, should_cancel)
        else:
            control = RunControl()
            ended = cluster(run, plan, options, control, on_event, should_cancel)
        stopped = ("", "")
        if control.stopped is not None:
            stopped = (control.stopped.code, hide_folder(control.stopped.message, folder))
        everywhere = _ended_everywhere(run, plan, ended) if joined else ended
        names = [case.name for case in plan.cases if everywhere is not None or case.name in ended]
        cancelled, seconds = control.cancelled.is_set(), time.monotonic() - started
        summary = summarise_run(everywhere or ended, names, cancelled, stopped, seconds)
        if everywhere is not None:  # otherwise the last of those who are still at work writes the end
            summary = _finish(folder, record, summary)
            if not summary.not_done:
                run.leases.remove()
    on_event(RunEnded(summary=summary))
    return summary


def _with_named_model(options: BatchOptions, begun: Path | None) -> BatchOptions:
    """The options with a model's name in place of "auto": that of the run in the folder `begun`, if it is one."""
    if options.model != AUTO or options.config is not None:
        return options
    name = resolve_model(AUTO).name
    if begun is not None:
        with suppress(RunFolderError):
            name = read_run_record(begun).model.name
    return options.model_copy(update={"model": name})


def _share(plan: BatchPlan, part: tuple[int, int] | None, joined: bool) -> Sequence[PlannedCase]:
    """The cases to do here, in their order; who joins begins anywhere, so as not to run after others."""
    if part is not None:
        number, count = part
        return plan.cases[number - 1 :: count]
    begin = random.randrange(len(plan.cases)) if joined and plan.cases else 0
    return plan.cases[begin:] + plan.cases[:begin]


def _ended_everywhere(run: RunFolder, plan: BatchPlan, ended: dict[str, CaseEnded]) -> dict[str, CaseEnded] | None:
    """How all cases ended, here and elsewhere; None where some have not."""
    found = dict(ended)
    for case in plan.cases:
        if case.name not in found:
            outcome = run.leases.outcome(case.name)
            if outcome is None:
                return None
            found[case.name] = elsewhere(outcome)
    return found if all(item.status != "cancelled" for item in found.values()) else None


def _lanes(shared: Shared) -> list[Lane]:
    count = max(1, min(shared.options.workers, len(shared.positions)))
    return [Lane(shared, engine_of(shared, number, count)) for number in range(count)]


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
