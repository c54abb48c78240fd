"""A limb or a neck across: skin, muscles, one or two bones or a spine with its cord, vessels."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from training.phantoms.canvas import Array, Canvas, LabelMap, vector

Rng = np.random.Generator


class Part(IntEnum):
    """Labels of the family, the same in every limb."""

    SKIN = 1
    BONE = 2
    MARROW = 3
    FLUID = 4
    CORD = 5
    GREY_MATTER = 6
    ARTERY = 7
    VEIN = 8
    AIRWAY = 9
    FIRST_MUSCLE = 10  # and the muscles after it


DENSITIES = {
    Part.SKIN: -90,
    Part.BONE: 700,
    Part.MARROW: 150,
    Part.FLUID: 5,
    Part.CORD: 35,
    Part.GREY_MATTER: 40,
    Part.ARTERY: 120,
    Part.VEIN: 60,
    Part.AIRWAY: -980,
}
TARGETS = (
    [(Part.CORD, Part.GREY_MATTER)] * 6
    + [(Part.GREY_MATTER,)] * 3
    + [(Part.FLUID, Part.CORD, Part.GREY_MATTER)] * 2
    + [(Part.BONE, Part.MARROW)] * 3
    + [(Part.MARROW,)]
    + [(Part.ARTERY,), (Part.VEIN,), (Part.AIRWAY,)]
    + [(Part.FIRST_MUSCLE + i,) for i in range(6)]
)


def draw_limb(rng: Rng, shape: tuple[int, int, int]) -> LabelMap:
    """A random limb along z, or a neck whose bone is a ring with fluid and the cord in it."""
    canvas = Canvas(rng, shape, strength=rng.uniform(0.01, 0.05))
    radii = vector(rng.uniform(3, 8), rng.uniform(0.5, 0.9), rng.uniform(0.5, 0.9))
    body = canvas.ellipsoid(vector(0, 0, 0), radii, rng.uniform(0, 3), rng.choice([2.0, 2.5]))
    canvas.fill(body > 0, Part.SKIN)
    muscles = body > rng.uniform(0.03, 0.3)
    canvas.fill(muscles, Part.FIRST_MUSCLE)
    centres = rng.uniform(-0.6, 0.6, (rng.integers(3, 9), 2))
    distances = np.stack([np.hypot(canvas.y - cy, canvas.x - cx) for cy, cx in centres])
    nearest = distances.argmin(0)
    two = np.partition(distances, 1, axis=0)
    gap = (two[1] - two[0]) < rng.uniform(0, 0.04)
    for i in range(len(centres)):
        canvas.fill(muscles & (nearest == i) & ~gap, Part.FIRST_MUSCLE + i)
    canvas.fill(muscles & gap, Part.SKIN)
    if rng.random() < 0.6:
        _spine(canvas)
    else:
        for _ in range(rng.integers(1, 3)):
            size = rng.uniform(0.1, 0.22)
            path = _path(canvas, 0.35)
            canvas.fill(canvas.tube(path, np.full(shape[0], size)) & muscles, Part.BONE)
            canvas.fill(canvas.tube(path, np.full(shape[0], size * rng.uniform(0.5, 0.85))) & muscles, Part.MARROW)
    for vessel in (Part.ARTERY, Part.VEIN):
        canvas.fill(canvas.tube(_path(canvas, 0.5), np.full(shape[0], rng.uniform(0.03, 0.07))) & muscles, vessel)
    return LabelMap(canvas.labels, [tuple(int(v) for v in t) for t in TARGETS], "limb", _densities(rng))


def _spine(canvas: Canvas) -> None:
    rng, slices = canvas.rng, canvas.shape[0]
    path = _path(canvas, 0.2)
    size = rng.uniform(0.13, 0.22)
    wave = 1 + 0.12 * np.cos(rng.uniform(8, 25) * canvas.axes[0])
    canvas.fill(canvas.tube(path - vector(1.1 * size, 0), size * wave, rng.uniform(1, 1.5)), Part.BONE)
    canvas.fill(canvas.tube(path - vector(1.1 * size, 0), 0.85 * size * wave, rng.uniform(1, 1.5)), Part.MARROW)
    canvas.fill(canvas.tube(path, np.full(slices, 0.85 * size)), Part.BONE)
    canvas.fill(canvas.tube(path, np.full(slices, 0.68 * size)), Part.FLUID)
    cord, squeeze = size * rng.uniform(0.3, 0.5), rng.uniform(0.6, 1.0)
    canvas.fill(canvas.tube(path, np.full(slices, cord), 1 / squeeze), Part.CORD)
    dy = (canvas.y - path[:, 0, None, None]) / cord
    dx = np.abs(canvas.x - path[:, 1, None, None]) / cord
    horns = (np.abs(dx - 0.3 - 0.15 * dy**2) < 0.14) & (np.abs(dy) < 0.65)
    bridge = (np.abs(dy) < 0.12) & (dx < 0.4)
    canvas.fill(horns | bridge, Part.GREY_MATTER, within=(Part.CORD,))
    airway = path - vector(2.8 * size, 0)
    if rng.random() < 0.5:
        canvas.fill(canvas.tube(airway, np.full(slices, rng.uniform(0.06, 0.12))), Part.AIRWAY)


def _path(canvas: Canvas, extent: float) -> Array:
    rng, z = canvas.rng, canvas.axes[0]
    drift = np.outer(z, rng.normal(0, 0.08, 2)) + 0.03 * np.sin(np.outer(z, rng.uniform(1, 4, 2)))
    return rng.uniform(-extent, extent, 2) + drift


def _densities(rng: Rng) -> Array:
    table = np.full(256, -1000, np.float32)
    table[Part.FIRST_MUSCLE :] = 50 + rng.normal(0, 6, 256 - Part.FIRST_MUSCLE)
    for part, value in DENSITIES.items():
        table[part] = value + rng.normal(0, 8)
    return table
