"""What the agreement with a reference may depend on: size, contrast, elongation and outline of an object on a slice.

Source: Huang et al., Segment Anything Model for Medical Images? (MedIA 2024), section 4.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True)
class SliceShape:
    """One object on one slice.

    size: its pixels. aspect_ratio: shorter by longer side of its box, above 0 to 1. intensity_difference: mean of the
    image on the object and around it, absolute difference, in the image's units; None where nothing is around it.
    fourier_order: how many harmonics its outline takes, larger for a more complex one (Huang et al.'s F_final).
    """

    size: int
    aspect_ratio: float
    intensity_difference: float | None
    fourier_order: float


def slice_shape(mask: NDArray[Any], image: NDArray[Any]) -> SliceShape:
    """Measures of an object; mask: (rows, columns), other than 0 = object; image: grey values, same shape."""
    raise NotImplementedError
