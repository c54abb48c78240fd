"""The logic for Python's console, with Slicer's event loop and the engine chosen in the panel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer

from PromptOnceLib.gui.batch.process import begun_batches, start_batch
from PromptOnceLib.gui.engine.choice import EngineChoice
from PromptOnceLib.gui.preferences import load_preferences
from PromptOnceLib.gui.qt.process_transport import ProcessTransport
from PromptOnceLib.gui.qt.timer import QtTimer
from PromptOnceLib.mrml.logic.console import Console
from PromptOnceLib.processes.transport import worker_command, worker_environment

_PUMP_MILLISECONDS = 50


def make_logic() -> Console:
    """The logic; nothing is started before it is asked for something."""
    return Console(
        _start_worker,
        slicer.app.processEvents,
        _keep_pumping,
        lambda request: start_batch(request, _nobody),
        begun_batches,
        lambda: load_preferences().seeds_folder or None,
    )


def _start_worker() -> ProcessTransport:
    chosen = EngineChoice(load_preferences()).interpreter()
    return ProcessTransport(worker_command(chosen.python), worker_environment(chosen.environment), _nobody)


def _keep_pumping(pump: Callable[[], bool]) -> None:
    """Call a function from the event loop until it returns False."""
    timers: list[Any] = []

    def call() -> None:
        timers[0].stop()  # stays stopped when a callback raises
        if pump():
            timers[0].start()

    timers.append(QtTimer(_PUMP_MILLISECONDS, False, call))
    timers[0].start()


def _nobody() -> None:
    """The logic looks by itself."""
