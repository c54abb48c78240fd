"""Slices turned and mirrored so that pictures look as radiologists expect them. Prompts stay in pixels as stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from PromptOnceLib.core.volume import Array, Geometry

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

    def of_spacing(self, spacing: tuple[float, float]) -> tuple[float, float]:
        """Distance in mm between the shown rows and between the shown columns."""
        return (spacing[1], spacing[0]) if self.exchange else spacing


def _runs_backwards(towards: Array) -> bool:
    """Pictures run towards left (L), posterior (P) and inferior; LPS counts towards superior."""
    nearest = int(np.argmax(np.abs(towards)))
    wanted = -1.0 if nearest == _SUPERIOR else 1.0
    return bool(towards[nearest] * wanted < 0)
