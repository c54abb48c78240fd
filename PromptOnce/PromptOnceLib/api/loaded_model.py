"""A model that stays loaded in a worker."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from PromptOnceLib.cases.case import Case
from PromptOnceLib.cases.outputs import Run
from PromptOnceLib.environment.engine_python import found_interpreter
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.seeds.apply import SeedSource
from PromptOnceLib.worker.protocol import SliceDone
from PromptOnceLib.worker.segmenter import Segmenter, Settings
from PromptOnceLib.workflows.choose_seed import SeedChoice, SeedSearch
from PromptOnceLib.workflows.drive import run_steps
from PromptOnceLib.workflows.propagate_case import propagate_case
from PromptOnceLib.workflows.start_slice import steps_of_start
from PromptOnceLib.workflows.start_worker import EngineOptions, start_segmenter
from PromptOnceLib.workflows.steps import R, Steps, resumed

OnProgress = Callable[[int, int], object]
"""Is told how many slices are done, of how many."""

OnCancel = Callable[[], bool]
"""Is asked often; once it returns True the work ends."""


_Self = TypeVar("_Self", bound="LoadedModel")


class LoadedModel:
    """The model and the worker of a Session, which see; the worker is started when it is needed first."""

    def __init__(
        self,
        model: str | Path = "auto",
        config: str | Path | None = None,
        device: str = "auto",
        precision: str = "auto",
        python: str | Path | None = None,
        threads: int | None = None,
        on_notice: Callable[[str], object] | None = None,
    ) -> None:
        self.notices: list[str] = []
        self._files = resolve_model(str(model), config)
        self._interpreter = found_interpreter(python)
        self._options = EngineOptions(device, precision, threads=threads)
        self._on_notice = on_notice or self.notices.append
        self._held = ExitStack()
        self._started: Segmenter | None = None

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker process; the next verb would start another."""
        self._held.close()
        self._started = None

    @property
    def segmenter(self) -> Segmenter:
        """The worker with its model loaded, for what the verbs do not offer."""
        if self._started is None:
            self._started = start_segmenter(self._files, self._options, self._interpreter, self._on_notice)
            self._held.callback(self._started.client.close)
        return self._started

    def notify(self, notice: str) -> None:
        """Hand on a message for the user."""
        self._on_notice(notice)

    def run(
        self,
        case: Case,
        settings: Settings,
        on_progress: OnProgress | None = None,
        should_cancel: OnCancel | None = None,
    ) -> Run:
        """Propagate a case that is made ready; for what the verbs do not offer."""

        def on_slice(event: SliceDone) -> None:
            if on_progress is not None:
                on_progress(event.done, event.total)

        return propagate_case(self.segmenter, case, settings, self._files.name, on_slice, should_cancel=should_cancel)

    def go(self, steps: Steps[R], should_cancel: OnCancel | None = None) -> R:
        """Take a workflow to its end; no worker is started for one without any step.

        Raises what the workflow raises, CancelledError when it was cancelled.
        """
        try:
            first = next(steps)
        except StopIteration as end:
            found: R = end.value
            return found
        return run_steps(self.segmenter, resumed(first, steps), should_cancel=should_cancel)

    def placed(self, case: Case, source: SeedSource, within: range) -> Case:
        """The case with its seeds on the slice where they start, searched for within a range where they say so."""
        return self.go(steps_of_start(case, source.start, within))

    def choice(self, search: SeedSearch) -> SeedChoice:
        """The seed that suits an image best. Raises SeedError where none can be used."""
        return self.go(search.steps_of_choice(self._files))
