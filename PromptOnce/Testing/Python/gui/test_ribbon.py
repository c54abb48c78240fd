"""The ribbon's picture: one cell a slice, told apart without colours, found again under the mouse."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from PromptOnceLib.gui.correct.picture import COLORS, Cell, CellLayout, draw_ribbon, draw_sample


def grey(picture: Image.Image) -> np.ndarray:
    """As somebody sees it who sees no colours, on white."""
    ground = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    return np.asarray(Image.alpha_composite(ground, picture).convert("L"), np.int16)


@pytest.mark.parametrize("cells", [1, 7, 58, 129, 700])
@pytest.mark.parametrize("width", [300, 362, 800])
def test_every_cell_is_where_it_was_drawn(cells: int, width: int) -> None:
    layout = CellLayout.of(cells, width)
    for index in range(cells):
        x, y = layout.place(index)
        assert x >= 0
        assert x + layout.cell_width <= width
        assert y < layout.height
        for dx, dy in ((0, 0), (layout.cell_width - 1, 15)):
            assert layout.at(x + dx, y + dy) == index
    assert layout.at(0, 0) is None
    assert layout.at(layout.place(cells - 1)[0], layout.height + 1) is None


def test_few_slices_are_one_row_and_many_are_several() -> None:
    assert CellLayout.of(40, 362).rows == 1
    assert CellLayout.of(300, 362).rows == 6
    assert CellLayout.of(0, 362).height > 0


def test_states_differ_without_their_colours() -> None:
    for one, other in combinations(COLORS, 2):
        different = abs(grey(draw_sample(one)) - grey(draw_sample(other))) > 40
        assert different.sum() >= 12, (one, other)


def test_open_slices_are_as_high_as_they_are_sure() -> None:
    layout = CellLayout.of(3, 100)
    picture = draw_ribbon(
        [Cell("doubtful", 0.2), Cell("doubtful", 0.6), Cell("confident", 0.95)], layout, 100, None, False
    )
    filled = []
    for index in range(3):
        x, y = layout.place(index)
        column = np.asarray(picture)[y : y + 16, x + 2, :3]
        filled.append(int((column != column[0]).any(axis=1).sum()) or 16)
    assert filled == sorted(filled)
    assert filled[0] == 3


def test_the_slice_that_is_shown_has_a_frame_and_the_focus_a_line() -> None:
    layout, cells = CellLayout.of(20, 200), [Cell("accepted")] * 20
    plain = grey(draw_ribbon(cells, layout, 200, None, False))
    framed = grey(draw_ribbon(cells, layout, 200, 7, False))
    places = np.argwhere(plain != framed)
    x, _ = layout.place(7)
    assert places[:, 1].min() >= x - 3
    assert places[:, 1].max() <= x + layout.cell_width + 2
    assert (grey(draw_ribbon(cells, layout, 200, None, True))[0] < 200).all()
