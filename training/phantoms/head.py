"""A head: scalp, skull, brain with ventricles and tumour, eyes, sinuses, small two-part bodies deep in the brain."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from training.phantoms.canvas import Canvas, LabelMap, smooth_noise, vector

Rng = np.random.Generator


class Part(IntEnum):
    """Labels of the family, the same in every head."""

    SCALP = 1
    SKULL = 2
    FLUID = 3
    GREY = 4
    WHITE = 5
    VENTRICLES = 6
    CEREBELLUM = 7
    EYES = 8
    SINUS = 9
    TUMOUR = 10
    NECROSIS = 11
    OEDEMA = 12
    HEAD_OF_BODY = 13
    TAIL_OF_BODY = 14
    NUCLEUS = 15
    FACE = 16


DENSITIES = {
    Part.SCALP: 0,
    Part.SKULL: 900,
    Part.FLUID: 8,
    Part.GREY: 38,
    Part.WHITE: 30,
    Part.VENTRICLES: 5,
    Part.CEREBELLUM: 36,
    Part.EYES: 15,
    Part.SINUS: -950,
    Part.TUMOUR: 55,
    Part.NECROSIS: 15,
    Part.OEDEMA: 22,
    Part.HEAD_OF_BODY: 37,
    Part.TAIL_OF_BODY: 36,
    Part.NUCLEUS: 42,
    Part.FACE: 40,
}
TARGETS = (
    [(Part.TUMOUR, Part.NECROSIS)] * 5
    + [(Part.TUMOUR,)] * 3
    + [(Part.TUMOUR, Part.NECROSIS, Part.OEDEMA)] * 2
    + [(Part.HEAD_OF_BODY,)] * 3
    + [(Part.TAIL_OF_BODY,)] * 3
    + [(Part.HEAD_OF_BODY, Part.TAIL_OF_BODY)] * 2
    + [(Part.VENTRICLES,)] * 2
    + [(Part.CEREBELLUM,), (Part.EYES,), (Part.SKULL,), (Part.WHITE,), (Part.NUCLEUS,), (Part.NUCLEUS,)]
    + [(Part.GREY, Part.WHITE, Part.VENTRICLES, Part.CEREBELLUM, Part.NUCLEUS, Part.HEAD_OF_BODY, Part.TAIL_OF_BODY)]
    * 2
)


def draw_head(rng: Rng, shape: tuple[int, int, int]) -> LabelMap:
    """A random head, front of the face at y = -1."""
    canvas = Canvas(rng, shape, strength=rng.uniform(0.02, 0.05))
    width, depth = rng.uniform(0.62, 0.8), rng.uniform(0.78, 0.95)
    skull = canvas.ellipsoid(
        vector(0.05, 0, 0), vector(rng.uniform(1.0, 1.4), depth, width), 0.0, rng.choice([2.0, 2.4])
    )
    canvas.fill(canvas.ellipsoid(vector(-1.0, -0.25, 0), vector(0.9, 0.65, 0.6)) > 0, Part.FACE)
    canvas.fill(skull > 0, Part.SCALP)
    bone = rng.uniform(0.08, 0.16)
    canvas.fill(skull > bone, Part.SKULL)
    inner = bone + rng.uniform(0.06, 0.14)
    canvas.fill(skull > inner, Part.FLUID)
    folds = 0.05 * smooth_noise(rng, shape, (10, 40, 40)) + 0.02 * canvas.roughness
    brain = (skull > inner + 0.04 + np.abs(folds)) & (canvas.z > -0.75)
    canvas.fill(brain, Part.GREY)
    canvas.fill((skull > inner + 0.2 + 3 * folds) & brain, Part.WHITE)
    _paired_parts(canvas, width, depth)
    canvas.fill((canvas.ellipsoid(vector(-0.65, 0.5 * depth, 0), vector(0.3, 0.35, 0.5)) > 0) & brain, Part.CEREBELLUM)
    for side in (-1, 1):
        centre = vector(-0.7, -0.75 * depth, side * 0.38 * width)
        canvas.fill(canvas.ellipsoid(centre, vector(0.2, 0.16, 0.16)) > 0, Part.EYES)
    canvas.fill(canvas.ellipsoid(vector(-0.9, -0.6 * depth, 0), vector(0.3, 0.2, 0.15), rough=0.4) > 0, Part.SINUS)
    if rng.random() < 0.7:
        _tumour(canvas, width, depth)
    return LabelMap(canvas.labels, [tuple(int(v) for v in t) for t in TARGETS], "head", _densities(rng))


def _paired_parts(canvas: Canvas, width: float, depth: float) -> None:
    """Ventricles, deep nuclei, and a body of two parts that touch with the same brightness (as the hippocampus)."""
    rng = canvas.rng
    size = rng.uniform(0.7, 1.4)
    inner = (Part.GREY, Part.WHITE)
    tilt = rng.uniform(0.1, 0.5)
    place = vector(-0.35, 0.05, 0.42) + rng.normal(0, 0.03, 3).astype(np.float32)
    long, thick = rng.uniform(0.2, 0.32), rng.uniform(0.07, 0.12)
    for side in (-1, 1):
        mirror = vector(1, depth, side * width)
        nucleus = canvas.ellipsoid(vector(0.0, 0.05, 0.25) * mirror, vector(0.2, 0.2, 0.1), side * 0.3, rough=0.1)
        canvas.fill(nucleus > 0, Part.NUCLEUS, within=inner)
        ventricle = canvas.ellipsoid(
            vector(0.15, 0.0, 0.13) * mirror, vector(0.35, 0.45 * size, 0.09 * size), side * tilt, rough=0.2
        )
        canvas.fill(ventricle > 0, Part.VENTRICLES, within=(*inner, Part.NUCLEUS))
        body = canvas.ellipsoid(place * mirror, vector(0.22, long, thick), side * tilt, rough=0.25) > 0
        front = canvas.y + 0.3 * canvas.z < place[1] * depth - 0.1 - 0.35 * long
        canvas.fill(body & front, Part.HEAD_OF_BODY, within=inner)
        canvas.fill(body & ~front, Part.TAIL_OF_BODY, within=inner)


def _tumour(canvas: Canvas, width: float, depth: float) -> None:
    rng = canvas.rng
    centre = (rng.uniform(-0.6, 0.6, 3) * vector(1, depth, width)).astype(np.float32)
    size = np.exp(rng.uniform(np.log(0.08), np.log(0.3)))
    radii = (size * np.array([rng.uniform(0.6, 1.4), *rng.uniform(0.7, 1.4, 2)])).astype(np.float32)
    f = canvas.ellipsoid(centre, radii, rng.uniform(0, 3), 2.0, rng.uniform(0.2, 0.7))
    brain = (Part.GREY, Part.WHITE, Part.VENTRICLES, Part.CEREBELLUM, Part.NUCLEUS)
    if rng.random() < 0.5:
        around = canvas.ellipsoid(centre, radii * rng.uniform(1.2, 1.8), 0.0, 2.0, 0.6)
        canvas.fill(around > 0, Part.OEDEMA, within=(Part.WHITE,))
    canvas.fill(f > 0, Part.TUMOUR, within=(*brain, Part.OEDEMA))
    if rng.random() < 0.5:
        canvas.fill(f > rng.uniform(0.3, 0.7), Part.NECROSIS, within=(Part.TUMOUR,))


def _densities(rng: Rng) -> np.ndarray:
    table = np.full(256, -1000, np.float32)
    for part, value in DENSITIES.items():
        table[part] = value + rng.normal(0, 4)
    return table
