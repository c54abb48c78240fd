"""Tools with which the phantom is drawn: distances to simple bodies, painting with partial volume, CT noise.

Coordinates are millimetres from the centre of the image, x to the patient's left, y to the back, z to the head. A
distance is negative inside a body and need only be right near its surface.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Vector = Sequence[float]

AIR = -1000.0
_BEND = 2.5  # mm


class Canvas:
    """An image in HU and its labels, array order KJI, onto which bodies are painted one over the other.

    x, y, z: coordinates of every voxel in mm, slightly bent at random so that no two patients are alike.
    """

    def __init__(self, shape: tuple[int, int, int], spacing_kji: tuple[float, float, float], seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.hu: Floats = np.full(shape, AIR, np.float32)
        self.labels: npt.NDArray[np.uint8] = np.zeros(shape, np.uint8)
        # Over this many millimetres a surface fades, as it does where voxels are filled in part.
        self.edge = float(spacing_kji[0] + 2 * spacing_kji[1]) / 3
        z, y, x = (
            ((np.arange(n, dtype=np.float32) - (n - 1) / 2) * np.float32(step)).reshape(
                [-1 if a == axis else 1 for a in range(3)]
            )
            for axis, (n, step) in enumerate(zip(shape, spacing_kji, strict=True))
        )
        self._grid = (z, y, x)
        self.x: Floats = x + self._waves(y, z)
        self.y: Floats = y + self._waves(x, z)
        self.z: Floats = z + self._waves(x, y)

    def _waves(self, first: Floats, second: Floats) -> Floats:
        """Two long waves over two coordinates, together at most _BEND mm high."""
        phases = self.rng.uniform(0, 2 * np.pi, 2).astype(np.float32)
        lengths = self.rng.uniform(16, 40, 4).astype(np.float32)
        wave = np.sin(first / lengths[0] + second / lengths[1] + phases[0])
        wave = wave + np.sin(first / lengths[2] - second / lengths[3] + phases[1])
        return np.asarray(wave * np.float32(_BEND / 2), np.float32)

    def paint(
        self, distance: Floats, value: float | Floats, label: int | None = None, within: Floats | None = None
    ) -> Floats:
        """Paint a body of this HU value; where it fills more than half a voxel the label is set, if one is given.

        within limits it to another body by that body's coverage. Returns the coverage, 0..1.
        """
        cover: Floats = np.clip(np.float32(0.5) - distance / np.float32(self.edge), 0, 1)
        if within is not None:
            cover *= within
        self.hu += cover * (value - self.hu)
        if label is not None:
            self.labels[cover > 0.5] = label
        return cover

    def tube(
        self,
        points: Sequence[Vector],
        radii: Vector,
        value: float,
        label: int | None = None,
        within: Floats | None = None,
    ) -> None:
        """Paint a tube through points (x, y, z) in mm with a radius in mm at each point, like paint."""
        for start, end, r0, r1 in zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True):
            box = self._box(start, end, max(r0, r1))
            if box is None:
                continue
            p = (self.x[box] - start[0], self.y[box] - start[1], self.z[box] - start[2])
            d = [end[i] - start[i] for i in range(3)]
            t = np.clip((p[0] * d[0] + p[1] * d[1] + p[2] * d[2]) / max(sum(c * c for c in d), 1e-6), 0, 1)
            distance = norm(p[0] - t * d[0], p[1] - t * d[1], p[2] - t * d[2]) - (r0 + t * (r1 - r0))
            cover = np.clip(np.float32(0.5) - distance / np.float32(self.edge), 0, 1)
            if within is not None:
                cover *= within[box]
            self.hu[box] += cover * (value - self.hu[box])
            if label is not None:
                self.labels[box][cover > 0.5] = label

    def _box(self, start: Vector, end: Vector, radius: float) -> tuple[slice, slice, slice] | None:
        """Voxels that a tube segment may touch; None where it lies outside the image."""
        margin = radius + self.edge + _BEND
        box = []
        for axis, grid in enumerate(self._grid):
            ends = (start[2 - axis], end[2 - axis])
            first, last = np.searchsorted(grid.ravel(), (min(ends) - margin, max(ends) + margin))
            if first == last:
                return None
            box.append(slice(int(first), int(last)))
        return box[0], box[1], box[2]

    def add_noise(self, sigma: float, body: Floats) -> None:
        """Add noise of this standard deviation in HU, grainy as after filtered back-projection, weaker outside body."""
        n, rows, columns = self.hu.shape
        white = self.rng.standard_normal(self.hu.shape, dtype=np.float32)
        frequency = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None, :])
        # A ramp, as in the reconstruction, times a smooth kernel: least noise at the lowest and highest frequencies.
        response = np.sqrt(frequency) * np.exp(-((frequency / 0.3) ** 2))
        for k in range(n):
            grain = np.fft.irfft2(np.fft.rfft2(white[k]) * response, s=(rows, columns))
            grain *= sigma / max(float(grain.std()), 1e-6)
            self.hu[k] += grain * (0.5 + 0.5 * body[k])


def norm(x: Floats, y: Floats, z: Floats) -> Floats:
    """Length of vectors."""
    return np.asarray(np.sqrt(x * x + y * y + z * z), np.float32)


def ellipsoid(canvas: Canvas, centre: Vector, radii: Vector, tilt: npt.NDArray[np.float64] | None = None) -> Floats:
    """Distance to an ellipsoid; the rows of tilt are the directions of its axes (default x, y, z)."""
    p: tuple[Floats, ...] = tuple(
        c - np.float32(m) for c, m in zip((canvas.x, canvas.y, canvas.z), centre, strict=True)
    )
    if tilt is not None:
        p = tuple(sum(np.float32(row[i]) * p[i] for i in range(3)) for row in tilt)
    u = [c / np.float32(r) for c, r in zip(p, radii, strict=True)]
    k0 = norm(*u)
    k1 = norm(*(c / np.float32(r) for c, r in zip(u, radii, strict=True)))
    return np.asarray(k0 * (k0 - 1) / np.maximum(k1, 1e-6), np.float32)


def torso(canvas: Canvas, centre_y: float, half_width: float, half_depth: float) -> Floats:
    """Distance to an upright cylinder with the rounded rectangular section of a trunk (exponent 2.5)."""
    u, v = np.abs(canvas.x) / half_width, np.abs(canvas.y - centre_y) / half_depth
    # |u|**2.5 without the slow power function.
    total = u * u * np.sqrt(u) + v * v * np.sqrt(v)
    return np.asarray((np.sqrt(total) - 1) * np.float32(0.8 * half_depth), np.float32)
