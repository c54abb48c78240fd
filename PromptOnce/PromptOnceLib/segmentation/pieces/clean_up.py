"""Clean-up of a propagated mask: pieces that do not belong to what was prompted are taken out, in three dimensions.

A piece is what hangs together over faces, edges and corners of voxels (26 neighbours).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.segmentation.metrics import bounding_box

CleanUp = Literal["connected", "largest", "all"]
"""Which pieces stay: those that touch the mask of a fixed slice, the one with most voxels, or all of them."""

CLEAN_UPS: tuple[CleanUp, ...] = ("connected", "largest", "all")


@dataclass(frozen=True, eq=False)
class Removed:
    """What a clean-up took out of a mask. pieces: how many. voxels: intp (3, n), their indices in the mask."""

    pieces: int
    voxels: NDArray[np.intp]

    @property
    def slices(self) -> list[int]:
        """The slices that have changed."""
        return [int(index) for index in np.unique(self.voxels[0])]

    def sentence(self, name: str) -> str:
        """What was done to the object of this name, for the user."""
        count, pieces = self.voxels.shape[1], "1 piece" if self.pieces == 1 else f"{self.pieces} pieces"
        return f"Clean-up: {count} voxels in {pieces} apart from the rest were removed from {name}."


def clean_up(mask: NDArray[np.uint8], rule: CleanUp, fixed: Collection[int]) -> Removed:
    """Remove pieces of a mask, uint8 0 or 1 (n, rows, columns), in place; what was removed.

    fixed: indices of slices whose masks are settled. They are never changed, and by the rule "connected" a piece stays
    where it touches one of them. Where no fixed slice shows the object there is nothing to go by, and all stays.
    """
    nothing = Removed(0, np.zeros((3, 0), np.intp))
    if rule == "all" or not mask.any():
        return nothing
    within = bounding_box(mask)  # most objects are far smaller than their image
    part = mask[within]
    numbers, count = _numbered(part)
    settled = np.isin(np.arange(within[0].start, within[0].stop), list(fixed))
    if rule == "largest":
        sizes = np.bincount(numbers.ravel(), minlength=count + 1)
        kept = [1 + int(np.argmax(sizes[1:]))]
    else:
        kept = [int(number) for number in np.unique(numbers[settled]) if number]
    if not kept or count == len(kept):
        return nothing
    leaves = np.ones(count + 1, bool)
    leaves[[0, *kept]] = False
    gone = leaves[numbers]
    gone[settled] = False
    voxels = np.stack(np.nonzero(gone))
    pieces = len(np.unique(numbers[gone]))
    part[gone] = 0
    return Removed(pieces, voxels + np.array([[side.start] for side in within], np.intp))


def _numbered(mask: NDArray[np.uint8]) -> tuple[NDArray[np.uint32], int]:
    """The pieces, numbered from 1, and how many there are."""
    import SimpleITK as sitk  # not at the top: a second of loading, for the end of a run only

    components = sitk.ConnectedComponentImageFilter()
    components.FullyConnectedOn()
    numbered = components.Execute(sitk.GetImageFromArray(mask))
    return sitk.GetArrayFromImage(numbered), int(components.GetObjectCount())
