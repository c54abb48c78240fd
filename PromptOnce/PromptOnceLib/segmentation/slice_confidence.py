"""How far a slice's mask can be trusted, from what is known without a reference, and which slice to look at next.

A logistic model of the slice's Dice. Its weights were fitted on generated phantoms alone (`python -m
benchmarks.fit_confidence`); benchmarks/effort.md says how well it ranks their slices. On real images that has not been
measured yet.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.segmentation.metrics import Mask, dice

Values = NDArray[np.float64]

FEATURES = (
    "certainty",
    "predicted IoU",
    "empty",
    "overlap with neighbours",
    "jump of area",
    "area beside the fixed slice's",
    "overlap with the fixed slice",
    "distance to fixed",
    "distance to mask",
)
# Fitted on 34 volumes of phantoms, each after 1 to 4 interactions (136 states).
WEIGHTS = (0.057, 1.235, 0.640, -1.435, -0.476, -1.057, 0.550, 0.099, 1.727)
BIAS = 0.6

_MOST_CHANGE = 3.0  # of the logarithm of an area: twenty times as large


def slice_confidence(
    masks: Mask,
    presence: Sequence[float] | Values,
    predicted_iou: Sequence[float] | Values,
    fixed: Collection[int],
) -> Values:
    """Estimate of the Dice, 0 to 1, of every slice of one object.

    masks: (n, rows, columns), not 0 where the object is. presence, predicted_iou: (n,), NaN where not computed. fixed:
    slices that were prompted, corrected or accepted. 1 on fixed slices, NaN where nothing was computed. Raises
    ValueError where lengths differ or no slice is fixed.
    """
    found = slice_features(masks, presence, predicted_iou, fixed)
    confidence: Values = 1 / (1 + np.exp(-(found @ np.array(WEIGHTS) + BIAS)))
    confidence[list(fixed)] = 1.0
    return confidence


def review_order(confidence: Sequence[float] | Values, fixed: Collection[int]) -> list[int]:
    """The open slices, the one to look at first in front: by confidence, those alike in the order of the stack."""
    open_slices = [index for index, value in enumerate(confidence) if index not in fixed and np.isfinite(value)]
    return sorted(open_slices, key=lambda index: float(confidence[index]))


def slice_features(
    masks: Mask,
    presence: Sequence[float] | Values,
    predicted_iou: Sequence[float] | Values,
    fixed: Collection[int],
) -> Values:
    """What the model of `slice_confidence` sees, (n, FEATURES); arguments as there."""
    slices = len(masks)
    found, iou = np.asarray(presence, np.float64), np.asarray(predicted_iou, np.float64)
    if not (found.shape == iou.shape == (slices,)) or not fixed:
        raise ValueError(f"{slices} masks with {len(found)} and {len(iou)} scores, {len(fixed)} fixed slices")
    masks = np.asarray(masks) != 0
    areas = masks.sum((1, 2), dtype=np.int64)
    empty = areas == 0
    nearest = _nearest(np.array(sorted(fixed)), slices)
    filled = np.flatnonzero(~empty)
    to_mask = abs(_nearest(filled, slices) - np.arange(slices)) if len(filled) else np.full(slices, slices)
    columns = (
        abs(2 * found - 1),
        np.where(empty, 0.0, iou),
        empty,
        _beside(_overlaps(masks), 1.0).min(0),
        _beside(_change(areas[1:], areas[:-1]), 0.0).max(0),
        _change(areas, areas[nearest]),
        [_dice(mask, masks[other]) for mask, other in zip(masks, nearest, strict=True)],
        np.log1p(abs(nearest - np.arange(slices))),
        np.log1p(to_mask),
    )
    return np.stack([np.asarray(column, np.float64) for column in columns], axis=1)


def _nearest(places: NDArray[np.int64], slices: int) -> NDArray[np.int64]:
    """For every slice the nearest of the places."""
    distances = abs(np.arange(slices)[:, None] - places[None])
    found: NDArray[np.int64] = places[distances.argmin(1)]
    return found


def _beside(between: Values, at_ends: float) -> Values:
    """(2, n): a value between neighbours, as each slice has it on its two sides."""
    return np.stack([np.concatenate([[at_ends], between]), np.concatenate([between, [at_ends]])])


def _overlaps(masks: NDArray[np.bool_]) -> Values:
    """Dice of each slice with the next one, (n - 1,)."""
    return np.array([_dice(one, other) for one, other in pairwise(masks)])


def _change(areas: NDArray[np.int64], others: NDArray[np.int64]) -> Values:
    """How many times as large, as a logarithm without its sign."""
    change: Values = np.minimum(abs(np.log((areas + 1) / (others + 1))), _MOST_CHANGE)
    return change


def _dice(one: Mask, other: Mask) -> float:
    """1 where both are empty: such neighbours do not contradict each other."""
    found = dice(one, other)
    return 1.0 if found is None else found
