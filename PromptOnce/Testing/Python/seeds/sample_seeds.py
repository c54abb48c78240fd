"""Small seeds and volumes for tests."""

from __future__ import annotations

import datetime as dt
import uuid
from itertools import permutations, product
from typing import Any

import numpy as np

from PromptOnceLib.imaging.stack import make_stack
from PromptOnceLib.imaging.volume import Geometry, Volume
from PromptOnceLib.imaging.window import Window
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt
from PromptOnceLib.seeds.create import make_seed
from PromptOnceLib.seeds.seed import ModelUsed, Seed

DAY = dt.date(2026, 1, 31)
LUNG = Window(-1400, 100, "lung")
SHAPE = (3, 8, 10)  # slices, rows, columns
LPS = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

ORIENTATIONS = [
    tuple(float(v) for v in (np.eye(3)[:, list(order)] * signs).ravel())
    for order in permutations(range(3))
    for signs in product((1, -1), repeat=3)
]
"""All 48 directions of a grid whose axes run along the body's."""


def sample_volume(shape=SHAPE, spacing=(0.8, 0.8, 2.5), direction=LPS, modality="CT", scanner=None) -> Volume:
    """A volume whose values differ everywhere, -1000 to 1000; shape in KJI, spacing along i, j, k."""
    array = np.linspace(-1000, 1000, int(np.prod(shape))).reshape(shape).astype(np.int16)
    return Volume(array, Geometry(tuple(shape[::-1]), spacing, direction=direction), modality, scanner)


def one_object(name: str = "lungs", **fields: Any) -> ObjectPrompt:
    box, points = Box(x0=2, y0=1, x1=6, y1=5), (Point(x=3, y=2, positive=True), Point(x=8, y=6, positive=False))
    return ObjectPrompt(**{"name": name, "box": box, "points": points, **fields})


def sample_mask(shape: tuple[int, int], rows=slice(1, 5), columns=slice(2, 7)) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    mask[rows, columns] = True
    return mask


def sample_seed(
    name: str = "Lungs",
    volume: Volume | None = None,
    axis: int = 0,
    objects: tuple[ObjectPrompt, ...] | None = None,
    window: Window = LUNG,
    **changes: Any,
) -> Seed:
    """A confirmed seed of the volume's slice 1 (0 of a picture); changes: any field of its record."""
    volume = volume or sample_volume()
    stack = make_stack(volume, axis, window)
    objects = objects or (one_object(),)
    masks = [sample_mask(stack.frames.shape[1:]) for _ in objects]
    prompt = Prompt(slice=min(1, len(stack.frames) - 1), objects=objects)
    seed = make_seed(
        volume,
        stack,
        prompt,
        masks,
        name=name,
        model=ModelUsed(name="nano", sha256="0" * 64),
        date=DAY,
        frame_confirmed=True,
    )
    return seed.changed(**{"id": uuid.uuid4().hex, **changes})


def same(a: Seed, b: Seed) -> bool:
    """Whether two seeds are equal in every field and pixel."""
    return (
        a.record == b.record
        and np.array_equal(a.frame, b.frame)
        and len(a.masks) == len(b.masks)
        and all(np.array_equal(x, y) for x, y in zip(a.masks, b.masks, strict=True))
    )
