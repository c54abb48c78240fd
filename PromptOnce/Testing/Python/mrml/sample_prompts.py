"""A prompt that has everything a prompt can have, and how prompts are compared."""

from __future__ import annotations

import numpy as np

from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point

PROMPT = ObjectPrompt(
    name="left kidney; Niere, ä",
    color=(0.2, 0.4, 0.6),
    terminology="Segmentation category~SCT^64033007^Kidney~^^~^^~^^",
    box=Box(x0=1.25, y0=0.5, x1=4.0, y1=3.0),
    points=(Point(x=2, y=1, positive=True), Point(x=3.5, y=2.25, positive=True), Point(x=0, y=3, positive=False)),
)
SLICE = 2


def assert_same(read: ObjectPrompt | None, wanted: ObjectPrompt, tolerance: float = 1e-6) -> None:
    assert read is not None
    assert (read.name, read.color, read.terminology) == (wanted.name, wanted.color, wanted.terminology)
    assert [p.positive for p in read.points] == [p.positive for p in wanted.points]
    assert np.allclose(read.points_and_labels()[0], wanted.points_and_labels()[0], atol=tolerance)
