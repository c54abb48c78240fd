"""A small stack with a bright disk on it, and prompts for the disk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.imaging.stack import Stack
from PromptOnceLib.imaging.window import Window
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt

SLICES, ROWS, COLUMNS = 11, 80, 96


def disk_frames(slices: int = SLICES, rows: int = ROWS, columns: int = COLUMNS, seed: int = 0) -> NDArray[np.uint8]:
    """A bright disk that wanders over a noisy ground."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :columns]
    frames = rng.normal(60, 8, (slices, rows, columns))
    for k in range(slices):
        frames[k][np.hypot(x - 45 - k, y - 40) < 16] += 120
    return np.clip(frames, 0, 255).astype(np.uint8)


def stack_of(frames: NDArray[np.uint8]) -> Stack:
    return Stack(frames=frames, axis=0, window=Window(lower=0, upper=255, name="full"))


def disk_prompt(index: int = 5, shift: float = 0.0) -> Prompt:
    x = 45 + index + shift
    prompt = ObjectPrompt(
        name="disk", box=Box(x0=x - 18, y0=22, x1=x + 18, y1=58), points=(Point(x=x, y=40, positive=True),)
    )
    return Prompt(axis=0, slice=index, objects=(prompt,))
