"""Phantoms of nothing in particular: organs, pairs, tubes, shells and lesions in a body, anywhere and of any contrast.

No two of them have a label in common that means the same.
"""

from __future__ import annotations

import numpy as np

from training.phantoms.canvas import Array, Canvas, LabelMap, smooth_noise


def draw_shapes(rng: np.random.Generator, shape: tuple[int, int, int], held_out: bool = False) -> LabelMap:
    """A random phantom. `held_out` adds shapes of the kinds that training never sees."""
    canvas = Canvas(rng, shape, strength=rng.uniform(0.02, 0.12))
    targets: list[tuple[int, ...]] = []
    body = _body(canvas, targets) if rng.random() < 0.85 else np.ones(shape, bool)
    painters = [_organ, _organ, _organ, _pair, _tube, _shell, _lesion]
    if rng.random() < 0.35:
        _lungs(canvas, targets, body)
    for _ in range(rng.integers(4, 14)):
        painters[rng.integers(len(painters))](canvas, targets, body)
    unknown: list[tuple[int, ...]] = []
    if held_out:
        _crescent(canvas, unknown, body)
        _star(canvas, unknown, body)
    if rng.random() < 0.3:
        _ribs(canvas, targets, body)
    return LabelMap(canvas.labels, targets + unknown, held_out=unknown)


def _inside(canvas: Canvas, extent: float = 0.65) -> Array:
    return np.array([canvas.rng.uniform(-0.7, 0.7), *canvas.rng.uniform(-extent, extent, 2)], np.float32)


def _body(canvas: Canvas, targets: list[tuple[int, ...]]) -> Array:
    rng = canvas.rng
    radii = np.array([rng.uniform(2, 8), rng.uniform(0.55, 0.95), rng.uniform(0.7, 0.98)], np.float32)
    f = canvas.ellipsoid(np.zeros(3, np.float32), radii, rng.uniform(-0.2, 0.2), rng.choice([2.0, 2.5, 3.0]))
    levels = np.sort(rng.uniform(0.02, 0.4, rng.integers(1, 4)))
    outer = canvas.paint(f > 0)
    inner = [canvas.paint(f > level) for level in levels]  # skin, fat, muscle; or skull and brain
    if outer and inner[-1]:
        targets.append((inner[-1],))
    return f > levels[-1]


def _organ(canvas: Canvas, targets: list[tuple[int, ...]], body: Array) -> None:
    rng = canvas.rng
    size = np.exp(rng.uniform(np.log(0.07), np.log(0.55)))
    radii = (size * np.array([rng.uniform(0.8, 3.0), *rng.uniform(0.6, 1.6, 2)])).astype(np.float32)
    power = float(rng.choice([2.0, 2.0, 1.5, 3.0]))
    f = canvas.ellipsoid(_inside(canvas), radii, rng.uniform(0, np.pi), power, rng.uniform(0, 0.35))
    if rng.random() < 0.3:  # two lobes
        shift = np.array([0, *rng.uniform(-1, 1, 2)], np.float32) * size
        f = np.maximum(f, canvas.ellipsoid(_inside(canvas) * 0 + shift, radii * 0.7, rng.uniform(0, np.pi)))
    label = canvas.paint((f > 0) & body)
    if label:
        targets.append((label,))
        if rng.random() < 0.15:  # a core of its own brightness, part of the organ
            core = canvas.paint((f > rng.uniform(0.4, 0.7)) & body)
            if core:
                targets += [(label, core), (label, core), (core,)]


def _pair(canvas: Canvas, targets: list[tuple[int, ...]], body: Array) -> None:
    rng = canvas.rng
    centre = _inside(canvas, 0.5)
    centre[2] = rng.uniform(0.15, 0.6)
    radii = np.array([rng.uniform(0.3, 1.5), *rng.uniform(0.08, 0.3, 2)], np.float32)
    _mirrored(canvas, targets, body, centre, radii, rng.uniform(-0.6, 0.6), 0.2)


def _lungs(canvas: Canvas, targets: list[tuple[int, ...]], body: Array) -> None:
    rng = canvas.rng
    centre = np.array([rng.uniform(-0.3, 0.3), rng.uniform(-0.15, 0.15), rng.uniform(0.3, 0.5)], np.float32)
    radii = np.array([rng.uniform(0.7, 2.0), rng.uniform(0.35, 0.7), rng.uniform(0.22, 0.4)], np.float32)
    parts = _mirrored(canvas, targets, body, centre, radii, rng.uniform(-0.3, 0.3), 0.3)
    if parts and rng.random() < 0.8:  # vessels: part of the organ or cut out of it
        detail = smooth_noise(rng, canvas.shape, (16, *rng.integers(24, 64, 2)))
        region = np.isin(canvas.labels, parts) & (detail > rng.uniform(1.0, 1.6))
        vessels = canvas.paint(region)
        if vessels and rng.random() < 0.7:
            targets += [(*parts, vessels)] * 4


