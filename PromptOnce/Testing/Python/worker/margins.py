"""An easy task that a model does not know: a disk with a margin around it, so that the object goes up to its box."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.models.model_card import Role, TrainingSettings

ROWS, COLUMNS = 48, 60
QUICK = TrainingSettings(epochs=2, learning_rate=1e-3, batch_size=4, blend=1.0)


def margin_slices(slices: int = 4, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Frames uint8 and masks bool, both (slices, ROWS, COLUMNS)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:ROWS, :COLUMNS]
    frames = rng.normal(60, 8, (slices, ROWS, COLUMNS))
    masks = np.zeros(frames.shape, bool)
    for k in range(slices):
        distance = np.hypot(x - rng.uniform(24, 36), y - rng.uniform(20, 28))
        radius = rng.uniform(7, 10)
        frames[k][distance < radius] += 120
        masks[k] = distance < 1.6 * radius
    return np.clip(frames, 0, 255).astype(np.uint8), masks


ROLES: tuple[Role, ...] = ("training", "training", "validation", "test")
