"""A contact sheet: the prompt, the worst and evenly spread slices with contours of result and reference, as a PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from PromptOnceLib.errors import InputError
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.segmentation.lettering import drawable, fitting, font
from PromptOnceLib.segmentation.marks import DrawnMarks, draw_marks
from PromptOnceLib.segmentation.metrics import Mask
from PromptOnceLib.segmentation.result import SliceResult
from PromptOnceLib.segmentation.segment import Color, default_color
from PromptOnceLib.segmentation.slice_picture import REFERENCE_COLOR, as_rgb, picture_size, slice_picture

_BACKGROUND = (18, 20, 23)
_TEXT = (232, 234, 237)
_QUIET_TEXT = (160, 166, 173)

RESEARCH_ONLY = "For research only, not for clinical use"
_DOUBT = (255, 176, 92)

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
    facts: Sequence[str] = (),
    note: str = "",
    names: Sequence[str] = (),
    colors: Sequence[Color] = (),
    prompted_slice: int | None = None,
    marks: Mapping[int, Sequence[DrawnMarks]] = MappingProxyType({}),
    sides: tuple[str, str] = ("", ""),
    tiles: int = 20,
    columns: int = 5,
) -> None:
    """Write a PNG with at most `tiles` of the computed slices: spread evenly, the prompted slice, and the worst ones.

    frames: uint8 (n, rows, columns). masks: (objects, n, rows, columns). reference: (n, rows, columns), not 0 where the
    reference is, or None. rows: the table of the objects' union (slice_results). pixel_spacing: mm between rows and
    between columns, so that the proportions are true. facts: what stands under the title. note: a line below them that
    a reader must not miss. names and colors of the objects may be left out. marks: the prompt on slices, by index, in
    pixels of the frames. sides: letters of the patient's sides at the left and right edge.

    Raises InputError where no slice was computed or the file cannot be written.
    """
    table = {row.slice: row for row in rows if row.computed}
    worst = worst_slices(rows, tiles // 4)
    wanted = [] if prompted_slice is None else [prompted_slice]
    shown = choose_slices(sorted(table), [*wanted, *worst], tiles)
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
    head = _head(width, title, _subtitle(facts, len(shown), len(table)), note, legend)
    lines = -(-len(shown) // columns)
    sheet = Image.new("RGB", (width, head.height + lines * (cell[1] + _GAP) - _GAP + _MARGIN), _BACKGROUND)
    sheet.paste(head)
    for place, index in enumerate(shown):
        reference_slice = None if reference is None else reference[index]
        tile = slice_picture(frames[index], [mask[index] for mask in masks], colors, reference_slice, picture)
        draw_marks(tile, marks.get(index, ()), frames.shape[1:])
        _draw_sides(tile, sides)
        line, column = divmod(place, columns)
        corner = (_MARGIN + column * (cell[0] + _GAP), head.height + line * (cell[1] + _GAP))
        _paste_tile(sheet, tile, corner, cell, table[index], _role(index, prompted_slice, marks, worst))
    with replacing(path, ".png") as temporary:
        sheet.save(temporary, format="PNG")


def choose_slices(computed: Sequence[int], wanted: Sequence[int], count: int) -> list[int]:
    """At most `count` of the sorted slices, evenly spread from first to last, with those that are wanted among them.

    A wanted slice takes the place of the nearest one that is not wanted itself.
    """
    if len(computed) <= count:
        return list(computed)
    chosen = [computed[round(place)] for place in np.linspace(0, len(computed) - 1, count)]
    kept = {index for index in wanted if index in computed}
    for index in (one for one in wanted if one in kept and one not in chosen):
        free = [place for place in range(count) if chosen[place] not in kept]
        if free:
            chosen[min(free, key=lambda place: abs(chosen[place] - index))] = index
    return sorted(chosen)


def worst_slices(rows: Sequence[SliceResult], count: int) -> list[int]:
    """The slices to look at first: lowest Dice where there is a reference, else lowest predicted IoU with a mask."""
    scored = [(row.dice, row.slice) for row in rows if row.computed and row.dice is not None]
    if not any(row.reference_area is not None for row in rows):
        scored = [(row.predicted_iou, row.slice) for row in rows if row.area and row.predicted_iou is not None]
    return [index for score, index in sorted(scored)[:count] if score < 1]


def _role(index: int, prompted: int | None, marks: Mapping[int, Sequence[DrawnMarks]], worst: Sequence[int]) -> str:
    if index == prompted or index in marks:
        return "prompt"
    return "look here" if index in worst else ""


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
    role: str,
) -> None:
    """Put a picture into its cell, with its slice number and Dice under it and a frame around one that has a role."""
    left, top = corner[0] + (cell[0] - picture.width) // 2, corner[1]
    sheet.paste(picture, (left, top))
    draw = ImageDraw.Draw(sheet)
    if role:
        frame = _TEXT if role == "prompt" else _DOUBT
        draw.rectangle((left - 2, top - 2, left + picture.width + 1, top + picture.height + 1), outline=frame, width=2)
    baseline = top + picture.height + _CAPTION // 2 + 1
    number = f"slice {row.slice}" + (f" \u00b7 {role}" if role else "")
    draw.text((corner[0] + 2, baseline), number, _TEXT, font(14), anchor="lm")
    if row.dice is not None:
        draw.text((corner[0] + cell[0] - 2, baseline), f"Dice {row.dice:.3f}", _TEXT, font(14), anchor="rm")


def _head(width: int, title: str, subtitle: str, note: str, legend: Sequence[tuple[str, Color, bool]]) -> Image.Image:
    """Title, subtitle, note and legend above the tiles; a legend entry is a name, a colour and whether the line is
    dashed.
    """
    places, legend_height = _legend_places(width, legend)
    lines, inside = 3 if note else 2, width - 2 * _MARGIN
    room = width - 3 * _MARGIN - round(font(14).getlength(RESEARCH_ONLY))
    head = Image.new("RGB", (width, _MARGIN + lines * _LINE + legend_height + _GAP), _BACKGROUND)
    draw = ImageDraw.Draw(head)
    draw.text((_MARGIN, _MARGIN), fitting(draw, title, font(20), room), _TEXT, font(20))
    draw.text((width - _MARGIN, _MARGIN + 4), RESEARCH_ONLY, _DOUBT, font(14), anchor="ra")
    draw.text((_MARGIN, _MARGIN + _LINE + 2), fitting(draw, subtitle, font(15), inside), _QUIET_TEXT, font(15))
    if note:
        draw.text((_MARGIN, _MARGIN + 2 * _LINE), fitting(draw, note, font(15), inside), _DOUBT, font(15))
    top = _MARGIN + lines * _LINE + _LINE // 2
    for (name, color, dashed), (left, line) in zip(legend, places, strict=True):
        y = top + line * _LINE
        if dashed:
            for start in range(left, left + _SAMPLE, 8):
                draw.line((start, y, start + 4, y), as_rgb(color), 2)
        else:
            draw.line((left, y, left + _SAMPLE, y), as_rgb(color), 3)
        draw.text(
            (left + _SAMPLE + 8, y), fitting(draw, name, font(15), width - 2 * _MARGIN), _TEXT, font(15), anchor="lm"
        )
    return head


def _legend_places(width: int, legend: Sequence[tuple[str, Color, bool]]) -> tuple[list[tuple[int, int]], int]:
    """Left edge and line of every entry, and the height of all lines."""
    left, line, places = _MARGIN, 0, []
    for name, _, _ in legend:
        needed = _SAMPLE + 8 + round(font(15).getlength(drawable(name))) + 24
        if left > _MARGIN and left + needed > width:
            left, line = _MARGIN, line + 1
        places.append((left, line))
        left += needed
    return places, (line + 1) * _LINE if places else 0


def _subtitle(facts: Sequence[str], shown: int, computed: int) -> str:
    slices = f"{shown} of {computed} segmented slices" if computed > 1 else "1 slice"
    return " \u00b7 ".join([*facts, slices])


def _draw_sides(tile: Image.Image, sides: tuple[str, str]) -> None:
    draw = ImageDraw.Draw(tile)
    for letter, x, anchor in ((sides[0], 5, "lm"), (sides[1], tile.width - 5, "rm")):
        draw.text((x, tile.height / 2), letter, _TEXT, font(14), anchor, stroke_width=2, stroke_fill=(0, 0, 0))
