"""Where in a pass the objects have ended, so that the rest need not be computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ABSENT_SLICES = 4
"""So many slices in a row without any object end a pass."""
LOST_SLICES = 8
"""The same where an object was still large on its last slice: an organ tapers off, a lost one may be found again."""
_SMALL = 0.005  # of an object's largest area: what is left of it when it fades
_LARGE = 0.5


def what_is_left_out(found_until: int, rest: range) -> str:
    """A sentence for the user on the slices, in the order they would be visited, that come after the last one."""
    return (
        f"Nothing more was found by slice {found_until}: the slices from {rest[0]} to {rest[-1]} were not computed and "
        "count as empty."
    )


@dataclass
class EarlyStop:
    """Watches the slices of one pass, or of a sweep beyond all fixed slices, in order.

    A slice is without an object where SAM 2 believes it absent (presence below 0.5) or hardly anything of its area is
    left. An object that never was there has not ended: after a shared seed the first slices may lie outside of it.
    """

    _largest: NDArray[np.int64] | None = None
    _last: NDArray[np.int64] | None = None
    _absent_for: int = 0
    _objects_seen: bool = False

    def has_come(self, masks: NDArray[np.uint8], presence: tuple[float, ...]) -> bool:
        """Take in the next slice, masks (objects, rows, columns); whether all objects have ended by now."""
        areas = masks.reshape(len(masks), -1).sum(1, dtype=np.int64)
        largest = areas if self._largest is None else np.maximum(self._largest, areas)
        present = (np.array(presence) >= 0.5) & (areas > _SMALL * largest)
        last = areas if self._last is None else np.where(present, areas, self._last)
        self._largest, self._last = largest, last
        self._objects_seen |= bool(present.any())
        self._absent_for = 0 if present.any() else self._absent_for + 1
        needed = LOST_SLICES if (last > _LARGE * largest).any() else ABSENT_SLICES
        return self._objects_seen and self._absent_for >= needed
