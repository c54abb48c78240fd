"""What of a slice's object agreement may depend on: size, contrast, outline, aspect. As section 4.8 of Huang et al."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from PromptOnceLib.segmentation.shape.measures import SliceShape
from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.tables.arm_values import Measure, Values


@dataclass(frozen=True)
class Attribute:
    """Something of a slice's object that agreement may depend on; key: its field in SliceShape."""

    key: str
    short: str
    title: str
    logarithmic: bool


ATTRIBUTES = (
    Attribute("size", "Size", "size (pixels)", True),
    Attribute("intensity_difference", "Contrast", "contrast to the surroundings (grey values)", False),
    Attribute("fourier_order", "Outline", "complexity of the outline (Fourier order)", False),
    Attribute("aspect_ratio", "Aspect", "aspect (shorter by longer side)", False),
)

Shapes = Mapping[tuple[str, int], SliceShape]
"""By case and slice."""


def attribute_columns(arm: ArmRows, shapes: Shapes, measure: Measure) -> tuple[dict[str, Values], Values]:
    """The attributes of the slices of an arm whose shape is known, by key, each (n,), NaN for missing; the measure."""
    known = []
    for row in arm.rows:
        value, shape = measure.of(row), shapes.get((row.case, row.slice))
        if value is not None and shape is not None:
            known.append((shape, value))
    columns = {
        one.key: np.array([_number(getattr(shape, one.key)) for shape, _ in known], dtype=np.float64)
        for one in ATTRIBUTES
    }
    return columns, np.array([value for _, value in known], dtype=np.float64)


def _number(value: float | None) -> float:
    return np.nan if value is None else value
