"""One worker and the cases it gets: the next is read and the last is written while one is computed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from PromptOnceLib.batch.control import Control, caused_by, caused_by_full_disk, disk_is_full, writing_failed
from PromptOnceLib.batch.events import CaseEnded, CaseStarted, Event, Said, SliceProgress
from PromptOnceLib.batch.loading import LoadedCase, Loader
from PromptOnceLib.batch.plan import BatchOptions, PlannedCase
from PromptOnceLib.batch.run_folder import RunFolder
from PromptOnceLib.batch.state import Step, StepName
from PromptOnceLib.batch.writing import Computed, write_results
from PromptOnceLib.core.case import Case
from PromptOnceLib.core.errors import CancelledError, PromptOnceError, WorkerError
from PromptOnceLib.core.outputs import Run
from PromptOnceLib.core.registry import ModelFiles
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.segmenter import Segmenter, Settings

_ATTEMPTS = 2  # deaths of the worker after which a case is set aside
_STARTS = 3  # workers in a row that die before they have a model
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Shared:
    """What all lanes of a run have in common. positions: of the cases. emit: hands an event to the run's thread."""

    run: RunFolder
    options: BatchOptions
    files: ModelFiles
    control: Control
    loader: Loader
    positions: dict[str, int]
    emit: Callable[[Event], None]


class Lane:
    """Works through cases with one worker until there are none, in a thread of its own. number: from 0."""

    def __init__(self, shared: Shared, client: WorkerClient, number: int) -> None:
        self._shared, self._client, self._number = shared, client, number
        self._segmenter = Segmenter(client)
        self._control = shared.control
        self._computed = Computed("", {})

    def run(self) -> None:
        """Take cases until there are none or the run is to end. Raises nothing."""
        writing: Future[None] | None = None
        try:
            following = self._load_next()
            while following is not None:
                planned, loading = following
                loaded = self._loaded(planned, loading)
                following = self._load_next()
                if loaded is None or loaded.case is None:
                    continue
                run = self._segment(loaded, loaded.case)
                if writing is not None:
                    writing.result()
                writing = None if run is None else _in_background(partial(self._write, loaded, run, self._computed))
                del loaded, run
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
                writing.result()
            self._client.close()

    def _load_next(self) -> tuple[PlannedCase, Future[LoadedCase]] | None:
        planned = self._control.next_case()
        if planned is None:
            return None
        return planned, _in_background(partial(self._shared.loader.load, planned))

    def _loaded(self, planned: PlannedCase, loading: Future[LoadedCase]) -> LoadedCase | None:
        """A case that is to be computed or is finished already; None where it failed or the run is to end."""
        try:
            loaded = loading.result()
        except Exception as error:
            self._failed(planned.name, error)
            return None
        if loaded.case is None:
            self._shared.emit(CaseEnded(case=planned.name, status="reused"))
            return loaded
        if self._control.ending:
            return None
        self._shared.run.discard(planned.name)
        return loaded

    def _segment(self, loaded: LoadedCase, case: Case) -> Run | None:
        """The case's run; None where it failed, killed the worker twice or was cancelled."""
        name = loaded.planned.name
        for attempt in range(1, _ATTEMPTS + 1):
            self._make_worker_ready()
            self._note(name, "started", attempt)
            self._shared.emit(CaseStarted(case=name, index=self._shared.positions[name]))
            try:
                run = self._propagate(name, case)
            except WorkerError as error:
                if self._client.failure is None:
                    if caused_by_full_disk(error):
                        raise  # no room for temporary files: other cases would fail as well
                    self._failed(name, error)
                    return None
                self._note(name, "worker_died", attempt, error)
                self._shared.emit(Said(case=name, text="The worker ended unexpectedly; a new one is started."))
                continue
            except CancelledError:
                self._control.should_cancel()
                run = None
            except PromptOnceError as error:
                self._failed(name, error)
                return None
            if run is None or run.cancelled:
                self._shared.emit(CaseEnded(case=name, status="cancelled", code="cancelled", message="Cancelled."))
                return None
            return run
        message = f"The worker ended {_ATTEMPTS} times while it computed this case: the case is set aside."
        self._note(name, "set_aside", _ATTEMPTS, WorkerError(message))
        self._shared.emit(CaseEnded(case=name, status="set_aside", code=WorkerError.code, message=message))
        return None

    def _make_worker_ready(self) -> None:
        """Have a worker with the model, a new one where the last has died.

        Raises WorkerError or ModelError where that cannot be done: no case is at fault then.
        """
        for start in range(1, _STARTS + 1):
            self._control.should_cancel()
            try:
                if self._client.welcome is None:
                    welcome = self._client.start()
                    device, precision = self._device(welcome.devices), self._shared.options.precision
                    model = self._segmenter.use_model(self._shared.files, device, precision)
                    self._computed = Computed(model.precision, welcome.versions)
                return
            except WorkerError:
                if self._client.failure is None or start == _STARTS:
                    raise

    def _device(self, devices: list[str]) -> str:
        """Of several workers each gets a GPU of its own, as far as there are any."""
        wanted = self._shared.options.device
        cards = [device for device in devices if device.startswith("cuda")]
        if self._shared.options.workers > 1 and wanted in ("auto", "cuda") and cards:
            return cards[self._number % len(cards)]
        return wanted

    def _propagate(self, name: str, case: Case) -> Run:
        emit = self._shared.emit
        settings = Settings(fill_hole_area=self._shared.options.fill_hole_area)
        self._segmenter.use_stack(case.stack)
        started = time.monotonic()
        job = self._segmenter.start_propagation(
            case.prompt,
            settings,
            lambda event: emit(SliceProgress(case=name, done=event.done, total=event.total)),
            lambda text: emit(Said(case=name, text=text)),
        )
        result = self._segmenter.wait(job, self._control.should_cancel)
        seconds = time.monotonic() - started
        return Run(case, result, self._shared.files.name, job.device, seconds, job.cancelled, job.notices)

    def _write(self, loaded: LoadedCase, run: Run, computed: Computed) -> None:
        """Write what a case gave. A failure that is not the case's own ends the run."""
        name, folder = loaded.planned.name, self._shared.run.folder
        try:
            seed = "" if loaded.seed is None else loaded.seed.id
            step = Step(case=name, event="writing", fingerprint=loaded.fingerprint, files=loaded.files, seed=seed)
            self._shared.run.state.append(step)
            write_results(loaded, run, folder, self._shared.files, self._shared.options, computed)
            self._note(name, "finished", 1)
        except Exception as error:
            if caused_by(error, OSError) is None and not disk_is_full(folder):
                self._failed(name, error)
            else:
                self._control.stop(writing_failed(error, folder))
            return
        totals = run.totals
        self._shared.emit(
            CaseEnded(
                case=name, status="finished", slices=totals.computed_slices, seconds=run.seconds, dice=totals.dice
            )
        )

    def _failed(self, name: str, error: Exception) -> None:
        known = error if isinstance(error, PromptOnceError) else _unexpected(error)
        self._note(name, "failed", 1, known)
        self._shared.emit(CaseEnded(case=name, status="failed", code=known.code, message=known.message))

    def _note(self, name: str, event: StepName, attempt: int, error: PromptOnceError | None = None) -> None:
        code, message = ("", "") if error is None else (error.code, error.message)
        self._shared.run.state.append(Step(case=name, event=event, attempt=attempt, code=code, message=message))


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
