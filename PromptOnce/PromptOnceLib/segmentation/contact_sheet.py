"""A contact sheet: evenly spread slices with the contours of result and reference, as one PNG."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from PromptOnceLib.errors import InputError
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.segmentation.metrics import Mask
from PromptOnceLib.segmentation.result import SliceResult
from PromptOnceLib.segmentation.segment import Color, default_color
from PromptOnceLib.segmentation.slice_picture import REFERENCE_COLOR, as_rgb, picture_size, slice_picture

_BACKGROUND = (18, 20, 23)
_TEXT = (232, 234, 237)
_QUIET_TEXT = (160, 166, 173)
_WARNING = (240, 180, 80)

_SHEET_WIDTH = 1320
_LARGEST_TILE = 900
_SMALLEST_CELL = 200
_SMALLEST_SHEET = 560
_MARGIN = 16
_GAP = 10
_CAPTION = 24
_LINE = 26
_SAMPLE = 28


def contact_sheet(
    frames: NDArray[np.uint8],
    masks: Mask,
    reference: Mask | None,
    rows: Sequence[SliceResult],
    path: str | Path,
    pixel_spacing: tuple[float, float],
    *,
    title: str = "",
    note: str = "",
    total_dice: float | None = None,
    names: Sequence[str] = (),
    colors: Sequence[Color] = (),
    prompted_slice: int | None = None,
    tiles: int = 20,
    columns: int = 5,
) -> None:
    """Write a PNG with at most `tiles` of the computed slices, the prompted slice among them.

    frames: uint8 (n, rows, columns). masks: (objects, n, rows, columns). reference: (n, rows, columns), not 0 where the
    reference is, or None. rows: the table of the objects' union (slice_results). pixel_spacing: mm between rows and
    between columns, so that the proportions are true. names and colors of the objects may be left out. note: a line
    under the subtitle that a reader must not miss.

    Raises InputError where no slice was computed or the file cannot be written.
    """
    table = {row.slice: row for row in rows if row.computed}
    shown = choose_slices(sorted(table), prompted_slice, tiles)
    if not shown:
        raise InputError("No slice has been segmented, so there is nothing to show. Segment the image first.")
    colors = [*colors, *(default_color(index) for index in range(len(colors), len(masks)))]
    columns = min(columns, len(shown))
    picture_width, picture_height = picture = picture_size(frames.shape[1:], pixel_spacing, _room(columns))
    cell = (max(picture_width, _SMALLEST_CELL), picture_height + _CAPTION)
    width = max(_SMALLEST_SHEET, 2 * _MARGIN + columns * (cell[0] + _GAP) - _GAP)
    legend = [(name, color, False) for name, color in zip(names, colors, strict=False)]
    if reference is not None:
        legend.append(("reference", REFERENCE_COLOR, True))
    head = _head(width, title, _subtitle(total_dice, len(shown), len(table)), note, legend)
    lines = -(-len(shown) // columns)
    sheet = Image.new("RGB", (width, head.height + lines * (cell[1] + _GAP) - _GAP + _MARGIN), _BACKGROUND)
    sheet.paste(head)
    for place, index in enumerate(shown):
        reference_slice = None if reference is None else reference[index]
        tile = slice_picture(frames[index], [mask[index] for mask in masks], colors, reference_slice, picture)
        line, column = divmod(place, columns)
        corner = (_MARGIN + column * (cell[0] + _GAP), head.height + line * (cell[1] + _GAP))
        _paste_tile(sheet, tile, corner, cell, table[index], index == prompted_slice)
    with replacing(path, ".png") as temporary:
        sheet.save(temporary, format="PNG")


def choose_slices(computed: Sequence[int], prompted_slice: int | None, count: int) -> list[int]:
    """At most `count` of the sorted slices, evenly spread from first to last; the prompted slice is always one."""
    if len(computed) <= count:
        return list(computed)
    chosen = [computed[round(place)] for place in np.linspace(0, len(computed) - 1, count)]
    if prompted_slice in computed and prompted_slice not in chosen:
        nearest = min(range(count), key=lambda place: abs(chosen[place] - prompted_slice))
        chosen[nearest] = prompted_slice
    return chosen


def _room(columns: int) -> tuple[int, int]:
    """Width and height within which this many pictures stand beside each other on the sheet."""
    width = min(_LARGEST_TILE, (_SHEET_WIDTH - 2 * _MARGIN + _GAP) // columns - _GAP)
    return width, min(_LARGEST_TILE, width * 4 // 3)


def _paste_tile(
    sheet: Image.Image,
    picture: Image.Image,
    corner: tuple[int, int],
    cell: tuple[int, int],
    row: SliceResult,
    is_seed: bool,
) -> None:
    """Put a picture into its cell, with its slice number and Dice under it and a frame around the prompted slice."""
    left, top = corner[0] + (cell[0] - picture.width) // 2, corner[1]
    sheet.paste(picture, (left, top))
    draw = ImageDraw.Draw(sheet)
    if is_seed:
        draw.rectangle((left - 2, top - 2, left + picture.width + 1, top + picture.height + 1), outline=_TEXT, width=2)
    baseline = top + picture.height + _CAPTION // 2 + 1
    number = f"slice {row.slice}" + (" \u00b7 prompt" if is_seed else "")
    draw.text((corner[0] + 2, baseline), number, _TEXT, _font(14), anchor="lm")
    if row.dice is not None:
        draw.text((corner[0] + cell[0] - 2, baseline), f"Dice {row.dice:.3f}", _TEXT, _font(14), anchor="rm")


def _head(width: int, title: str, subtitle: str, note: str, legend: Sequence[tuple[str, Color, bool]]) -> Image.Image:
    """Title, subtitle, note and legend above the tiles; a legend entry is a name, a colour and whether the line is
    dashed.
    """
    places, legend_height = _legend_places(width, legend)
    lines = 3 if note else 2
    head = Image.new("RGB", (width, _MARGIN + lines * _LINE + legend_height + _GAP), _BACKGROUND)
    draw = ImageDraw.Draw(head)
    draw.text((_MARGIN, _MARGIN), _fitting(draw, title, _font(20), width), _TEXT, _font(20))
    draw.text((_MARGIN, _MARGIN + _LINE + 2), _fitting(draw, subtitle, _font(15), width), _QUIET_TEXT, _font(15))
    if note:
        draw.text((_MARGIN, _MARGIN + 2 * _LINE), _fitting(draw, note, _font(15), width), _WARNING, _font(15))
    top = _MARGIN + lines * _LINE + _LINE // 2
    for (name, color, dashed), (left, line) in zip(legend, places, strict=True):
        y = top + line * _LINE
        if dashed:
            for start in range(left, left + _SAMPLE, 8):
                draw.line((start, y, start + 4, y), as_rgb(color), 2)
        else:
            draw.line((left, y, left + _SAMPLE, y), as_rgb(color), 3)
        draw.text((left + _SAMPLE + 8, y), _fitting(draw, name, _font(15), width), _TEXT, _font(15), anchor="lm")
    return head


def _legend_places(width: int, legend: Sequence[tuple[str, Color, bool]]) -> tuple[list[tuple[int, int]], int]:
    """Left edge and line of every entry, and the height of all lines."""
    left, line, places = _MARGIN, 0, []
    for name, _, _ in legend:
        needed = _SAMPLE + 8 + round(_font(15).getlength(_drawable(name))) + 24
        if left > _MARGIN and left + needed > width:
            left, line = _MARGIN, line + 1
        places.append((left, line))
        left += needed
    return places, (line + 1) * _LINE if places else 0


def _subtitle(total_dice: float | None, shown: int, computed: int) -> str:
    slices = f"{shown} of {computed} segmented slices" if computed > 1 else "1 slice"
    return slices if total_dice is None else f"Dice of the volume {total_dice:.3f} \u00b7 {slices}"


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def _drawable(text: str) -> str:
    """The text in characters that Pillow's font has: accents dropped, others as question marks."""
    plain = "".join(part for part in unicodedata.normalize("NFKD", text) if not unicodedata.combining(part))
    return "".join(part if part.isascii() or part == "\u00b7" else "?" for part in plain)


def _fitting(draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """The text, cut at the end where it is too long for the sheet."""
    room = width - 2 * _MARGIN
    text = _drawable(text)
    if draw.textlength(text, font) <= room:
        return text
    while text and draw.textlength(text + "...", font) > room:
        text = text[:-1]
    return text + "..."