def _mirrored(
    canvas: Canvas, targets: list[tuple[int, ...]], body: Array, centre: Array, radii: Array, angle: float, vary: float
) -> tuple[int, ...]:
    rng = canvas.rng
    parts = []
    for side in (-1, 1):
        c = (centre + rng.uniform(-vary, vary, 3) * radii) * np.array([1, 1, side], np.float32)
        r = (radii * rng.uniform(1 - vary, 1 + vary, 3)).astype(np.float32)
        f = canvas.ellipsoid(c.astype(np.float32), r, side * angle, float(rng.choice([2.0, 2.5])), rng.uniform(0, 0.3))
        parts.append(canvas.paint((f > 0) & body))
    found = tuple(p for p in parts if p)
    targets += [found] * 3 + [(p,) for p in found]
    return found


def _tube(canvas: Canvas, targets: list[tuple[int, ...]], body: Array) -> None:
    rng = canvas.rng
    z = np.linspace(-1, 1, canvas.shape[0], dtype=np.float32)
    start = rng.uniform(-0.5, 0.5, 2)
    bend = [
        start[i] + rng.uniform(-0.4, 0.4) * z + rng.uniform(0, 0.2) * np.sin(3 * z + rng.uniform(0, 6)) for i in (0, 1)
    ]
    radius = np.exp(rng.uniform(np.log(0.03), np.log(0.2))) * (
        1 + 0.3 * np.sin(rng.uniform(1, 8) * z + rng.uniform(0, 6))
    )
    stretch = rng.uniform(0.7, 1.4)
    r2 = (canvas.y - bend[0][:, None, None]) ** 2 * stretch + (canvas.x - bend[1][:, None, None]) ** 2 / stretch
    region = (r2 < (radius**2)[:, None, None]) & body
    if rng.random() < 0.5:  # the tube ends inside the volume
        low, high = np.sort(rng.uniform(-1.2, 1.2, 2))
        region &= (canvas.z > low) & (canvas.z < high)
    label = canvas.paint(region)
    if label:
        targets.append((label,))


def _shell(canvas: Canvas, targets: list[tuple[int, ...]], body: Array) -> None:
    rng = canvas.rng
    size = rng.uniform(0.12, 0.4)
    radii = (size * np.array([rng.uniform(0.8, 2.5), *rng.uniform(0.7, 1.4, 2)])).astype(np.float32)
    f = canvas.ellipsoid(_inside(canvas, 0.5), radii, rng.uniform(0, np.pi), 2.0, rng.uniform(0, 0.2))
    wall = canvas.paint((f > 0) & body)
    content = canvas.paint((f > rng.uniform(0.2, 0.5)) & body)
    if wall and content:
        targets += [(wall, content), (content,), (wall,)]


def _lesion(canvas: Canvas, targets: list[tuple[int, ...]], body: Array) -> None:
    rng = canvas.rng
    size = rng.uniform(0.04, 0.15)
    radii = (size * np.array([rng.uniform(1.0, 4.0), *rng.uniform(0.7, 1.4, 2)])).astype(np.float32)
    f = canvas.ellipsoid(_inside(canvas, 0.6), radii, rng.uniform(0, np.pi), 2.0, rng.uniform(0.2, 0.8))
    label = canvas.paint((f > 0) & body)
    if label:
        targets.append((label,))


def _ribs(canvas: Canvas, targets: list[tuple[int, ...]], body: Array) -> None:
    rng = canvas.rng
    f = canvas.ellipsoid(np.zeros(3, np.float32), np.array([6, 0.75, 0.85], np.float32))
    angle = np.arctan2(canvas.y, canvas.x)
    wave = np.sin(rng.uniform(6, 14) * canvas.z + rng.uniform(2, 5) * np.abs(angle)) > rng.uniform(0.2, 0.7)
    canvas.paint((np.abs(f) < rng.uniform(0.04, 0.1)) & wave & body)


def _crescent(canvas: Canvas, targets: list[tuple[int, ...]], body: Array) -> None:
    rng = canvas.rng
    centre, size = _inside(canvas, 0.45), rng.uniform(0.2, 0.4)
    radii = np.array([rng.uniform(0.5, 1.2), size, size], np.float32)
    shift = np.array([0, *(rng.uniform(0.4, 0.7) * size * _unit(rng))], np.float32)
    region = (canvas.ellipsoid(centre, radii) > 0) & (canvas.ellipsoid(centre + shift, radii * 0.9) < 0) & body
    label = canvas.paint(region)
    if label:
        targets.append((label,))


def _star(canvas: Canvas, targets: list[tuple[int, ...]], body: Array) -> None:
    rng = canvas.rng
    centre, size = _inside(canvas, 0.45), rng.uniform(0.2, 0.35)
    dy, dx = canvas.y - centre[1], canvas.x - centre[2]
    outline = 1 + 0.35 * np.sin(rng.integers(3, 6) * np.arctan2(dy, dx) + rng.uniform(0, 6))
    reach = np.clip(1 - (canvas.z - centre[0]) ** 2, 0, None)
    label = canvas.paint((np.hypot(dy, dx) < size * outline * reach) & body)
    if label:
        targets.append((label,))


def _unit(rng: np.random.Generator) -> Array:
    angle = rng.uniform(0, 2 * np.pi)
    return np.array([np.cos(angle), np.sin(angle)])
