"""Phantoms: label maps of organ-like anatomy, drawn at random, the only training data of the embedded model."""

from __future__ import annotations

import numpy as np

from training.phantoms.canvas import LabelMap
from training.phantoms.hard import draw_hard
from training.phantoms.head import draw_head
from training.phantoms.limb import draw_limb
from training.phantoms.radiograph import draw_radiograph
from training.phantoms.shapes import draw_shapes
from training.phantoms.torso import draw_torso
from training.phantoms.torso_organs import COLUMN

FAMILIES = ("shapes", "torso", "head", "limb", "radiograph")
SHARES = (0.40, 0.36, 0.10, 0.06, 0.08)
THIN_SPANS = (0.08, 0.25)  # of a trunk, which `draw` shows a quarter of at least: 2 to 6 mm a slice
VERTEBRA_WEIGHT = 4


def draw(seed: int, shape: tuple[int, int, int] = (32, 256, 256), held_out: bool = False) -> LabelMap:
    """The phantom of a seed, its family drawn by share; with `held_out` shapes of kinds that training never sees."""
    rng = np.random.default_rng(seed)
    family = "shapes" if held_out else str(rng.choice(FAMILIES, p=SHARES))
    if family == "shapes":
        return draw_shapes(rng, shape, held_out)
    return {"torso": draw_torso, "head": draw_head, "limb": draw_limb, "radiograph": draw_radiograph}[family](
        rng, shape
    )


def draw_difficult(seed: int, shape: tuple[int, int, int] = (32, 256, 256)) -> LabelMap:
    """A phantom of objects that tracking finds hard; none of the families that the evaluation has always drawn."""
    return draw_hard(np.random.default_rng(seed), shape)


def draw_thin_slices(seed: int, shape: tuple[int, int, int] = (32, 256, 256)) -> LabelMap:
    """A short piece of a trunk in thin slices, whose single vertebrae and discs last for several of them.

    Vertebrae are asked for oftener than elsewhere: each ends although the next one looks like it.
    """
    rng = np.random.default_rng(seed)
    length = float(np.exp(rng.uniform(*np.log(THIN_SPANS))))
    low = rng.uniform(0, 1 - length)
    trunk = draw_torso(rng, shape, (low, low + length))
    trunk.targets += [(label,) for label in COLUMN for _ in range(VERTEBRA_WEIGHT)]
    return trunk
