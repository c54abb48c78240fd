"""What a segmentation file says about one object besides its voxels: name, colour, terminology."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from PromptOnceLib.imaging.volume import Array
from PromptOnceLib.segmentation.terminology import terminology_of

Color = tuple[float, float, float]

DEFAULT_TERMINOLOGY = (
    "Segmentation category and type - 3D Slicer General Anatomy list"
    "~SCT^85756007^Tissue~SCT^85756007^Tissue~^^~Anatomic codes - DICOM master list~^^~^^"
)
"""Slicer's own entry for a segment that nobody described."""

# Bright on grey, and apart for readers who tell red from green badly; yellow is left for the reference.
_PALETTE: tuple[Color, ...] = (
    (0.00, 0.78, 0.95),
    (0.98, 0.45, 0.75),
    (0.55, 0.90, 0.35),
    (1.00, 0.55, 0.20),
    (0.65, 0.58, 1.00),
    (0.20, 0.85, 0.65),
    (0.95, 0.35, 0.35),
    (0.80, 0.70, 0.55),
)


@dataclass(frozen=True)
class Segment:
    """One object: its name for the user, its colour (red, green, blue from 0 to 1) and what it is.

    terminology: Slicer's terminology entry, seven parts joined by "~", each code as SCHEME^VALUE^MEANING; None stands
    for Slicer's default, "Tissue". value: its number in the label map that it was read from, None where it was in none.

    Raises ValueError for a colour outside 0 to 1.
    """

    name: str
    color: Color = _PALETTE[0]
    terminology: str | None = None
    value: int | None = None

    def __post_init__(self) -> None:
        if len(self.color) != 3 or not all(0.0 <= part <= 1.0 for part in self.color):
            raise ValueError(f"a colour is three numbers from 0 to 1, not {self.color}")


class Described(Protocol):
    """An object of a prompt or a seed, as far as its segment needs it."""

    @property
    def name(self) -> str:
        """For the user."""

    @property
    def color(self) -> Color | None:
        """None for a colour of the palette."""

    @property
    def terminology(self) -> str | None:
        """See Segment."""


def segments_of(objects: Iterable[Described]) -> list[Segment]:
    """The segments of objects, in their order; one without a colour has that of its place, one without terminology
    that of its name where there is a code for it.
    """
    return [
        Segment(o.name, o.color or default_color(index), o.terminology or terminology_of(o.name))
        for index, o in enumerate(objects)
    ]


def default_color(index: int) -> Color:
    """Colour of the object at this place in a list, from 0 on."""
    return _PALETTE[index % len(_PALETTE)]


@dataclass(frozen=True, eq=False)
class Labels:
    """One object of a segmentation, to take a prompt from, as the papers do, or to compare with.

    array: label values on the volume's grid, KJI. name: of the object. values: the labels that make it together, None
    for all that are not 0. as_mask: its mask on a slice is the prompt, in place of box and points as the papers take
    them. strategy: the rule by which box and points are taken, "paper" or one of `STRATEGIES` by name.
    """

    array: Array
    name: str = "object"
    values: tuple[int, ...] | None = None
    as_mask: bool = False
    strategy: str = "paper"

    def of(self, part: Array) -> Array:
        """A part of the array, such as a slice, with the object's labels alone."""
        return part if self.values is None else np.where(np.isin(part, self.values), part, 0)

    @property
    def holding(self) -> Array:
        """The array, with the object's labels alone."""
        return self.of(self.array)
