"""The process of a batch under QProcess, with the engine and the folders that are chosen in the panel."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from PromptOnceLib.batch.background import BatchRequest, background_command, background_environment
from PromptOnceLib.batch.client import BatchJob, hand_over
from PromptOnceLib.environment.engine_python import Kind
from PromptOnceLib.gui.engine.choice import EngineChoice
from PromptOnceLib.gui.preferences import load_preferences
from PromptOnceLib.gui.qt.process_transport import ProcessTransport
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.models import checkpoints
from PromptOnceLib.processes.transport import Transport
from PromptOnceLib.seeds import store

begun_batches: Signal[[BatchJob]] = Signal()
"""Called with the BatchJob of every batch that begins in this application, from the panel or the console."""


def start_batch(request: BatchRequest, on_activity: Callable[[], object]) -> Transport:
    """Start a batch with Slicer's own Python; its workers run with the engine's, unless the request names another.

    on_activity: called from the event loop when there is something to read. Raises EngineError where the engine is not
    ready.
    """
    preferences = load_preferences()
    options = request.options
    if options.python is None and preferences.kind != Kind.OWN.value:
        python = Path(EngineChoice(preferences).interpreter().python)
        options = options.model_copy(update={"python": python})
    variables = dict(os.environ)
    for name, folder in (
        (store.FOLDER_VARIABLE, preferences.seeds_folder),
        (checkpoints.FOLDER_VARIABLE, preferences.models_folder),
    ):
        if folder:
            variables[name] = folder
    transport = ProcessTransport(background_command(sys.executable), background_environment(variables), on_activity)
    hand_over(transport, request.model_copy(update={"options": options}))
    return transport
