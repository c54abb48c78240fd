"""One worker and the cases it gets: the next is read and the last is written while one is computed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar

from PromptOnceLib.batch.events import CaseEnded, CaseStarted, Event, Said, cancelled_case
from PromptOnceLib.batch.planning.plan import BatchOptions, PlannedCase
from PromptOnceLib.batch.run_folder.journal import JournalEntry, StepName
from PromptOnceLib.batch.run_folder.open_run import RunFolder
from PromptOnceLib.batch.run_folder.redaction import hide_folder, hide_paths
from PromptOnceLib.batch.running.case_queue import CaseQueue
from PromptOnceLib.batch.running.compute import CaseWorker, Computed
from PromptOnceLib.batch.running.control import RunControl, writing_failed
from PromptOnceLib.batch.running.load import LoadedCase, Loader, UndecidedCase
from PromptOnceLib.batch.running.write_case import write_results
from PromptOnceLib.errors import CancelledError, PromptOnceError, ReaderCrashError, WorkerError
from PromptOnceLib.files.disk import caused_by, caused_by_full_disk, disk_is_full
from PromptOnceLib.models.registry import ModelFiles

_ATTEMPTS = 2  # deaths of the worker after which a case is set aside
_REVIEWED = (
    "Its result was reviewed and is kept, although its files or the options have changed. Delete the case's folder to "
    "have it computed again."
)
_ABANDONED = "The programs that had this case ended one after the other: the case is set aside."
_TAKEN_OVER = "Another runner has taken the case over, as this one was still for long; its result is kept."
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Shared:
    """What all lanes of a run have in common. positions: of the cases. emit: hands an event to the run's thread."""

    run: RunFolder
    options: BatchOptions
    files: ModelFiles
    control: RunControl
    queue: CaseQueue
    loader: Loader
    positions: dict[str, int]
    emit: Callable[[Event], None]


