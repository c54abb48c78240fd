"""A prompt drawn on the picture of a slice: boxes as rectangles, points as plus signs and discs as in the panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from PromptOnceLib.imaging.orientation import DisplayView
from PromptOnceLib.segmentation.segment import Color
from PromptOnceLib.segmentation.slice_picture import as_rgb

Pixel = tuple[float, float]

_CASING = (0, 0, 0)
_ARM = 7  # pixels of the picture from the middle of a plus sign to its end
_RADIUS = 5


@dataclass(frozen=True)
class DrawnMarks:
    """What marks one object on a slice, in its pixels as stored (x = column, y = row).

    box: two opposite corners, or None. positive, negative: points on the object and beside it.
    """

    color: Color
    box: tuple[Pixel, Pixel] | None = None
    positive: tuple[Pixel, ...] = ()
    negative: tuple[Pixel, ...] = ()

    def seen(self, view: DisplayView, shape: tuple[int, ...]) -> DrawnMarks:
        """The same on the slice as a view turns it; shape: rows and columns as stored."""

        def moved(points: Sequence[Pixel]) -> tuple[Pixel, ...]:
            return tuple(view.of_point(point, shape) for point in points)

        corners = None if self.box is None else moved(self.box)
        box = None if corners is None else (corners[0], corners[1])
        return DrawnMarks(self.color, box, moved(self.positive), moved(self.negative))


def draw_marks(picture: Image.Image, marks: Sequence[DrawnMarks], shape: tuple[int, ...]) -> None:
    """Draw on the picture of a slice (rows, columns), whatever its size; dark casings for bright slices."""
    draw = ImageDraw.Draw(picture)
    scale = np.array([picture.width / shape[1], picture.height / shape[0]])

    def place(pixel: Pixel) -> tuple[float, float]:
        x, y = (np.array(pixel) + 0.5) * scale
        return float(x), float(y)

    for item in marks:
        color = as_rgb(item.color)
        if item.box is not None:
            (x0, y0), (x1, y1) = (place(corner) for corner in item.box)
            corners = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
            x0, y0, x1, y1 = corners
            draw.rectangle((x0 - 1, y0 - 1, x1 + 1, y1 + 1), outline=_CASING, width=4)
            draw.rectangle(corners, outline=color, width=2)
        for x, y in map(place, item.positive):
            for width, tint in ((5, _CASING), (2, color)):
                draw.line((x - _ARM, y, x + _ARM, y), tint, width)
                draw.line((x, y - _ARM, x, y + _ARM), tint, width)
        for x, y in map(place, item.negative):
            draw.ellipse((x - _RADIUS, y - _RADIUS, x + _RADIUS, y + _RADIUS), fill=color, outline=_CASING, width=2)
