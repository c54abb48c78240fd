"""Outlines as elliptic Fourier descriptors, and how many harmonics an outline takes.

Sources: Kuhl and Giardina, Elliptic Fourier features of a closed contour (Computer Graphics and Image Processing 18,
1982); Huang et al., Segment Anything Model for Medical Images? (MedIA 2024), section 4.8, for the Fourier order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.segmentation.metrics import dice
from PromptOnceLib.segmentation.shape.outline import Polygon, filled

_ENOUGH_DICE = 0.97
_LEAST_GAIN = 0.001
_WEIGHT = 2.0  # Huang et al.'s n


@dataclass(frozen=True, eq=False)
class EllipticFourier:
    """A closed outline as a sum of ellipses.

    centre: x and y, float64 (2,), the mean along the outline. harmonics: float64 (orders, 4), a, b, c, d of each order
    from 1 on: x = sum of a cos + b sin, y = sum of c cos + d sin, of 2 pi order s, where s is the share of the
    outline's length.
    """

    centre: NDArray[np.float64]
    harmonics: NDArray[np.float64]

    def at(self, shares: NDArray[np.float64], orders: int | None = None) -> Polygon:
        """Points of the outline, float64 (n, 2) of x, y, of the first orders; shares: of its length, 0 to 1, (n,)."""
        used = self.harmonics[:orders]
        angles = 2 * np.pi * np.arange(1, len(used) + 1) * shares[:, None]
        return self.centre + np.stack(
            [np.cos(angles) @ used[:, part] + np.sin(angles) @ used[:, part + 1] for part in (0, 2)], axis=1
        )


def elliptic_fourier(outline: Polygon, orders: int) -> EllipticFourier:
    """Kuhl and Giardina's descriptors of a polygon, exact for its straight sides. orders: at least 1.

    Corners that coincide with the one before count once. Not normalised: the descriptors turn, grow and begin with the
    outline.
    """
    steps, shares = _steps(outline)
    lengths = np.hypot(*steps.T)
    total = lengths.sum()
    middles = outline + steps / 2
    centre = (middles * lengths[:, None]).sum(0) / total
    order = np.arange(1, orders + 1)[:, None]
    angles = 2 * np.pi * order * shares
    moved = lengths > 0
    rates = steps[moved] / lengths[moved, None]
    along = [np.diff(part, axis=1)[:, moved] @ rates for part in (np.cos(angles), np.sin(angles))]
    scale = total / (2 * np.pi**2 * order**2)
    cosines, sines = (scale * part for part in along)  # (orders, 2) of x, y
    return EllipticFourier(centre, np.stack([cosines[:, 0], sines[:, 0], cosines[:, 1], sines[:, 1]], axis=1))


def fourier_order(outline: Polygon) -> float:
    """Huang et al.'s Fourier order: how complex an outline is, from 1 for an ellipse upwards.

    Orders are added until what the decoded outline encloses agrees with what the outline itself encloses by a Dice
    above 0.97, or by less than 0.001 otherwise than one order before; then it is order + 2 * 100 * (1 - Dice). So it
    ends at the second order for an outline that has no even ones, such as an ellipse or a rectangle, and is high if the
    first one alone is far from it. Silent in the paper: a decoded outline is compared by the pixel centres that it
    encloses, has as many corners as the outline itself, and at most half as many orders.
    """
    low, high = np.floor(outline.min(0)).astype(int), np.ceil(outline.max(0)).astype(int)
    margin = high - low + 1  # a decoded outline may reach beyond the outline itself
    low = low - margin
    columns, rows = (int(part) for part in 3 * margin)
    origin = (int(low[1]), int(low[0]))
    own = filled(outline, origin, (rows, columns))
    _, shares = _steps(outline)
    most = max(1, len(outline) // 2)
    series = elliptic_fourier(outline, most)
    before = score = 0.0
    order = 0
    for order in range(1, most + 1):
        decoded = filled(series.at(shares[:-1], order), origin, (rows, columns))
        before, score = score, dice(decoded, own) or 0.0
        if score > _ENOUGH_DICE or (order > 1 and abs(score - before) < _LEAST_GAIN):
            break
    return order + _WEIGHT * 100 * (1 - score)


def _steps(outline: Polygon) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """From each corner to the next, (n, 2), and the share of the length at which each begins, with 1 at the end."""
    steps = np.roll(outline, -1, axis=0) - outline
    ends = np.concatenate([[0.0], np.cumsum(np.hypot(*steps.T))])
    return steps, ends / ends[-1]
