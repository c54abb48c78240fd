"""Volumes to measure on: what is in them matters little for time, so they are drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point


def disks(slices: int, rows: int, columns: int, filled: float = 1.0) -> NDArray[np.uint8]:
    """Three bright disks that wander on textured ground, uint8 (slices, rows, columns).

    filled: share of the slices, around the central one, in which there are disks.
    """
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:rows, :columns]
    ground = rng.normal(60, 6, (rows, columns))
    frames = np.empty((slices, rows, columns), np.uint8)
    for k in range(slices):
        picture = np.roll(ground, k, axis=1)
        if abs(k - slices // 2) <= filled * slices / 2:
            for x0, y0, radius, grey in _places(k - slices // 2, rows, columns):
                picture[np.hypot(x - x0, y - y0) < radius] += grey
        frames[k] = np.clip(picture, 0, 255)
    return frames


def prompts(objects: int, rows: int, columns: int) -> list[ObjectPrompt]:
    """A box, two positive points and one negative for each of 1 to 3 disks on the central slice."""
    made = []
    for i, (x, y, r, _) in enumerate(_places(0, rows, columns)[:objects]):
        x0, y0, x1, y1 = max(x - r, 0), max(y - r, 0), min(x + r, columns - 1), min(y + r, rows - 1)
        points = (
            Point(x=x, y=y, positive=True),
            Point(x=x - r / 3, y=y, positive=True),
            Point(x=x0, y=y0, positive=False),
        )
        made.append(ObjectPrompt(name=f"disk {i + 1}", box=Box(x0=x0, y0=y0, x1=x1, y1=y1), points=points))
    return made


def through_jpeg(frames: NDArray[np.uint8], folder: Path) -> NDArray[np.uint8]:
    """Write slices as the papers' JPEG files 0.jpg, 1.jpg, ... and return what a reader gets of them.

    Both sides are then given the same pixels: differences between them are not those of the compression.
    """
    read = np.empty_like(frames)
    for i, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{i}.jpg", quality=95)
        with Image.open(folder / f"{i}.jpg") as picture:
            read[i] = np.asarray(picture)
    return read


def _places(offset: int, rows: int, columns: int) -> list[tuple[float, float, float, float]]:
    """Centre x, y, radius and brightness of the disks, `offset` slices from the central one."""
    side = min(rows, columns)
    return [
        (columns * 0.40 + 0.004 * side * offset, rows * 0.45, side * (0.16 + 0.02 * np.sin(offset / 3)), 140),
        (columns * 0.75, rows * 0.30 + 0.003 * side * offset, side * 0.11, 90),
        (columns * 0.70, rows * 0.78, side * 0.09, 60),
    ]
