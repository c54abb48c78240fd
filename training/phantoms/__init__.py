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

FAMILIES = ("shapes", "torso", "head", "limb", "radiograph")
SHARES = (0.40, 0.36, 0.10, 0.06, 0.08)


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
