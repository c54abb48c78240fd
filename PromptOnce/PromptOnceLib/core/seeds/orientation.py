"""How a frame lies in the patient, and the turn from one such position to another."""

from __future__ import annotations

from itertools import permutations
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from PromptOnceLib.core.display import DisplayView
from PromptOnceLib.core.errors import SeedError
from PromptOnceLib.core.volume import Geometry

Direction = Literal["L", "R", "P", "A", "S", "I"]
Plane = Literal["sagittal", "coronal", "axial"]

# Indices into an LPS vector; a plane is named by the one of its normal.
_BODY_AXIS = {"L": 0, "R": 0, "P": 1, "A": 1, "S": 2, "I": 2}
_LETTERS: tuple[tuple[Direction, Direction], ...] = (("L", "R"), ("P", "A"), ("S", "I"))
_PLANES: tuple[Plane, ...] = ("sagittal", "coronal", "axial")


class FrameOrientation(BaseModel):
    """rows, columns: the anatomical direction in which the row's and the column's index of a frame grows.

    An axial frame as radiologists see it has rows "P" (downwards is posterior) and columns "L".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: Direction
    columns: Direction

    @model_validator(mode="after")
    def _perpendicular(self) -> FrameOrientation:
        if _BODY_AXIS[self.rows] == _BODY_AXIS[self.columns]:
            raise ValueError("rows and columns run along the same direction of the body")
        return self

    @property
    def plane(self) -> Plane:
        """The anatomical plane of the frame."""
        return _PLANES[3 - _BODY_AXIS[self.rows] - _BODY_AXIS[self.columns]]

    @classmethod
    def of(cls, geometry: Geometry, axis: int) -> FrameOrientation:
        """Orientation of the slices along an array axis (0, 1, 2 = k, j, i); oblique ones take the nearest.

        Every axis of the grid is given a body axis of its own, those that together are nearest, so that a grid turned
        by exactly 45 degrees has one answer too.
        """
        directions = np.round(np.reshape(geometry.direction, (3, 3))[:, ::-1], 6)  # columns in array order k, j, i
        nearest = max(
            permutations(range(3)),
            key=lambda body: sum(abs(directions[body[index], index]) for index in range(3)),
        )
        letters = [_LETTERS[nearest[i]][int(directions[nearest[i], i] < 0)] for i in range(3)]
        rows, columns = (letters[other] for other in range(3) if other != axis)
        return cls(rows=rows, columns=columns)


def turn_between(frame: FrameOrientation, wanted: FrameOrientation) -> DisplayView:
    """The turn (rows and columns exchanged first, then mirrored) that brings a frame into another orientation.

    Raises SeedError for another plane.
    """
    if frame.plane != wanted.plane:
        raise SeedError(
            f"The seed is {frame.plane}, the slices of the image are {wanted.plane}. Choose a seed of this plane, or "
            "segment along another axis."
        )
    exchange = _BODY_AXIS[frame.rows] != _BODY_AXIS[wanted.rows]
    rows, columns = (frame.columns, frame.rows) if exchange else (frame.rows, frame.columns)
    return DisplayView(exchange, rows != wanted.rows, columns != wanted.columns)
