"""How slices lie in the patient, and how they are turned and mirrored: for display, and from one frame to another.

Prompts stay in pixels as stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Literal

import numpy as np
from pydantic import model_validator

from PromptOnceLib.errors import SeedError
from PromptOnceLib.imaging.volume import Array, Geometry
from PromptOnceLib.schema import StrictModel

_LEFT, _POSTERIOR, _SUPERIOR = range(3)


@dataclass(frozen=True)
class DisplayView:
    """How slices along one axis are shown: rows and columns exchanged first, then mirrored.

    The patient's left is on the right of the picture, anterior at the top of axial and on the left of sagittal slices,
    superior at the top of the others.
    """

    exchange: bool
    mirror_rows: bool
    mirror_columns: bool

    @classmethod
    def of(cls, geometry: Geometry, axis: int) -> DisplayView:
        """The view of slices along `axis` (0, 1, 2 = k, j, i)."""
        directions = np.array(geometry.direction).reshape(3, 3)[:, ::-1]  # columns in array order k, j, i
        rows, columns = (directions[:, other] for other in range(3) if other != axis)
        nearest = [int(np.argmax(np.abs(towards))) for towards in (rows, columns)]
        # Rows run along the body where the slice shows it, else from front to back; never from side to side.
        exchange = nearest[0] == _LEFT or nearest == [_POSTERIOR, _SUPERIOR]
        if exchange:
            rows, columns = columns, rows
        return cls(exchange, _runs_backwards(rows), _runs_backwards(columns))

    def of_slices(self, slices: Array) -> Array:
        """View of an array (..., rows, columns)."""
        turned = slices.swapaxes(-1, -2) if self.exchange else slices
        return turned[..., :: -1 if self.mirror_rows else 1, :: -1 if self.mirror_columns else 1]

    def of_point(self, point: tuple[float, float], shape: tuple[int, ...]) -> tuple[float, float]:
        """Column x and row y in the view of a point of a slice; shape: rows and columns as stored."""
        x, y = point
        rows, columns = shape
        if self.exchange:
            x, y, rows, columns = y, x, columns, rows
        return (columns - 1 - x if self.mirror_columns else x), (rows - 1 - y if self.mirror_rows else y)

    def of_edges(self, edges: tuple[str, str, str, str]) -> tuple[str, str, str, str]:
        """What lies at the left, right, upper and lower edge of the view, from the same of a slice as stored."""
        left, right, upper, lower = edges
        if self.exchange:
            left, right, upper, lower = upper, lower, left, right
        if self.mirror_columns:
            left, right = right, left
        return (left, right, lower, upper) if self.mirror_rows else (left, right, upper, lower)

    def of_spacing(self, spacing: tuple[float, float]) -> tuple[float, float]:
        """Distance in mm between the shown rows and between the shown columns."""
        return (spacing[1], spacing[0]) if self.exchange else spacing


def _runs_backwards(towards: Array) -> bool:
    """Pictures run towards left (L), posterior (P) and inferior; LPS counts towards superior."""
    nearest = int(np.argmax(np.abs(towards)))
    wanted = -1.0 if nearest == _SUPERIOR else 1.0
    return bool(towards[nearest] * wanted < 0)


Direction = Literal["L", "R", "P", "A", "S", "I"]
Plane = Literal["sagittal", "coronal", "axial"]

# Indices into an LPS vector; a plane is named by the one of its normal.
_BODY_AXIS = {"L": 0, "R": 0, "P": 1, "A": 1, "S": 2, "I": 2}
_LETTERS: tuple[tuple[Direction, Direction], ...] = (("L", "R"), ("P", "A"), ("S", "I"))
_PLANES: tuple[Plane, ...] = ("sagittal", "coronal", "axial")


class FrameOrientation(StrictModel):
    """rows, columns: the anatomical direction in which the row's and the column's index of a frame grows.

    An axial frame as radiologists see it has rows "P" (downwards is posterior) and columns "L".
    """

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


OPPOSITE: dict[Direction, Direction] = {a: b for pair in _LETTERS for a, b in (pair, pair[::-1])}


def voxel_directions(geometry: Geometry) -> tuple[Direction, Direction, Direction]:
    """The anatomical directions in which the voxel indices i, j and k grow; oblique ones take the nearest."""
    by_k, by_i = FrameOrientation.of(geometry, 0), FrameOrientation.of(geometry, 2)
    return by_k.columns, by_k.rows, by_i.rows


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
