"""How far a slice's mask can be trusted, from what is known without a reference, and which slice to look at next.

Two logistic models of the slice's Dice: of slices on which something was found, and of those on which nothing was.
Their weights were fitted on generated phantoms alone (`python -m benchmarks.fit_confidence`); benchmarks/effort.md says
how well they rank slices.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.segmentation.metrics import Mask, slice_areas

Values = NDArray[np.float64]

FOUND_FEATURES = ("predicted IoU", "predicted IoU here and beside")
EMPTY_FEATURES = ("certainty", "distance to fixed", "distance to mask", "between masks", "area of nearest mask")
# Fitted on volumes of phantoms, each after 1 to 4 interactions. Where something was found: 22 volumes, with version 2
# of the embedded model; a new fit ranked no better. Where nothing was: 102 volumes, with version 9.
FOUND_WEIGHTS, FOUND_BIAS = (1.922, 1.704), -1.985
EMPTY_WEIGHTS, EMPTY_BIAS = (1.525, -0.794, 1.829, -7.105, -2.009), -0.396

ACCEPTED_REACH = 5.0
"""Slices from an accepted one after which a doubt has come back to two thirds; chosen, not fitted."""
EMPTY_SHARE = 0.25
"""Of the nearest mask's area: what is taken for missing on a slice without a mask that should have one."""


@dataclass(frozen=True)
class SliceFeatures:
    """What the models see. found: (n, FOUND_FEATURES), empty: (n, EMPTY_FEATURES), of every slice; is_empty: (n,),
    which of both counts.
    """

    found: Values
    empty: Values
    is_empty: NDArray[np.bool_]


def slice_confidence(
    masks: Mask,
    presence: Sequence[float] | Values,
    predicted_iou: Sequence[float] | Values,
    fixed: Collection[int],
    accepted: Collection[int] = (),
) -> Values:
    """Estimate of the Dice, 0 to 1, of every slice of one object.

    masks: (n, rows, columns), not 0 where the object is. presence, predicted_iou: (n,), NaN where not computed. fixed:
    slices that were prompted, corrected or accepted. accepted: those that were right as they were propagated, which
    speaks for the slices beside them. 1 on fixed slices, NaN where nothing was computed. Raises ValueError where
    lengths differ or no slice is fixed.
    """
    features = slice_features(masks, presence, predicted_iou, fixed)
    found = _logistic(features.found @ np.array(FOUND_WEIGHTS) + FOUND_BIAS)
    empty = _logistic(features.empty @ np.array(EMPTY_WEIGHTS) + EMPTY_BIAS)
    confidence: Values = np.where(features.is_empty, empty, found)
    if accepted:
        places = np.arange(len(confidence))
        distance = abs(_nearest(np.array(sorted(accepted)), len(confidence)) - places)
        confidence = 1 - (1 - confidence) * (1 - np.exp(-distance / ACCEPTED_REACH))
    confidence[np.isnan(np.asarray(presence, np.float64))] = np.nan
    confidence[list(fixed)] = 1.0
    return confidence


def wrong_pixels(masks: Mask, confidence: Sequence[float] | Values) -> Values:
    """How many pixels of every slice are expected to be wrong, (n,); NaN where there is no confidence.

    An area counts as far as its mask is doubted; without a mask, EMPTY_SHARE of the nearest mask's.
    """
    expected: Values = (1 - np.asarray(confidence, np.float64)) * _sizes(slice_areas(masks))
    return expected


def review_order(expected: Sequence[float] | Values, fixed: Collection[int]) -> list[int]:
    """The open slices, the one to look at first in front: by wrong pixels, those alike in the order of the stack.

    expected: see wrong_pixels; what is NaN is left out.
    """
    open_slices = [index for index, value in enumerate(expected) if index not in fixed and np.isfinite(value)]
    return sorted(open_slices, key=lambda index: -float(expected[index]))


def slice_features(
    masks: Mask,
    presence: Sequence[float] | Values,
    predicted_iou: Sequence[float] | Values,
    fixed: Collection[int],
) -> SliceFeatures:
    """What the models of `slice_confidence` see; arguments as there."""
    slices = len(masks)
    present, iou = np.asarray(presence, np.float64), np.asarray(predicted_iou, np.float64)
    if not (present.shape == iou.shape == (slices,)) or not fixed:
        raise ValueError(f"{slices} masks with {len(present)} and {len(iou)} scores, {len(fixed)} fixed slices")
    areas = slice_areas(masks)
    is_empty, filled = areas == 0, np.flatnonzero(areas)
    # What was not computed tells nothing; the caller knows which slices these are.
    present, iou = np.nan_to_num(present, nan=0.5), np.nan_to_num(iou, nan=0.0)
    places = np.arange(slices)
    to_mask = abs(_nearest(filled, slices) - places) if len(filled) else np.full(slices, slices)
    to_fixed = abs(_nearest(np.array(sorted(fixed)), slices) - places)
    between = (places > filled[0]) & (places < filled[-1]) if len(filled) else np.zeros(slices, bool)
    empty = (
        abs(2 * present - 1),
        np.log1p(to_fixed),
        np.log1p(to_mask),
        between,
        _beside_areas(areas) / max(1, int(areas.max())),
    )
    return SliceFeatures(
        found=np.stack([iou, _mean_beside(iou, ~is_empty)], axis=1),
        empty=np.stack([np.asarray(column, np.float64) for column in empty], axis=1),
        is_empty=is_empty,
    )


def _logistic(values: Values) -> Values:
    found: Values = 1 / (1 + np.exp(-values))
    return found


def _sizes(areas: NDArray[np.int64]) -> Values:
    """Areas, and of slices without a mask EMPTY_SHARE of the nearest mask's."""
    return np.where(areas > 0, areas, EMPTY_SHARE * _beside_areas(areas))


def _beside_areas(areas: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of the nearest mask, its own where there is one; 0 where there is none at all."""
    filled = np.flatnonzero(areas)
    if not len(filled):
        return areas
    beside: NDArray[np.int64] = areas[_nearest(filled, len(areas))]
    return beside


def _nearest(places: NDArray[np.int64], slices: int) -> NDArray[np.int64]:
    """For every slice the nearest of the places."""
    distances = abs(np.arange(slices)[:, None] - places[None])
    found: NDArray[np.int64] = places[distances.argmin(1)]
    return found


def _mean_beside(values: Values, counted: NDArray[np.bool_]) -> Values:
    """Mean of each slice and the two beside it, of those that count; 0 where none does."""
    padded, there = np.pad(np.where(counted, values, 0.0), 1), np.pad(counted.astype(np.float64), 1)
    sums, numbers = (one[:-2] + one[1:-1] + one[2:] for one in (padded, there))
    mean: Values = sums / np.maximum(numbers, 1)
    return mean
