"""The papers' prompt selection on small masks whose answers were worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from PromptOnceLib.errors import PromptError
from PromptOnceLib.prompts.from_mask import prompt_from_mask
from PromptOnceLib.prompts.prompt import Box
from prompts.sample_prompts import negative, positives


def picture(*rows: str) -> np.ndarray:
    """In the pictures "." is background and a digit a label; comments give (row, column), the assertions x, y."""
    return np.array([[0 if pixel == "." else int(pixel) for pixel in row] for row in rows], dtype=np.uint8)


def test_a_mask_that_touches_every_border_counts_the_border_as_background() -> None:
    selection = prompt_from_mask(picture("111111", "111111", "111111", "111111"))
    # Centre of mass (1.5, 2.5) -> (1, 2). Row: 2 before, 3 after; column: 1 before, 2 after. Row: 2 + (3 - 2 + 1) // 2.
    assert positives(selection) == [(3, 1)]
    assert selection.prompt.box == Box(x0=0, y0=0, x1=6, y1=4)
    assert negative(selection) == (3, 2)


def test_the_point_moves_to_the_middle_of_the_longer_run() -> None:
    # 7 pixels, row sum 10, column sum 17 -> (1, 2). Row: 1 before, 3 after; column: none. 2 + (3 - 1 + 1) // 2 = 3.
    selection = prompt_from_mask(picture(".......", ".11111.", ".1.....", ".1....."))
    assert positives(selection) == [(3, 1)]
    assert selection.prompt.box == Box(x0=1, y0=1, x1=6, y1=4)
    assert negative(selection) == (3, 2)
    assert selection.notices == ()


def test_the_run_ends_at_the_first_background_pixel() -> None:
    # 7 pixels in one row, sum 26 -> column 3. Before it a gap, so 0; after it 4. 3 + (4 - 0 + 1) // 2 = 5.
    assert positives(prompt_from_mask(picture("11.11111"))) == [(5, 0)]


def test_of_equal_runs_the_columns_wins() -> None:
    # Centre of mass (1.5, 1.5) -> (1, 1); 1 before and 2 after both ways; the row changes: 1 + (2 - 1 + 1) // 2 = 2.
    assert positives(prompt_from_mask(picture("1111", "1111", "1111", "1111"))) == [(1, 2)]


def test_the_middle_of_a_ring_moves_to_its_left_side() -> None:
    selection = prompt_from_mask(
        picture(".......", ".11111.", ".1...1.", ".1...1.", ".1...1.", ".11111.", "......."),
    )
    # Centre (3, 3) is background with 1 pixel on each side; left comes first: (3, 1), the middle of its column's run.
    assert positives(selection) == [(1, 3)]
    assert negative(selection) == (3, 3)
    assert selection.notices == ()


def test_the_middle_of_a_u_moves_to_its_left_arm() -> None:
    # 11 pixels, row sum 21, column sum 22 -> (1, 2), background. 1 pixel left, right and below; left: (1, 0).
    # Column: 1 above, 2 below: 1 + (2 - 1 + 1) // 2 = 2.
    assert positives(prompt_from_mask(picture("1...1", "1...1", "1...1", "11111"))) == [(0, 2)]


def test_a_point_outside_moves_to_the_side_with_most_pixels() -> None:
    # 20 pixels, row sum 20, column sum 74 -> (1, 3), background. Left 1, right 3, above and below 1.
    # Right: mean (1, 6); both runs have 1 before and 1 after, so it stays.
    assert positives(prompt_from_mask(picture("11111111", "1....111", "11111111"))) == [(6, 1)]


def test_the_fullest_side_may_be_below() -> None:
    # The same picture turned by a quarter: (3, 1) is background, below it lie 3 pixels with the mean (6, 1).
    assert positives(prompt_from_mask(picture("11111111", "1....111", "11111111").T)) == [(1, 6)]


def test_beside_the_mask_the_middle_pixel_of_the_fullest_side_is_taken_over_its_gaps() -> None:
    # Columns 0, 1, 3, 4, 5, 24: centre 37 // 6 = 6, background. Left: 5 pixels, the middle one is 3.
    # It has 0 before and 2 after: 3 + (2 - 0 + 1) // 2 = 4.
    selection = prompt_from_mask(picture("11.111" + "." * 18 + "1"))
    assert positives(selection) == [(4, 0)]
    assert selection.notices == ()


def test_of_an_even_number_the_pixel_further_on_is_the_middle_one() -> None:
    # Columns 0, 1, 7, 8, 30: centre 46 // 5 = 9, background. Left: 4 pixels, the middle one is 7 (their mean, 4, is
    # background). It has 0 before and 1 after: 7 + (1 - 0 + 1) // 2 = 8.
    selection = prompt_from_mask(picture("11.....11" + "." * 21 + "1"))
    assert positives(selection) == [(8, 0)]
    assert selection.notices == ()


def test_without_a_pixel_on_any_side_the_nearest_pixel_is_taken_and_a_notice_given() -> None:
    selection = prompt_from_mask(
        picture("44......", "44......", "........", "........", "........", "........", "......44", "......44")
    )
    # Centre (3.5, 3.5) -> (3, 3); (1, 1) is 8 away (squared), (6, 6) 18. Both runs 1 before, 0 after: it stays.
    assert positives(selection) == [(1, 1)]
    assert len(selection.notices) == 1
    assert "Label 4: " in selection.notices[0]


def test_of_equally_near_pixels_the_first_row_by_row_is_taken() -> None:
    assert positives(prompt_from_mask(picture("1....", ".....", ".....", ".....", "....1"))) == [(0, 0)]
    # Centre (2, 2); (0, 4) and (4, 0) are equally near, (0, 4) has the lower row.
    assert positives(prompt_from_mask(picture("....1", ".....", ".....", ".....", "1...."))) == [(4, 0)]


def test_the_nearest_pixel_is_moved_to_the_middle_too() -> None:
    selection = prompt_from_mask(
        picture("11111...", "........", "........", "........", "........", ".....111", ".....111", ".....111")
    )
    # 14 pixels, row sum 54 -> 3, column sum 10 + 54 = 64 -> 4: (3, 4). Above it lies (0, 4): one side is not bare.
    # (0, 4): row run 4 before, 0 after: 4 + (0 - 4 + 1) // 2 = 2.
    assert positives(selection) == [(2, 0)]
    assert selection.notices == ()
    selection = prompt_from_mask(
        picture("111......", ".........", ".........", ".........", ".........", "......111", "......111")
    )
    # 9 pixels, row sum 33 -> 3, column sum 3 + 42 = 45 -> 5: bare on all sides. (5, 6) is nearest (5 squared).
    # Row: 0 before, 2 after: 6 + (2 - 0 + 1) // 2 = 7; column: 0 and 1.
    assert positives(selection) == [(7, 5)]
    assert len(selection.notices) == 1


def test_a_single_pixel_gives_a_box_of_one_pixel_and_both_points_on_it() -> None:
    selection = prompt_from_mask(picture("....", "..1.", "...."))
    assert selection.prompt.box == Box(x0=2, y0=1, x1=3, y1=2)
    assert positives(selection) == [(2, 1)]
    assert negative(selection) == (2, 1)
    assert "negative point" in selection.notices[0]


def test_a_negative_point_on_the_object_is_kept_and_announced() -> None:
    selection = prompt_from_mask(picture(".....", ".111.", ".111.", ".111.", "....."))
    assert negative(selection) == (2, 2)
    assert len(selection.notices) == 1
    assert "negative point" in selection.notices[0]


SEVERAL = picture("11..22", "11..22", "..1...", "......", "3....1")


def test_every_label_gets_one_point_in_ascending_order() -> None:
    selection = prompt_from_mask(SEVERAL)
    # Label 1: 6 pixels, row sum 8, column sum 9 -> (1, 1); 1 before and 0 after in row and column: it stays.
    # Label 2: row sum 2, column sum 18 -> (0, 4); equal runs, the row changes: 0 + (1 - 0 + 1) // 2 = 1.
    assert positives(selection) == [(1, 1), (4, 1), (0, 4)]
    assert selection.prompt.box == Box(x0=0, y0=0, x1=6, y1=5)
    assert negative(selection) == (3, 2)
    assert selection.notices == ()


def test_every_contour_can_get_its_own_point() -> None:
    selection = prompt_from_mask(SEVERAL, point_per_contour=True)
    # Label 1: the square and the pixel that touches its corner, 5 pixels, row and column sum 4 -> (0, 0); equal runs,
    # the row changes to 1. Then the single pixel (4, 5).
    assert positives(selection) == [(0, 1), (5, 4), (4, 1), (0, 4)]
    assert negative(selection) == (3, 2)


def test_small_contours_can_be_left_out_but_every_label_keeps_one() -> None:
    selection = prompt_from_mask(SEVERAL, point_per_contour=True, min_contour_pixels=2)
    assert positives(selection) == [(0, 1), (4, 1), (0, 4)]
    assert selection.prompt.box == Box(x0=0, y0=0, x1=6, y1=5)


def test_the_largest_contour_comes_first_and_equal_ones_row_by_row() -> None:
    assert positives(prompt_from_mask(picture("1..", "...", ".11"), point_per_contour=True)) == [(2, 2), (0, 0)]
    assert positives(prompt_from_mask(picture("..1", "1.."), point_per_contour=True)) == [(2, 0), (0, 1)]


def test_only_the_labels_asked_for_are_used() -> None:
    selection = prompt_from_mask(SEVERAL, labels=[3, 2, 3])
    assert positives(selection) == [(4, 1), (0, 4)]
    assert selection.prompt.box == Box(x0=0, y0=0, x1=6, y1=5)
    assert prompt_from_mask(SEVERAL, labels=[2]).prompt.box == Box(x0=4, y0=0, x1=6, y1=2)


@pytest.mark.parametrize("labels", [[5], [1, 5], [0]])
def test_a_label_that_the_slice_does_not_hold_is_refused(labels: list[int]) -> None:
    with pytest.raises(PromptError, match="holds the labels 1, 2, 3"):
        prompt_from_mask(SEVERAL, labels)


def test_no_label_at_all_is_refused() -> None:
    with pytest.raises(PromptError, match="No label was chosen"):
        prompt_from_mask(SEVERAL, [])


def test_an_empty_slice_is_called_empty_whatever_label_is_asked_for() -> None:
    with pytest.raises(PromptError, match="empty on this slice"):
        prompt_from_mask(np.zeros((4, 5), dtype=np.uint8), [1])


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.zeros((4, 5), dtype=np.uint8), "empty on this slice"),
        (np.ones((4, 5)), "whole-number labels"),
        (np.ones((2, 4, 5), dtype=np.uint8), "one slice"),
    ],
)
def test_what_is_no_labelled_slice_is_refused(array: np.ndarray, sentence: str) -> None:
    with pytest.raises(PromptError, match=sentence):
        prompt_from_mask(array)


@pytest.mark.parametrize("dtype", [bool, np.int16, np.uint64])
def test_all_whole_number_types_give_the_same_prompt(dtype: Any) -> None:
    mask = picture(".......", ".11111.", ".1.....", ".1.....")
    assert prompt_from_mask(mask.astype(dtype)) == prompt_from_mask(mask)


def test_negative_values_are_no_labels() -> None:
    assert positives(prompt_from_mask(np.array([[-3, -3, 2]], dtype=np.int16))) == [(2, 0)]
