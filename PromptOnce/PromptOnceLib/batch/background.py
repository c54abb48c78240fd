"""A batch in a process of its own, for a program that must not wait, such as Slicer.

Threads are no way there: they get no time while Slicer's window waits for the user. The process is started with
`background_command` and `background_environment`, gets a BatchRequest as one line of JSON on its standard input, and
says its events as lines of JSON on its standard output, the last one a RunEnded or RunRefused (`events.parse_event`). A
line "cancel" cancels, as `should_cancel` of `run_batch` does; the end of its input ends it at once, so that nothing
stays behind when the program that started it dies. What is finished is kept in each case.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from pydantic import ValidationError, model_validator

from PromptOnceLib.batch.cluster.dask_run import on_cluster
from PromptOnceLib.batch.events import Event, RunRefused
from PromptOnceLib.batch.planning.make_plan import make_plan
from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan, Selection
from PromptOnceLib.batch.running.case_prompts import PromptSources
from PromptOnceLib.batch.running.run_batch import run_batch
from PromptOnceLib.errors import CancelledError, PromptOnceError
from PromptOnceLib.processes.variables import with_package
from PromptOnceLib.schema import StrictModel
from PromptOnceLib.seeds.library import SeedLibrary

CANCEL = b"cancel"


class BatchRequest(StrictModel):
    """What to run: a plan, or what is to be planned. engine: a cluster, as `cluster.connect.connected` takes it."""

    plan: BatchPlan | None = None
    selection: Selection | None = None
    options: BatchOptions = BatchOptions()
    folder: Path
    resume: bool = False
    join: bool = False
    part: tuple[int, int] | None = None
    engine: str | None = None

    @model_validator(mode="after")
    def _names_the_cases_once(self) -> BatchRequest:
        if (self.plan is None) == (self.selection is None):
            raise ValueError("give either a plan or a selection")
        return self


def background_command(python: str | Path = sys.executable) -> list[str]:
    """Command line of the process; python needs what the command line needs, not torch."""
    return [str(python), "-u", "-m", "PromptOnceLib.batch"]


def background_environment(base: Mapping[str, str]) -> dict[str, str]:
    """Its environment: this package on its path."""
    return with_package(base)


def serve(reading: IO[bytes], writing: IO[bytes]) -> int:
    """Run the request that comes in; the exit status is 0 when all cases succeeded, as that of the command line."""

    def say(event: Event) -> None:
        writing.write(event.model_dump_json().encode() + b"\n")
        writing.flush()

    try:
        request = BatchRequest.model_validate_json(reading.readline())
    except ValidationError as error:
        say(RunRefused(code="bad_request", message=f"This is not a request for a batch: {error}"))
        return 2
    wishes = _Wishes(reading)
    try:
        plan = request.plan
        if plan is None:
            assert request.selection is not None
            plan = make_plan(request.selection, PromptSources(SeedLibrary(request.options.library)).seed_problem)
        summary = run_batch(
            plan,
            request.options,
            request.folder,
            resume=request.resume,
            join=request.join,
            part=request.part,
            cluster=None if request.engine is None else on_cluster(request.engine),
            on_event=say,
            should_cancel=wishes.should_cancel,
        )
    except PromptOnceError as error:
        say(RunRefused(code=error.code, message=error.message))
        return 2
    return 0 if summary.succeeded else 1


class _Wishes:
    """Listens to what the starting program wants."""

    def __init__(self, reading: IO[bytes]) -> None:
        self._cancel, self._alone = threading.Event(), threading.Event()
        threading.Thread(target=self._listen, args=(reading,), daemon=True).start()

    def should_cancel(self) -> bool:
        """Raises CancelledError once nobody is there any more."""
        if self._alone.is_set():
            raise CancelledError("The program that started the batch is gone.")
        return self._cancel.is_set()

    def _listen(self, reading: IO[bytes]) -> None:
        for line in reading:
            if line.strip() == CANCEL:
                self._cancel.set()
        self._alone.set()
