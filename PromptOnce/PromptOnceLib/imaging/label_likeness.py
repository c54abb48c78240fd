"""Tells label maps from images by their values, to warn where one is taken for the other."""

from __future__ import annotations

import numpy as np

from PromptOnceLib.imaging.volume import Array

MOST_LABELS = 200
"""More values than any usual atlas has organs."""

_FEW = 8  # values, all whole numbers from 0 on: no scanner gives an image of so few
_SAMPLED = 24  # slices
_QUICK = 100_000  # voxels, among which nearly every image has more values than labels there are
_FLAT = 0.8  # share of neighbours that are equal, where one of them is not 0: labels are areas
_GREY = 0.5  # below, values change from voxel to voxel


def doubts(array: Array) -> tuple[str, ...]:
    """Notices on voxels (k, j, i) that are hardly those of the image that was meant."""
    if array.size == 0:
        return ()
    first = array.flat[0]
    if (_sample(array) == first).all() and (array == first).all():
        return (f"All voxels of the image have the same value ({first:g}): it shows nothing.",)
    if looks_like_labels(array):
        return (
            "The image looks like a segmentation: its values are few and form areas. Choose the image if it is one.",
        )
    return ()


def looks_like_labels(array: Array) -> bool:
    """Whether an image (k, j, i) holds few whole numbers from 0 on that form areas."""
    part = _sample(array)
    if len(np.unique(part.flat[:_QUICK])) > MOST_LABELS:
        return False
    values = np.unique(part)
    if len(values) > MOST_LABELS or not (np.isfinite(values).all() and (values == np.trunc(values)).all()):
        return False
    return bool(values[0] == 0) and (len(values) <= _FEW or _flat_share(part) >= _FLAT)


def looks_grey(labels: Array) -> bool:
    """Whether what should be labels (k, j, i) has the values of an image: very many, or many that form no areas."""
    count = len(np.unique(labels))
    return count > MOST_LABELS or (count > 4 * _FEW and _flat_share(_sample(labels)) < _GREY)


def _sample(array: Array) -> Array:
    """Some of the slices, so that large volumes cost little."""
    step = max(1, len(array) // _SAMPLED)
    return array[step // 2 :: step]


def _flat_share(part: Array) -> float:
    """Share of neighbours along rows that are equal, among those of which one at least is not 0; 1 where none is."""
    left, right = part[..., :-1], part[..., 1:]
    counted = (left != 0) | (right != 0)
    return float((left == right)[counted].mean()) if counted.any() else 1.0
