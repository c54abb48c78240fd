"""Objects that end within a clip, as few do by themselves within some slices."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from training.phantoms.canvas import Array, Target

Rng = np.random.Generator

TAPER = 5  # frames, at most, over which an object grows smaller before it ends


def end_objects(labels: Array, targets: list[Target], share: float, rng: Rng) -> None:
    """Some objects give way, each from a frame of its own on, to what they border on most; some grow smaller before."""
    for target in targets:
        mask = np.isin(labels[0], target)
        if rng.random() >= share or not mask.any():
            continue
        around = labels[0][ndimage.binary_dilation(mask, iterations=2) & ~mask]
        if around.size:
            successor = np.bincount(around).argmax()
            end = int(rng.integers(1, len(labels)))
            steps = int(rng.integers(min(TAPER, end - 1) + 1))
            for t in range(end - steps, len(labels)):
                own = np.isin(labels[t], target)
                labels[t][own & ~_innermost(own, (end - t) / (steps + 1))] = successor


def _innermost(mask: Array, share: float) -> Array:
    """About so much of a mask, as far from its border as can be; nothing for a share of 0 or less."""
    if share <= 0 or not mask.any():
        return np.zeros_like(mask)
    depth = ndimage.distance_transform_edt(mask)
    return np.asarray(depth > np.quantile(depth[mask], 1 - share))
