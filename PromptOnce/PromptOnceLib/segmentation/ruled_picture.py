"""A picture of one slice as stored, between rulers in pixels: for reading coordinates, and for checking a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.segmentation.lettering import fitting, font
from PromptOnceLib.segmentation.marks import DrawnMarks, draw_marks
from PromptOnceLib.segmentation.slice_picture import picture_size, slice_picture

_BACKGROUND, _TEXT, _TICK = (18, 20, 23), (232, 234, 237), (160, 166, 173)
_GRID = (255, 255, 255)
_GRID_STRENGTH = 0.22
_ROOM = (1000, 1000)
_LEFT, _TOP, _MARGIN = 52, 58, 28
_FEWEST_BETWEEN = 70  # pixels of the picture between two numbers of a ruler
_SMALL_TICKS = 5

Sides = tuple[str, str, str, str]


def ruled_picture(
    frame: NDArray[np.uint8],
    pixel_spacing: tuple[float, float],
    path: str | Path,
    *,
    title: str = "",
    sides: Sides = ("", "", "", ""),
    marks: Sequence[DrawnMarks] = (),
) -> None:
    """Write a PNG of a slice, uint8 (rows, columns), neither turned nor mirrored, with x above and y at its left.

    pixel_spacing: mm between rows and between columns, for true proportions. sides: letters for the left, right, upper
    and lower edge, where in the patient they lie. marks: a prompt. Raises InputError where it cannot be written.
    """
    size = picture_size(frame.shape, pixel_spacing, _ROOM)
    picture = slice_picture(frame, [], [], None, size)
    across, down = _numbers(frame.shape[1], size[0]), _numbers(frame.shape[0], size[1])
    _draw_grid(picture, across, down, frame.shape)
    draw_marks(picture, marks, frame.shape)
    _draw_sides(picture, sides)
    sheet = Image.new("RGB", (_LEFT + size[0] + _MARGIN, _TOP + size[1] + _MARGIN), _BACKGROUND)
    sheet.paste(picture, (_LEFT, _TOP))
    draw = ImageDraw.Draw(sheet)
    draw.text((_LEFT, 6), fitting(draw, title, font(16), size[0]), _TEXT, font(16))
    _draw_ruler(draw, across, frame.shape[1], size[0], across=True)
    _draw_ruler(draw, down, frame.shape[0], size[1], across=False)
    with replacing(path, ".png") as temporary:
        sheet.save(temporary, format="PNG")


def _numbers(count: int, length: int) -> range:
    """The pixels that a ruler numbers: 1, 2 or 5 times a power of ten apart, as many as there is room for."""
    steps = (factor * 10**power for power in range(7) for factor in (1, 2, 5))
    step = next(step for step in steps if step * length / count >= _FEWEST_BETWEEN)
    return range(0, count, step)


def _draw_grid(picture: Image.Image, across: range, down: range, shape: tuple[int, ...]) -> None:
    lines = Image.new("L", picture.size, 0)
    draw = ImageDraw.Draw(lines)
    strength = round(255 * _GRID_STRENGTH)
    for number in across:
        x = (number + 0.5) * picture.width / shape[1]
        draw.line((x, 0, x, picture.height), strength)
    for number in down:
        y = (number + 0.5) * picture.height / shape[0]
        draw.line((0, y, picture.width, y), strength)
    picture.paste(_GRID, mask=lines)


def _draw_sides(picture: Image.Image, sides: Sides) -> None:
    width, height = picture.size
    places = ((8, height / 2, "lm"), (width - 8, height / 2, "rm"), (width / 2, 6, "ma"), (width / 2, height - 6, "md"))
    draw = ImageDraw.Draw(picture)
    for letter, (x, y, anchor) in zip(sides, places, strict=True):
        draw.text((x, y), letter, _TEXT, font(20), anchor=anchor, stroke_width=2, stroke_fill=(0, 0, 0))


def _draw_ruler(draw: ImageDraw.ImageDraw, numbers: range, count: int, length: int, *, across: bool) -> None:
    """Ticks and numbers above (across) or at the left of the picture."""
    start = _LEFT if across else _TOP
    edge = _TOP if across else _LEFT
    small = max(1, numbers.step // _SMALL_TICKS)
    for pixel in range(0, count, small):
        place = start + (pixel + 0.5) * length / count
        reach = 8 if pixel % numbers.step == 0 else 4
        draw.line((place, edge - reach, place, edge) if across else (edge - reach, place, edge, place), _TICK)
        if pixel % numbers.step == 0:
            corner, anchor = ((place, edge - 11), "ms") if across else ((edge - 11, place), "rm")
            draw.text(corner, str(pixel), _TEXT, font(13), anchor=anchor)
    name = "x" if across else "y"
    corner = (start + length + 8, edge - 11) if across else (edge - 11, start + length + 10)
    draw.text(corner, name, _TICK, font(14), anchor="ls" if across else "rm")
