"""What agreement with a reference may depend on: size, contrast, elongation and outline of an object on a slice.

Source: Huang et al., Segment Anything Model for Medical Images? (MedIA 2024), section 4.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import GeometryError, InputError
from PromptOnceLib.segmentation.shape.fourier import fourier_order
from PromptOnceLib.segmentation.shape.outline import Mask, outline_of

_TENTH = 10


@dataclass(frozen=True)
class SliceShape:
    """One object on one slice.

    size: its pixels. aspect_ratio: shorter by longer side of its box, above 0 to 1. intensity_difference: between the
    mean of the image on the object and around it, without a sign, in the image's units; None where the object fills all
    that is around it. fourier_order: how complex its outline is, see `fourier_order`.
    """

    size: int
    aspect_ratio: float
    intensity_difference: float | None
    fourier_order: float


def slice_shape(mask: NDArray[Any], image: NDArray[Any]) -> SliceShape:
    """Measures of the object of a mask, (rows, columns), other than 0 = object, on its image, any numbers, same shape.

    Around the object is what does not belong to it in its box, enlarged outwards by a tenth of its width on the left
    and on the right and by a tenth of its height above and below (rounded up to whole pixels) and cut at the border.
    The paper gives the ratio 0.1; that it counts for each side and that the difference has no sign is our reading. Its
    images were brought to 0..255 slice by slice. Of an object in several pieces the largest gives the outline, with its
    holes filled, and all of them the other figures.

    Raises GeometryError for different shapes and InputError for an empty mask.
    """
    if mask.ndim != 2 or mask.shape != image.shape:
        raise GeometryError(
            f"The mask {mask.shape} and the image {image.shape} are not two slices of one size. "
            "Choose a reference that was drawn on the same image."
        )
    held: Mask = mask != 0
    if not held.any():
        raise InputError("The reference is empty on this slice, so it has no shape. Choose a slice that shows it.")
    spans = [np.flatnonzero(held.any(axis)) for axis in (1, 0)]
    sides = [int(span[-1] - span[0]) + 1 for span in spans]
    around = tuple(
        slice(max(0, int(span[0]) - reach), int(span[-1]) + 1 + reach)
        for span, reach in zip(spans, [-(-side // _TENTH) for side in sides], strict=True)
    )
    outside = image[around][~held[around]]
    difference = abs(float(image[held].mean()) - float(outside.mean())) if outside.size else None
    return SliceShape(int(held.sum()), min(sides) / max(sides), difference, fourier_order(outline_of(held)))
