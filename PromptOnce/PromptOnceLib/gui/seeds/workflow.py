"""What goes on in the worker for seeds alone: searching for the slice to start on, and round trips."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from PromptOnceLib.errors import CancelledError, PromptOnceError
from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.prompt.preview import PromptPreview
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.workflows.drive import StepDriver
from PromptOnceLib.workflows.steps import EmbeddingStep, PropagationStep, Step, Steps

R = TypeVar("R")
OnFailed = Callable[[PromptOnceError], object]


class SeedWorkflow:
    """At most one workflow at a time, on the open case. changed: called when one was begun or is over."""

    def __init__(self, current: CurrentCase, engine: EngineAccess, notices: Notices, preview: PromptPreview) -> None:
        self._engine, self._notices, self._preview = engine, notices, preview
        self.changed: Signal[[]] = Signal()
        self._driver: StepDriver[Any] | None = None
        self._on_failed: OnFailed | None = None
        engine.occupied_by("seeds", lambda: self.running)
        current.closing.connect(self._leave)

    @property
    def running(self) -> bool:
        """Whether something goes on."""
        return self._driver is not None

    @property
    def progress(self) -> tuple[str, int, int]:
        """As text, and slices of the step under way, done and all of them."""
        driver = self._driver
        if driver is None or driver.step is None:
            return "", 0, 0
        return _title(driver.step), driver.done, driver.total

    def start(self, steps: Steps[R], on_done: Callable[[R], object], on_failed: OnFailed) -> None:
        """Begin; what `on_done` raises is said in the panel. Raises ModelError.

        One of both is called once: with what came of it, or with the error that ended it, CancelledError also where
        another volume was chosen or the scene goes.
        """
        driver: StepDriver[R]

        def done(result: R) -> None:
            if driver is not self._driver:
                return
            self._driver = None
            try:
                on_done(result)
            except PromptOnceError as error:
                self._notices.say("seeds", error.message)
            self._over()

        def failed(error: PromptOnceError) -> None:
            if driver is self._driver:
                self._driver = None
                on_failed(error)
                self._over()

        engine = self._engine
        engine.session.use_model(engine.files(), engine.device)
        self._driver = driver = StepDriver(engine.session, steps, done, failed)
        self._on_failed = on_failed
        driver.start()
        engine.begin_work()
        self.changed()

    def _over(self) -> None:
        self._preview.ask_if_late()
        self.changed()

    def _leave(self, _case: OpenCase) -> None:
        driver, self._driver = self._driver, None
        if driver is not None and self._on_failed is not None:
            driver.cancel()
            self._on_failed(CancelledError("Cancelled: another volume was chosen."))
            self.changed()


def _title(step: Step) -> str:
    """What goes on, by what is asked of the worker: a round trip goes to ends, a search tries slices."""
    if isinstance(step, EmbeddingStep):
        return _("Looking for the slice most similar to the seed's")
    text = _("Round trip, step {number} of at most {count}")
    if isinstance(step, PropagationStep) and step.settings.alone:
        text = _("Looking for the slice with most confidence, {number} of at most {count}")
    return text.format(number=step.number, count=step.count)
