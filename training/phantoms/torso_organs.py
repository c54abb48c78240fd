"""Organs of a trunk: labels, CT numbers, and what a person would ask to segment."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from training.phantoms.canvas import Array, Target


class Organ(IntEnum):
    """Labels of the family, the same in every trunk."""

    FAT = 1
    MUSCLE = 2
    CAVITY = 3
    BONE = 4
    CANAL = 6
    CORD = 7
    RIGHT_LUNG = 9
    LEFT_LUNG = 10
    RIGHT_VESSELS = 11
    LEFT_VESSELS = 12
    MEDIASTINUM = 13
    HEART = 14
    AORTA = 15
    VENA_CAVA = 16
    TRACHEA = 17
    LIVER = 18
    SPLEEN = 19
    STOMACH = 20
    STOMACH_GAS = 21
    RIGHT_KIDNEY = 22
    LEFT_KIDNEY = 23
    BOWEL = 24
    BOWEL_GAS = 25
    BLADDER = 26
    PSOAS = 27
    GALLBLADDER = 28
    PANCREAS = 29
    LESION = 30
    RENAL_PELVIS = 31
    TABLE = 32
    ARMS = 33
    OESOPHAGUS = 34
    DISC = 35
    FIRST_VERTEBRA = 40  # one label for every vertebra in view, from below
    FIRST_RIB = 70  # one label for every rib in view and side


VERTEBRAE, RIBS = 24, 32
COLUMN = tuple(int(Organ.FIRST_VERTEBRA) + i for i in range(VERTEBRAE))
CAGE = tuple(int(Organ.FIRST_RIB) + i for i in range(RIBS))
LUNGS = (Organ.RIGHT_LUNG, Organ.LEFT_LUNG)
AIR = -1000.0
DENSITIES = {
    Organ.FAT: -100,
    Organ.MUSCLE: 50,
    Organ.CAVITY: -90,
    Organ.BONE: 500,
    Organ.CANAL: 20,
    Organ.CORD: 35,
    Organ.RIGHT_LUNG: -850,
    Organ.LEFT_LUNG: -850,
    Organ.RIGHT_VESSELS: 30,
    Organ.LEFT_VESSELS: 30,
    Organ.MEDIASTINUM: -20,
    Organ.HEART: 45,
    Organ.AORTA: 45,
    Organ.VENA_CAVA: 45,
    Organ.TRACHEA: -980,
    Organ.LIVER: 60,
    Organ.SPLEEN: 50,
    Organ.STOMACH: 25,
    Organ.STOMACH_GAS: -900,
    Organ.RIGHT_KIDNEY: 35,
    Organ.LEFT_KIDNEY: 35,
    Organ.BOWEL: 30,
    Organ.BOWEL_GAS: -850,
    Organ.BLADDER: 8,
    Organ.PSOAS: 55,
    Organ.GALLBLADDER: 10,
    Organ.PANCREAS: 40,
    Organ.LESION: 25,
    Organ.RENAL_PELVIS: 10,
    Organ.TABLE: -300,
    Organ.ARMS: 40,
    Organ.OESOPHAGUS: 40,
    Organ.DISC: 70,
}
CONTRASTED = {
    Organ.HEART: 120,
    Organ.AORTA: 160,
    Organ.VENA_CAVA: 110,
    Organ.LIVER: 55,
    Organ.SPLEEN: 75,
    Organ.RIGHT_KIDNEY: 130,
}


def densities(rng: np.random.Generator) -> Array:
    table = np.full(256, AIR, np.float32)
    contrast = rng.uniform(0, 1) if rng.random() < 0.5 else 0.0
    for organ, value in DENSITIES.items():
        table[organ] = value + contrast * CONTRASTED.get(organ, 0) + rng.normal(0, 8)
    table[list(COLUMN)] = 200 + rng.normal(0, 60)
    table[list(CAGE)] = 400 + rng.normal(0, 100)
    lungs = rng.normal(-830, 50)
    table[[Organ.RIGHT_LUNG, Organ.LEFT_LUNG]] = lungs
    table[Organ.LEFT_KIDNEY] = table[Organ.RIGHT_KIDNEY]
    table[Organ.LESION] = rng.choice([20, 40, 90, -20]) + rng.normal(0, 15)
    return table


def targets() -> list[Target]:
    both = (Organ.RIGHT_LUNG, Organ.LEFT_LUNG, Organ.RIGHT_VESSELS, Organ.LEFT_VESSELS)
    weighted = [
        (4, both),
        (2, LUNGS),
        (3, (Organ.RIGHT_LUNG, Organ.RIGHT_VESSELS)),
        (3, (Organ.LEFT_LUNG, Organ.LEFT_VESSELS)),
        (1, (Organ.RIGHT_LUNG,)),
        (3, (Organ.LIVER,)),
        (3, (Organ.SPLEEN,)),
        (2, (Organ.RIGHT_KIDNEY,)),
        (2, (Organ.LEFT_KIDNEY,)),
        (1, (Organ.RIGHT_KIDNEY, Organ.LEFT_KIDNEY)),
        (2, (Organ.STOMACH, Organ.STOMACH_GAS)),
        (2, (Organ.HEART,)),
        (2, (Organ.AORTA,)),
        (1, (Organ.VENA_CAVA,)),
        (1, (Organ.TRACHEA,)),
        (2, (Organ.BONE, Organ.DISC, *COLUMN)),
        (1, (Organ.DISC,)),
        (1, CAGE),
        (1, (Organ.CORD,)),
        (1, (Organ.CANAL, Organ.CORD)),
        (1, (Organ.PSOAS,)),
        (1, (Organ.BLADDER,)),
        (1, (Organ.GALLBLADDER,)),
        (1, (Organ.PANCREAS,)),
        (2, (Organ.LESION,)),
    ]
    weighted += [(1, (label,)) for label in (*COLUMN[::4], *CAGE[::8])]
    return [tuple(int(v) for v in target) for weight, target in weighted for _ in range(weight)]
