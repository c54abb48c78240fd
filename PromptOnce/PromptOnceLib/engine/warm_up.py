"""Have a model compiled before the first slice, so that no slice takes minutes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from PromptOnceLib.engine.compilation import compile_parts
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.prompts.prompt import ObjectPrompt, Point

_WAIT = "The model is compiled for this computer: that takes minutes, once for each start."


def compile_and_warm_up(tracker: Tracker, notify: Callable[[str], None]) -> None:
    """Compile the network where the tracker's pipeline asks for it, and use it in all the forms a stack needs.

    These are one slice and several in the image encoder; one object and several, one half and both, and a growing
    memory in the memory attention. notify is told that it takes time, and when compiling failed: then the network runs
    as it is.
    """
    pipeline = tracker.placement.pipeline
    if not pipeline.compiled:
        return
    notify(_WAIT)
    compile_parts(tracker.model.network, notify)
    half = 2 + max(2, pipeline.encoded_at_once)
    frames = np.zeros((2 * half - 1, 64, 64), np.uint8)
    frames[:, 16:48, 16:48] = 200
    prompts = [ObjectPrompt(name=name, points=(Point(x=32, y=32, positive=True),)) for name in ("one", "other")]
    for objects in (prompts[:1], prompts):
        for last in (half - 1, len(frames) - 1):  # one half alone, then two of the same length
            for _ in Propagation(tracker, frames, notify).run(Task(objects, half - 1, 0, last)):
                pass
