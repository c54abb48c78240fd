"""What can be told apart on a frame: nobody can outline what looks like its surroundings."""

from __future__ import annotations

from scipy import ndimage

from training.phantoms.canvas import Array
from training.prompting import bounds_of, hole_of

MIN_CONTRAST = 12  # grey levels


def can_be_seen(frame: Array, mask: Array) -> bool:
    """Whether an object of at least 20 pixels differs from what is around it."""
    if mask.sum() < 20:
        return False
    reach = _reach(mask)
    near = tuple(slice(max(0, side.start - reach - 1), side.stop + reach + 1) for side in bounds_of(mask))
    frame, mask = frame[near], mask[near]
    around = ndimage.binary_dilation(mask, iterations=reach) & ~mask
    rim = mask & ~ndimage.binary_erosion(mask, iterations=reach)
    return bool(around.sum() > 10 and abs(frame[rim].mean() - frame[around].mean()) > MIN_CONTRAST)


def hole_can_be_seen(frame: Array, mask: Array) -> bool:
    """Whether an object differs from what it encloses; true where that is nothing."""
    hole = hole_of(mask)
    if hole is None:
        return True
    wall = mask & ndimage.binary_dilation(hole, iterations=_reach(mask))
    return bool(abs(frame[wall].mean() - frame[hole].mean()) > MIN_CONTRAST)


def _reach(mask: Array) -> int:
    """Pixels on either side of a border that are looked at."""
    return max(2, round(0.02 * len(mask)))
