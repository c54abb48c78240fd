"""Changes on their way through the worker: at most one segment's at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PromptOnceLib.errors import PromptOnceError
from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.prompts.prompt import ObjectPrompt
from PromptOnceLib.workflows.correct import Correctable, steps_of_corrections
from PromptOnceLib.workflows.drive import StepDriver


class Repropagation:
    """Has the worker for itself while it goes on."""

    def __init__(self, engine: EngineAccess) -> None:
        self._engine = engine
        self._driver: StepDriver[Correctable] | None = None
        engine.occupied_by("correct", lambda: self.running)

    @property
    def running(self) -> bool:
        """Whether changes are being propagated."""
        return self._driver is not None

    @property
    def progress(self) -> tuple[int, int]:
        """Steps that are done, and all of them; 0 of 0 before the first."""
        return (0, 0) if self._driver is None else (self._driver.done, self._driver.total)

    def start(
        self,
        old: Correctable,
        name: str,
        marks: Mapping[int, ObjectPrompt],
        on_done: Callable[[Correctable], object],
        on_failed: Callable[[PromptOnceError], object],
    ) -> None:
        """Begin; one of both is called when it is over, unless it was dropped. Raises ModelError."""

        def done(new: Correctable) -> None:
            if driver is self._driver:
                self._driver = None
                on_done(new)

        def failed(error: PromptOnceError) -> None:
            if driver is self._driver:
                self._driver = None
                on_failed(error)

        session = self._engine.session
        session.use_model(self._engine.files(), self._engine.device)
        driver = StepDriver(session, steps_of_corrections(old, name, marks), done, failed)
        self._driver = driver
        driver.start()
        self._engine.begin_work()

    def cancel(self) -> None:
        """Stop at the next slice."""
        self._engine.cancel()

    def drop(self) -> bool:
        """Stop, and call nobody; whether something went on."""
        driver, self._driver = self._driver, None
        if driver is not None:
            driver.cancel()
        return driver is not None
