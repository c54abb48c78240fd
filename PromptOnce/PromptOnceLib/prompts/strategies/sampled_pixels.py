"""Pixels of a mask for points, chosen as Huang et al. do.

Source: Huang et al., Segment Anything Model for Medical Images? (MedIA 2024), section 3.3, and their published code.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import PromptError
from PromptOnceLib.prompts.from_mask import Mask

Pixels = NDArray[np.intp]


def positive_pixels(mask: Mask, count: int, rng: np.random.Generator) -> tuple[Pixels, bool]:
    """Pixels on a mask, intp (count, 2) of row, column, all different; and whether the first is the centre of mass.

    mask: bool (rows, columns), with at least one pixel; count: at least 1.

    * First: the centre of mass, both coordinates truncated, if it lies on the mask; else a pixel of the mask that rng
      draws, each as likely as another. (The text has all points sampled then; the published code takes the centre of
      mass even beside the mask.)
    * Others: pixels number step, 2 step, 3 step ... of the flattened mask, row by row from 0, with step = pixels //
      count. One that is taken already leaves its place to the next pixel that is free.

    Raises PromptError where the mask has fewer pixels than points are wanted.
    """
    pixels = np.argwhere(mask)
    if len(pixels) < count:
        raise PromptError(
            f"{count} points are to lie on the object, which has {len(pixels)} pixels on this slice. Choose a slice "
            "that shows more of it, or a strategy with fewer points."
        )
    centre = pixels.sum(0) // len(pixels)
    inside = bool(mask[tuple(centre)])
    first = int(np.flatnonzero((pixels == centre).all(1))[0]) if inside else int(rng.integers(len(pixels)))
    taken = [first]
    for number in range(1, count):
        place = number * (len(pixels) // count)
        while place in taken:
            place = (place + 1) % len(pixels)
        taken.append(place)
    return pixels[taken], inside


def negative_pixels(mask: Mask, count: int) -> Pixels:
    """Pixels beside a mask but near it, intp (count, 2) of row, column, all different.

    mask: bool (rows, columns), with at least one pixel; count: at least 1. Of the pixels that are not mask in the
    enlarged box, flattened row by row, number 0, step, 2 step ... with step = pixels // count. The enlarged box is
    twice as wide and high about the same middle, cut at the image's border; its width and height are counted from the
    centre of the first to that of the last pixel (at least 1), and its bounds truncated, the upper ones exclusive, as
    the published code does. Raises PromptError where that box holds fewer such pixels than points are wanted, as around
    an object that fills the image.
    """
    near = np.zeros_like(mask)
    near[_enlarged(np.asarray(mask.any(1))), _enlarged(np.asarray(mask.any(0)))] = True
    pixels = np.argwhere(near & ~mask)
    if len(pixels) < count:
        raise PromptError(
            f"{count} points are to lie beside the object, but the box around it, enlarged two times, holds "
            f"{len(pixels)} pixels that are not the object. Choose another slice, or a strategy of positive points."
        )
    return pixels[:: len(pixels) // count][:count]


def _enlarged(holding: Mask) -> slice:
    """The range of rows or columns twice as long as that of the mask, cut at the border; holding: which hold mask."""
    held = np.flatnonzero(holding)
    first, length = int(held[0]), max(1, int(held[-1] - held[0]))
    lower = first - length / 2
    upper = min(lower + 2 * length, float(len(holding)))
    lower = max(0.0, lower)
    return slice(int(lower), int(lower) + int(upper - lower))
