"""A part of a slice: what a network sees of it when it is zoomed in."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from PromptOnceLib.schema import StrictModel

Zoom = Literal["auto", "off"] | Annotated[float, Field(ge=1, le=100)]
"""How much of a slice is seen: as the model needs it, all of it, or a square so many times as long as the object."""

NAMED_ZOOMS: tuple[Literal["auto", "off"], ...] = ("auto", "off")

_Place = Annotated[int, Field(strict=True, ge=0)]
_Length = Annotated[int, Field(strict=True, ge=1)]


class Crop(StrictModel):
    """The rows row..row + rows - 1 and the columns column..column + columns - 1 of a slice."""

    row: _Place
    column: _Place
    rows: _Length
    columns: _Length

    @classmethod
    def whole(cls, shape: tuple[int, int]) -> Crop:
        """All of a slice of the shape (rows, columns)."""
        return cls(row=0, column=0, rows=shape[0], columns=shape[1])

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the part."""
        return self.rows, self.columns

    def fits(self, shape: tuple[int, int]) -> bool:
        """Whether the part lies in a slice of the shape (rows, columns)."""
        return self.row + self.rows <= shape[0] and self.column + self.columns <= shape[1]

    def holds(self, extent: Extent) -> bool:
        """Whether all of an extent lies in the part."""
        top, left, bottom, right = extent
        return (
            self.row <= top
            and self.column <= left
            and bottom <= self.row + self.rows
            and right <= self.column + self.columns
        )

    def of(self, array: NDArray[Any]) -> NDArray[Any]:
        """The part of an array whose last two axes are rows and columns; a view."""
        return array[..., self.row : self.row + self.rows, self.column : self.column + self.columns]

    def outline(self, shape: tuple[int, int]) -> NDArray[np.uint8]:
        """Its outermost pixels on a slice of the shape (rows, columns), 0 or 1."""
        drawn = np.zeros(shape, np.uint8)
        part = self.of(drawn)
        part[[0, -1]] = 1
        part[:, [0, -1]] = 1
        return drawn

    def put(self, part: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
        """Slices of the shape (rows, columns) with what this part of them holds; 0 elsewhere."""
        if self.shape == shape:
            return part
        whole = np.zeros((*part.shape[:-2], *shape), part.dtype)
        self.of(whole)[...] = part
        return whole


Extent = tuple[int, int, int, int]
"""First row, first column, last row + 1, last column + 1 of something on a slice."""


def joined(extents: list[Extent]) -> Extent | None:
    """The extent around all of these; None for none."""
    if not extents:
        return None
    tops, lefts, bottoms, rights = zip(*extents, strict=True)
    return min(tops), min(lefts), max(bottoms), max(rights)
