"""Boxes between boxes."""

from __future__ import annotations

import numpy as np
import pytest

from PromptOnceLib.errors import PromptError
from PromptOnceLib.prompts.interpolation import affected, check_interpolation, interpolated
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt, encode_mask
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptedObject, PromptSet


def box(*sides: float) -> Box:
    return Box(**dict(zip(("x0", "y0", "x1", "y1"), sides, strict=True)))


POINT = Point(x=5, y=5, positive=True)
FIRST = FixedSlice(slice=2, box=box(0, 0, 10, 20), points=(POINT,))
LAST = FixedSlice(slice=6, box=box(8, 4, 30, 40))


def test_sides_go_linearly_with_the_slice_and_points_stay() -> None:
    found = interpolated(PromptedObject(name="liver", color=(1, 0, 0), slices=(FIRST, LAST)))
    assert sorted(found) == [2, 3, 4, 5, 6]
    assert found[2] == ObjectPrompt(name="liver", color=(1, 0, 0), box=FIRST.box, points=(POINT,))
    assert found[3] == ObjectPrompt(name="liver", color=(1, 0, 0), box=box(2, 1, 15, 25))
    assert found[5].box == box(6, 3, 25, 35)


def test_a_mask_counts_as_its_box_and_stays_as_it_was_drawn() -> None:
    mask = np.zeros((50, 50), bool)
    mask[10:20, 4:8] = True
    drawn = FixedSlice(slice=4, state="corrected", mask=encode_mask(mask))
    found = interpolated(PromptedObject(slices=(FIRST, drawn, LAST)))
    assert np.array_equal(found[4].mask_array(), mask)
    assert found[3].box == box(2, 5, 9, 20)
    assert found[5].box == box(6, 7, 19, 30)


def test_a_slice_with_points_alone_is_prompted_by_them_and_no_place_to_go_from() -> None:
    clicked = FixedSlice(slice=4, points=(POINT,))
    found = interpolated(PromptedObject(slices=(FIRST, clicked, LAST)))
    assert found[4].box is None
    assert found[3].box == box(2, 1, 15, 25)


def test_what_changes_reaches_to_the_next_boxes() -> None:
    middle = FixedSlice(slice=4, box=box(0, 0, 5, 5))
    item = PromptedObject(slices=(FIRST, middle, LAST))
    assert affected(item, [4], range(10)) == {3, 4, 5}
    assert affected(item, [6], range(10)) == {5, 6, 7, 8, 9}, "behind the last box the object ends"
    assert affected(item, [2], range(1, 10)) == {1, 2, 3}


@pytest.mark.parametrize("fixed", [(FIRST,), (FIRST, FixedSlice(slice=5, points=(POINT,)))])
def test_one_box_is_too_few(fixed: tuple[FixedSlice, ...]) -> None:
    prompts = PromptSet(objects=(PromptedObject(name="liver", slices=fixed),))
    with pytest.raises(PromptError, match=r'"liver".*first and on the last slice'):
        check_interpolation(prompts)


def test_so_is_a_prompt_of_one_slice() -> None:
    with pytest.raises(PromptError, match="only one is prompted"):
        check_interpolation(Prompt(slice=2, objects=(ObjectPrompt(box=FIRST.box),)))
