"""Phantoms of what tracking finds hard: rings and pipes, touching neighbours of one grey, forks, long organs.

Labels mean nothing, as in shapes.py.
"""

from __future__ import annotations

import numpy as np

from training.phantoms.canvas import Array, Canvas, LabelMap, smooth_noise, vector

Rng = np.random.Generator


def draw_hard(rng: Rng, shape: tuple[int, int, int]) -> LabelMap:
    """A body, or nothing, with four to eight of these objects in it."""
    canvas = Canvas(rng, shape, strength=rng.uniform(0.02, 0.1))
    body = np.ones(shape, bool)
    if rng.random() < 0.8:
        f = canvas.ellipsoid(vector(0, 0, 0), vector(rng.uniform(2, 8), *rng.uniform(0.7, 0.98, 2)))
        body = f > 0
        canvas.paint(body)
        if rng.random() < 0.5:  # clutter of a second grey, so that what is around an object changes along it
            canvas.paint(body & (smooth_noise(rng, shape, (6, 8, 8)) > rng.uniform(0.3, 1.0)))
    found = LabelMap(canvas.labels)
    painters = (_ring, _ring, _pipe, _touching, _touching, _fork, _long)
    for _ in range(rng.integers(4, 9)):
        painters[rng.integers(len(painters))](canvas, found, body)
    return found


def _place(rng: Rng, extent: float = 0.55) -> Array:
    return vector(rng.uniform(-0.6, 0.6), *rng.uniform(-extent, extent, 2))


def _ring(canvas: Canvas, found: LabelMap, body: Array) -> None:
    """A closed wall; what is in it looks like the wall's surroundings, or like nothing else."""
    rng = canvas.rng
    size = rng.uniform(0.12, 0.4)
    radii = size * vector(rng.uniform(1.5, 6.0), *rng.uniform(0.7, 1.4, 2))
    f = canvas.ellipsoid(_place(rng), radii.astype(np.float32), rng.uniform(0, np.pi), 2.0, rng.uniform(0, 0.15))
    before = canvas.labels.copy()
    wall, hole = (f > 0) & body, (f > rng.uniform(0.25, 0.7)) & body
    label = canvas.paint(wall & ~hole)
    if label is None:
        return
    found.targets += [(label,)] * 3
    if rng.random() < 0.5:
        canvas.labels[hole] = before[hole]
        return
    content = canvas.paint(hole)
    if content:
        found.targets += [(content,), (label, content)]


def _pipe(canvas: Canvas, found: LabelMap, body: Array) -> None:
    """A vessel or bowel with a wall, from somewhere to somewhere."""
    rng = canvas.rng
    path, radius = _way(canvas), np.full(canvas.shape[0], rng.uniform(0.08, 0.25), np.float32)
    _end_somewhere(canvas, radius)
    wall = canvas.tube(path, radius, rng.uniform(0.8, 1.25)) & body
    hole = canvas.tube(path, radius * rng.uniform(0.4, 0.8), rng.uniform(0.9, 1.1)) & wall
    label, content = canvas.paint(wall), canvas.paint(hole)
    if label and content:
        found.targets += [(label,), (label,), (content,), (label, content)]


def _touching(canvas: Canvas, found: LabelMap, body: Array) -> None:
    """Two to four organs side by side, mostly of one grey: only the prompt says where the one asked for ends."""
    rng = canvas.rng
    centre, size, angle = _place(rng, 0.4), rng.uniform(0.1, 0.3), rng.uniform(0, 2 * np.pi)
    labels = []
    for _ in range(rng.integers(2, 5)):
        radii = size * vector(rng.uniform(0.8, 4.0), *rng.uniform(0.7, 1.3, 2))
        f = canvas.ellipsoid(centre, radii.astype(np.float32), rng.uniform(0, np.pi), 2.0, rng.uniform(0, 0.2))
        label = canvas.paint((f > 0) & body)
        labels += [label] if label else []
        angle += rng.uniform(-0.8, 0.8)
        step = size * rng.uniform(1.2, 1.9)
        centre = centre + vector(rng.uniform(-0.3, 0.3), step * np.sin(angle), step * np.cos(angle))
    found.targets += [(label,) for label in labels]
    if len(labels) > 1:
        found.alike.append(tuple(labels))


def _fork(canvas: Canvas, found: LabelMap, body: Array) -> None:
    """One trunk that becomes two branches, or two that join."""
    rng = canvas.rng
    trunk, direction = _way(canvas), rng.choice([-1, 1])
    apart = np.clip(direction * canvas.axes[0] - rng.uniform(-0.5, 0.4), 0, None) * rng.uniform(0.3, 0.8)
    angle = rng.uniform(0, np.pi)
    aside = np.outer(apart, [np.sin(angle), np.cos(angle)])
    radius = np.full(canvas.shape[0], rng.uniform(0.06, 0.16), np.float32)
    _end_somewhere(canvas, radius)
    label = canvas.paint((canvas.tube(trunk + aside, radius) | canvas.tube(trunk - aside, radius)) & body)
    if label:
        found.targets += [(label,), (label,)]


def _long(canvas: Canvas, found: LabelMap, body: Array) -> None:
    """An organ that goes on through most of the volume while its outline changes."""
    rng = canvas.rng
    radii = vector(rng.uniform(1.2, 5.0), *rng.uniform(0.12, 0.45, 2))
    f = canvas.ellipsoid(_place(rng), radii, rng.uniform(0, np.pi), 2.0, rng.uniform(0.1, 0.5))
    label = canvas.paint((f > 0) & body)
    if label:
        found.targets += [(label,), (label,)]


def _way(canvas: Canvas) -> Array:
    """The centre of a tube on every slice, (slices, 2)."""
    rng, z = canvas.rng, canvas.axes[0]
    waves = [rng.uniform(0, 0.15) * np.sin(rng.uniform(1, 4) * z + rng.uniform(0, 6)) for _ in (0, 1)]
    return np.stack([rng.uniform(-0.45, 0.45) + rng.uniform(-0.3, 0.3) * z + w for w in waves], 1)


def _end_somewhere(canvas: Canvas, radius: Array) -> None:
    rng, z = canvas.rng, canvas.axes[0]
    if rng.random() < 0.6:
        low, high = np.sort(rng.uniform(-1.1, 1.1, 2))
        radius[(z < low) | (z > high)] = 0
