"""The ribbon as a picture: a cell for every slice, whose state is told by colour and by shape.

Colours that readers who see few colours can tell apart: Okabe and Ito, Color Universal Design (2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageDraw

from PromptOnceLib.cases.slice_review import ReviewedState

CellState = ReviewedState | Literal["edited"]
"""edited: drawn on by hand, and nothing was propagated from it yet."""

COLORS: dict[CellState, tuple[int, int, int]] = {
    "prompted": (0, 114, 178),
    "corrected": (204, 121, 167),
    "accepted": (0, 158, 115),
    "edited": (170, 60, 120),
    "confident": (86, 180, 233),
    "doubtful": (230, 159, 0),
    "not computed": (150, 150, 150),
}
_GROUND, _WHITE, _BLACK = (232, 232, 232), (255, 255, 255), (0, 0, 0)

CELL_HEIGHT, _NARROWEST, _WIDEST = 16, 6, 28  # pixels
_MARGIN = 3  # around a row of cells, for the frame of the slice that is shown
ROW_HEIGHT = CELL_HEIGHT + 2 * _MARGIN


@dataclass(frozen=True)
class Cell:
    """One slice. confidence: 0 to 1, None where there is none."""

    state: CellState
    confidence: float | None = None


@dataclass(frozen=True)
class CellLayout:
    """Where cells are: from left to right in rows as wide as there is room for. columns: cells in a full row."""

    cells: int
    cell_width: int
    columns: int

    @classmethod
    def of(cls, cells: int, width: int) -> CellLayout:
        """For so many cells in so many pixels."""
        room = max(width - 2 * _MARGIN, _NARROWEST)
        wide = min(max(room // max(cells, 1), _NARROWEST), _WIDEST)
        return cls(cells, wide, max(room // wide, 1))

    @property
    def rows(self) -> int:
        """How many rows of cells there are."""
        return -(-self.cells // self.columns)

    @property
    def height(self) -> int:
        """Pixels of all rows."""
        return max(self.rows, 1) * ROW_HEIGHT

    def place(self, index: int) -> tuple[int, int]:
        """Left and upper pixel of a cell."""
        row, column = divmod(index, self.columns)
        return _MARGIN + column * self.cell_width, _MARGIN + row * ROW_HEIGHT

    def at(self, x: int, y: int) -> int | None:
        """The cell at a pixel; None beside the cells."""
        column, row = (x - _MARGIN) // self.cell_width, y // ROW_HEIGHT
        index = row * self.columns + column
        return index if 0 <= column < self.columns and row >= 0 and 0 <= index < self.cells else None


def draw_ribbon(cells: Sequence[Cell], layout: CellLayout, width: int, shown: int | None, focused: bool) -> Image.Image:
    """The picture, RGBA, transparent beside the cells. shown: the slice in the view, which gets a frame. focused:
    whether keys go here, which is shown by a line around all.
    """
    picture = Image.new("RGBA", (max(width, 1), layout.height), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    for index, cell in enumerate(cells):
        x, y = layout.place(index)
        _draw_cell(draw, cell, x, y, layout.cell_width - 1)
    if shown is not None and 0 <= shown < len(cells):
        x, y = layout.place(shown)
        box = [x - 1, y - 1, x + layout.cell_width - 1, y + CELL_HEIGHT]
        draw.rectangle([box[0] - 2, box[1] - 2, box[2] + 2, box[3] + 2], outline=_BLACK)
        draw.rectangle([box[0] - 1, box[1] - 1, box[2] + 1, box[3] + 1], outline=_WHITE)
        draw.rectangle(box, outline=_BLACK)
    if focused:
        draw.rectangle([0, 0, picture.width - 1, picture.height - 1], outline=(110, 110, 110))
    return picture


def draw_sample(state: CellState) -> Image.Image:
    """One cell, for a legend."""
    confidence = {"confident": 0.95, "doubtful": 0.4}.get(state)
    picture = Image.new("RGBA", (12, CELL_HEIGHT), (0, 0, 0, 0))
    _draw_cell(ImageDraw.Draw(picture), Cell(state, confidence), 0, 0, 11)
    return picture


def _draw_cell(draw: ImageDraw.ImageDraw, cell: Cell, x: int, y: int, width: int) -> None:
    """Settled slices are full cells with a sign, open ones columns as high as they are sure."""
    right, bottom, color = x + width - 1, y + CELL_HEIGHT - 1, COLORS[cell.state]
    middle_x, middle_y = (x + right) // 2, (y + bottom) // 2
    if cell.state in ("confident", "doubtful"):
        draw.rectangle([x, y, right, bottom], fill=_GROUND)
        height = max(2, round((cell.confidence or 0.0) * CELL_HEIGHT))
        draw.rectangle([x, bottom - height + 1, right, bottom], fill=color)
    elif cell.state == "not computed":
        draw.rectangle([x, y, right, bottom], outline=color)
    elif cell.state == "edited":
        draw.rectangle([x, y, right, bottom], fill=_WHITE, outline=color)
        draw.line([x, bottom, right, y], fill=color)
    else:
        draw.rectangle([x, y, right, bottom], fill=color)
        if cell.state == "prompted":
            draw.rectangle([middle_x, middle_y - 1, middle_x + 1, middle_y + 1], fill=_WHITE)
        elif cell.state == "corrected":
            draw.line([x, bottom, right, y], fill=_WHITE)
        else:
            draw.rectangle([x + 1, bottom - 4, right - 1, bottom - 3], fill=_WHITE)
