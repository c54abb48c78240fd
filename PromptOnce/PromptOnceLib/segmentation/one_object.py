"""One object among the labels of a segmentation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from PromptOnceLib.imaging.volume import Array


@dataclass(frozen=True, eq=False)
class Labels:
    """One object of a segmentation, to take a prompt from, as the papers do, or to compare with.

    array: label values on the volume's grid, KJI. name: of the object. values: the labels that make it together, None
    for all that are not 0. as_mask: its mask on a slice is the prompt, in place of box and points as the papers take
    them.
    """

    array: Array
    name: str = "object"
    values: tuple[int, ...] | None = None
    as_mask: bool = False

    def of(self, part: Array) -> Array:
        """A part of the array, such as a slice, with the object's labels alone."""
        return part if self.values is None else np.where(np.isin(part, self.values), part, 0)

    @property
    def holding(self) -> Array:
        """The array, with the object's labels alone."""
        return self.of(self.array)
