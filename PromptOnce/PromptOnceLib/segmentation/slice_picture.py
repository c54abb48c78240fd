"""A picture of one slice with the contours of objects and of a reference, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from PromptOnceLib.segmentation.metrics import Mask
from PromptOnceLib.segmentation.segment import Color

REFERENCE_COLOR: Color = (1.0, 0.87, 0.25)

# Contours are drawn this much larger and reduced, so that they come out smooth.
_OVERSAMPLING = 3

# In pixels of the oversampled picture.
_OBJECT_WIDTH = 5
_REFERENCE_WIDTH = 4
_CASING_WIDTH = 2
_DASH = 18

_CASING_STRENGTH = 0.6


def picture_size(shape: tuple[int, ...], pixel_spacing: tuple[float, float], room: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the picture of a slice (rows, columns): true proportions, as large as the room allows.

    pixel_spacing: distance in mm between rows and between columns. room: width and height in pixels.
    """
    height, width = shape[0] * pixel_spacing[0], shape[1] * pixel_spacing[1]
    scale = min(room[0] / width, room[1] / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def slice_picture(
    frame: NDArray[np.uint8],
    masks: Sequence[Mask],
    colors: Sequence[Color],
    reference: Mask | None,
    size: tuple[int, int],
) -> Image.Image:
    """RGB picture of the given width and height.

    frame: uint8 (rows, columns). masks: (rows, columns) each, not 0 where the object is. The reference's contour is a
    thinner dashed line over the objects' contours. All lines have a dark casing, to be seen on white as well.
    """
    picture = Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC).convert("RGB")
    for mask, color in zip(masks, colors, strict=True):
        if mask.any():
            _draw(picture, _contour(mask, size, _OBJECT_WIDTH), color)
    if reference is not None and reference.any():
        _draw(picture, _dashed(_contour(reference, size, _REFERENCE_WIDTH)), REFERENCE_COLOR)
    return picture


def as_rgb(color: Color) -> tuple[int, int, int]:
    """Colour as three whole numbers up to 255."""
    red, green, blue = (round(255 * part) for part in color)
    return red, green, blue


def _contour(mask: Mask, size: tuple[int, int], width: int) -> Mask:
    """Inner edge of a mask, oversampled, 255 on the line; an edge at the border of the image counts."""
    large = (size[0] * _OVERSAMPLING, size[1] * _OVERSAMPLING)
    coarse = Image.fromarray(np.where(mask, 255, 0).astype(np.uint8))
    inside = np.asarray(coarse.resize(large, Image.Resampling.BILINEAR))
    # An object thinner than the picture's pixels must not vanish: it keeps the width of one.
    limit = max(1, min(128, int(inside.max())))
    filled = _dilated(np.where(inside >= limit, 255, 0).astype(np.uint8), _OVERSAMPLING // 2)
    outside = np.pad(~filled, width, constant_values=255)
    return filled & _dilated(outside, width)[width:-width, width:-width]


def _dilated(line: Mask, radius: int) -> Mask:
    """Dilation of a 0 or 255 image by a square, in widening steps: many times faster than Pillow's filters."""
    for axis in (0, 1):
        reached = 0
        while reached < radius:
            step = min(2 * reached + 1, radius - reached)
            whole = (slice(None),) * axis
            ahead, behind = (*whole, slice(step, None)), (*whole, slice(None, -step))
            grown = line.copy()
            grown[ahead] |= line[behind]
            grown[behind] |= line[ahead]
            line, reached = grown, reached + step
    return line


def _dashed(line: Mask) -> Mask:
    """The line with gaps."""
    return line & _checkerboard(*line.shape)


@lru_cache(maxsize=4)
def _checkerboard(height: int, width: int) -> Mask:
    """Squares of 0 and 255, turned so that hardly any edge runs along them; the pictures of a sheet share one."""
    rows, columns = np.indices((height, width), sparse=True)
    squares = (columns + 0.5 * rows) // _DASH + (rows - 0.5 * columns) // _DASH
    return np.where(squares % 2 == 0, 255, 0).astype(np.uint8)


def _draw(picture: Image.Image, line: Mask, color: Color) -> None:
    casing = Image.fromarray(_dilated(line, _CASING_WIDTH)).reduce(_OVERSAMPLING)
    picture.paste((0, 0, 0), mask=casing.point(lambda value: round(value * _CASING_STRENGTH)))
    picture.paste(as_rgb(color), mask=Image.fromarray(line).reduce(_OVERSAMPLING))
