"""Models as the worker loads them: trackers of SAM 2, and SAM (version 1), which segments single images alone."""

from __future__ import annotations

from collections.abc import Callable

from PromptOnceLib.engine.devices import Placement
from PromptOnceLib.engine.images.sam_images import SamImages
from PromptOnceLib.engine.images.sam_network import load_sam
from PromptOnceLib.engine.network import load_model
from PromptOnceLib.engine.rules.memory_rules import tracker_for
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.engine.warm_up import compile_and_warm_up
from PromptOnceLib.models.model_entry import MemorySettings
from PromptOnceLib.models.registry import ModelFiles

Loaded = Tracker | SamImages

_NOT_COMPILED = "SAM (version 1) is not compiled: it runs as it is."


def load(
    files: ModelFiles, placement: Placement, memory: MemorySettings | None, notify: Callable[[str], None]
) -> Loaded:
    """A model at its place, ready for the first slice. Raises ModelError and OutOfMemoryError."""
    model: Loaded
    if files.segments_single_slices:
        model = SamImages(load_sam(files), placement)
    else:
        model = tracker_for(load_model(files), placement, memory)
    _make_ready(model, notify)
    return model


def move(model: Loaded, placement: Placement, notify: Callable[[str], None]) -> None:
    """Have a model go on at another place, ready for the next slice."""
    model.move(placement)
    _make_ready(model, notify)


def _make_ready(model: Loaded, notify: Callable[[str], None]) -> None:
    """Have a model compiled where that was asked for."""
    if isinstance(model, Tracker):
        compile_and_warm_up(model, notify)
    elif model.placement.pipeline.compiled:
        notify(_NOT_COMPILED)
