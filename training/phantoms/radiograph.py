"""A radiograph: the X-ray shadow of a trunk, with the fields that a person would outline on it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from training.phantoms.canvas import Array, LabelMap, smooth_noise
from training.phantoms.torso import draw_torso
from training.phantoms.torso_organs import CAGE, COLUMN, Organ

Rng = np.random.Generator
RIGHT_LUNG, LEFT_LUNG, HEART = 1, 2, 3
TARGETS = [(RIGHT_LUNG, LEFT_LUNG)] * 4 + [(RIGHT_LUNG,)] * 2 + [(LEFT_LUNG,)] * 2 + [(HEART,)]
# Attenuation per unit of path, water = 1.
ATTENUATION = {Organ.FAT: 0.9, Organ.CAVITY: 0.9, Organ.BONE: 1.9}
AIRY = (Organ.RIGHT_LUNG, Organ.LEFT_LUNG, Organ.TRACHEA, Organ.STOMACH_GAS, Organ.BOWEL_GAS)


def draw_radiograph(rng: Rng, shape: tuple[int, int, int]) -> LabelMap:
    """One frame of shape[1] x shape[2]: image in 0..1, head of the patient at the top."""
    rows, columns = shape[1:]
    low, high = rng.uniform(0.15, 0.42), rng.uniform(0.98, 1.12)
    trunk = draw_torso(rng, (rows * 3 // 4, 64, columns * 3 // 4), (low, high))
    volume = trunk.labels[::-1]
    table = np.zeros(256, np.float32)
    table[1:] = 1.0
    for organ, value in ATTENUATION.items():
        table[organ] = value
    table[list(COLUMN)], table[list(CAGE)] = 1.4, 1.9
    table[list(AIRY)] = rng.uniform(0.1, 0.3)
    table[Organ.TABLE] = 0.0
    shadow = table[volume].mean(1)
    exposed = np.exp(-rng.uniform(1.0, 3.5) * shadow)
    image = 1 - exposed if rng.random() < 0.85 else exposed  # bone white, as films are shown, or the other way round
    labels = _fields(volume, rng)
    image = _enlarged(image.astype(np.float32), rows, columns, 1)
    image = image + rng.uniform(0.0, 0.03) * smooth_noise(rng, (rows, columns), (40, 40))
    if rng.random() < 0.5:  # the film ends before the frame does, or carries marks
        _film_edges(image, rng)
    return LabelMap(_enlarged(labels, rows, columns, 0)[None], list(TARGETS), "radiograph", None, image[None])


def _fields(volume: Array, rng: Rng) -> Array:
    """Lung fields: where much lung is passed and neither heart nor the dome of the diaphragm hides it."""
    fields = np.zeros((volume.shape[0], volume.shape[2]), np.uint8)
    heart = (volume == Organ.HEART).mean(1)
    dense = np.isin(volume, (Organ.LIVER, Organ.STOMACH, Organ.SPLEEN, Organ.BOWEL)).mean(1)
    threshold = rng.uniform(0.05, 0.1)
    for label, lung, vessels in (
        (RIGHT_LUNG, Organ.RIGHT_LUNG, Organ.RIGHT_VESSELS),
        (LEFT_LUNG, Organ.LEFT_LUNG, Organ.LEFT_VESSELS),
    ):
        passed = np.isin(volume, (lung, vessels, Organ.LESION)).mean(1)
        field = (passed > threshold) & (heart < 0.12) & (dense < 0.12)
        parts, count = ndimage.label(ndimage.binary_opening(ndimage.binary_closing(field, iterations=3), iterations=4))
        if count:
            fields[parts == np.bincount(parts.ravel())[1:].argmax() + 1] = label
    fields[(heart >= 0.12) & (fields == 0)] = HEART
    return fields


def _enlarged(image: Array, rows: int, columns: int, order: int) -> Array:
    return ndimage.zoom(image, (rows / image.shape[0], columns / image.shape[1]), order=order)


def _film_edges(image: Array, rng: Rng) -> None:
    dark = float(rng.choice([0.0, 1.0]))
    for axis in (0, 1):
        edge = int(rng.integers(0, image.shape[axis] // 12))
        part = slice(0, edge) if rng.random() < 0.5 else slice(image.shape[axis] - edge, None)
        image[(part, slice(None)) if axis == 0 else (slice(None), part)] = dark
    row, column = rng.integers(0, image.shape[0] - 16), rng.integers(0, image.shape[1] - 16)
    image[row : row + rng.integers(4, 14), column : column + rng.integers(4, 14)] = 1.0
