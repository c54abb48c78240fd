"""The masks of a segmentation file, one at a time: those of a hundred organs of a CT would take ten gigabytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Masks(Sequence[Mask]):
    """Masks, uint8 KJI, 0 or 1, each made anew when it is asked for, and read-only: a change would be lost.

    number: how many there are. make: gives the one at a place from 0 on.
    """

    number: int
    make: Callable[[int], Mask]

    def __len__(self) -> int:
        return self.number

    @overload
    def __getitem__(self, index: int) -> Mask: ...
    @overload
    def __getitem__(self, index: slice) -> list[Mask]: ...
    def __getitem__(self, index: int | slice) -> Mask | list[Mask]:
        places = range(self.number)[index]  # raises IndexError as a list does
        return self._made(places) if isinstance(places, int) else [self._made(place) for place in places]

    def _made(self, place: int) -> Mask:
        mask = self.make(place)
        mask.setflags(write=False)
        return mask