class Lane:
    """Works through cases with one worker until there are none."""

    def __init__(self, shared: Shared, worker: CaseWorker) -> None:
        self._shared, self._control, self._worker = shared, shared.control, worker

    def run(self) -> None:
        """Take cases until there are none or the run is to end, in a thread of its own; then end the worker."""
        try:
            self.work()
        finally:
            self._worker.close()

    def work(self) -> None:
        """Take cases until there are none or the run is to end. Raises nothing."""
        writing: Future[None] | None = None
        try:
            following = self._load_next(patiently=True)
            while following is not None:
                planned, loading = following
                opened = self._opened(planned, loading)
                following = self._load_next()
                if opened is not None:
                    computed = self._compute(opened)
                    if writing is not None:
                        writing.result()
                    writing = None if computed is None else _in_background(partial(self._write, computed))
                    del opened, computed
                if following is None:
                    if writing is not None:
                        writing.result()
                    following = self._load_next(patiently=True)
        except CancelledError:
            pass  # the run ends at once
        except PromptOnceError as error:
            self._control.stop(error)
        except OSError as error:
            self._control.stop(writing_failed(error, self._shared.run.folder))
        except Exception as error:
            self._control.stop(_unexpected(error))
        finally:
            if writing is not None:
                wait([writing])  # what it raises is dealt with above, or no longer matters

    def _load_next(self, patiently: bool = False) -> tuple[PlannedCase, Future[LoadedCase | UndecidedCase]] | None:
        """Take the next case and begin to read it. patiently: wait for what other runners have; see CaseQueue."""
        while (taken := self._shared.queue.next_case(patiently)) is not None:
            planned, claim = taken
            if claim != "set aside":
                return planned, _in_background(partial(self._shared.loader.load, planned))
            self._set_aside(planned, WorkerError(_ABANDONED))
        return None

    def _opened(
        self, planned: PlannedCase, loading: Future[LoadedCase | UndecidedCase]
    ) -> LoadedCase | UndecidedCase | None:
        """A case that is to be computed; None where it is finished, reviewed or failed, or the run is to end."""
        try:
            opened = loading.result()
            reviewed = self._shared.run.is_reviewed(planned.name)
        except ReaderCrashError as error:
            self._set_aside(planned, error)
            return None
        except Exception as error:
            self._failed(planned, error)
            return None
        if isinstance(opened, LoadedCase) and opened.case is None:
            self._shared.emit(CaseEnded(case=planned.name, status="reused"))
            return None
        if reviewed:
            self._shared.emit(Said(case=planned.name, text=_REVIEWED))
            self._shared.emit(CaseEnded(case=planned.name, status="reused"))
            return None
        if self._control.ending:
            return None
        self._shared.run.discard(planned.name)
        return opened

    def _compute(self, opened: LoadedCase | UndecidedCase) -> Computed | None:
        """What came out of a case; None where it failed, killed the worker twice or was cancelled."""
        planned, name = opened.planned, opened.planned.name
        for attempt in range(1, _ATTEMPTS + 1):
            self._worker.make_ready()
            self._note(name, "started", attempt)
            self._shared.emit(CaseStarted(case=name, index=self._shared.positions[name]))
            try:
                computed = self._worker.compute(opened)
            except WorkerError as error:
                if not self._worker.has_died:
                    if caused_by_full_disk(error):
                        raise  # no room for temporary files: other cases would fail as well
                    self._failed(planned, error)
                    return None
                self._note(name, "worker_died", attempt, error)
                self._shared.emit(Said(case=name, text="The worker ended unexpectedly; a new one is started."))
                continue
            except CancelledError:
                self._control.should_cancel()
                computed = None
            except PromptOnceError as error:
                self._failed(planned, error)
                return None
            if computed is None or computed.run.cancelled:
                self._shared.emit(cancelled_case(name))
                return None
            return computed
        message = f"The worker ended {_ATTEMPTS} times while it computed this case: the case is set aside."
        self._set_aside(planned, WorkerError(message))
        return None

    def _write(self, computed: Computed) -> None:
        """Write what a case gave. A failure that is not the case's own ends the run."""
        loaded, run, folder = computed.loaded, computed.run, self._shared.run.folder
        name = loaded.planned.name
        if not self._shared.run.leases.holds(name):
            self._shared.emit(CaseEnded(case=name, status="reused", message=_TAKEN_OVER))
            return
        try:
            seed = "" if loaded.seed is None else loaded.seed.id
            step = JournalEntry(
                case=name, event="writing", fingerprint=loaded.fingerprint, files=loaded.files, seed=seed
            )
            self._shared.run.state.append(step)
            write_results(computed, folder, self._shared.files, self._shared.options)
            self._note(name, "finished", 1)
        except Exception as error:
            if caused_by(error, OSError) is None and not disk_is_full(folder):
                self._failed(loaded.planned, error)
            else:
                self._control.stop(writing_failed(error, folder))
            return
        totals = run.totals
        self._shared.emit(
            CaseEnded(
                case=name, status="finished", slices=totals.computed_slices, seconds=run.seconds, dice=totals.dice
            )
        )

    def _failed(self, planned: PlannedCase, error: Exception) -> None:
        known = error if isinstance(error, PromptOnceError) else _unexpected(error)
        self._end(planned, "failed", 1, known)

    def _set_aside(self, planned: PlannedCase, error: PromptOnceError) -> None:
        self._end(planned, "set_aside", _ATTEMPTS, error)

    def _end(
        self, planned: PlannedCase, status: Literal["failed", "set_aside"], attempt: int, error: PromptOnceError
    ) -> None:
        """Note and tell that a case has no result. Both are kept in the run's folder, so its paths are hidden."""
        message = hide_folder(hide_paths(error.message, planned), self._shared.run.folder)
        self._shared.run.state.append(
            JournalEntry(case=planned.name, event=status, attempt=attempt, code=error.code, message=message)
        )
        self._shared.emit(CaseEnded(case=planned.name, status=status, code=error.code, message=message))

    def _note(self, name: str, event: StepName, attempt: int, error: PromptOnceError | None = None) -> None:
        code, message = ("", "") if error is None else (error.code, error.message)
        self._shared.run.state.append(JournalEntry(case=name, event=event, attempt=attempt, code=code, message=message))


def _unexpected(error: Exception) -> PromptOnceError:
    """An error nobody thought of: only the case ends with it."""
    known = PromptOnceError(f"Unexpected error: {error}", repr(error))
    known.code = "unexpected"
    return known


def _in_background(work: Callable[[], T]) -> Future[T]:
    """Do the work in a thread of its own, which does not keep the program from ending."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
