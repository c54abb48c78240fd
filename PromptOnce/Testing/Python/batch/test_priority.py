"""Which figures make a case one to look at, and which slice they point to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from PromptOnceLib.batch.priority import LOOK, look_first
from PromptOnceLib.segmentation.result import SliceResult

SEED = 10


def organ(slices: int = 21) -> list[SliceResult]:
    """An ellipsoid that begins and ends inside the stack, segmented without a fault."""
    middle = (slices - 1) / 2
    areas = [max(0, round(1000 * (1 - ((index - middle) / (middle - 1)) ** 2))) for index in range(slices)]
    return [
        SliceResult(index, True, area, 0.99 if area else 0.05, 0.95 if area else 0.1, None, None)
        for index, area in enumerate(areas)
    ]


def changed(rows: Sequence[SliceResult], index: int, **values: float | None) -> list[SliceResult]:
    return [replace(row, **values) if row.slice == index else row for row in rows]  # type: ignore[arg-type]


def test_an_even_organ_is_nothing_to_look_at() -> None:
    found = look_first(organ(), SEED, dice=0.95, round_trip=0.97)
    assert found.score < LOOK / 2
    assert found.lowest_presence == 0.99
    assert found.lowest_predicted_iou == 0.95


@pytest.mark.parametrize(
    ("index", "values", "reason"),
    [
        (14, {"presence": 0.6}, "presence 0.60"),
        (6, {"predicted_iou": 0.35}, "predicted IoU 0.35"),
        (13, {"area": 2500}, "area jumps"),
        (13, {"area": 0, "presence": 0.1}, "mask vanishes"),
    ],
)
def test_a_fault_on_one_slice_is_found_there(index: int, values: dict[str, float], reason: str) -> None:
    found = look_first(changed(organ(), index, **values), SEED)
    assert found.score >= LOOK
    fitting = [doubt for doubt in found.doubts if doubt.reason.startswith(reason)]
    assert fitting
    # A jump lies between two slices; it is looked at on the one further from the prompt.
    assert fitting[0].slice in (index, index + 1)


def test_the_ends_of_an_organ_may_be_uncertain() -> None:
    rows = changed(organ(), 1, predicted_iou=0.3, presence=0.9, area=8)
    rows = changed(rows, 19, predicted_iou=0.9, presence=0.55, area=8)
    found = look_first(rows, SEED)
    assert found.score < LOOK
    assert (found.lowest_presence, found.lowest_predicted_iou) == (0.55, 0.3)


def test_slices_without_a_mask_do_not_lower_the_figures() -> None:
    found = look_first(changed(organ(), 0, presence=0.0, predicted_iou=0.0), SEED)
    assert found.lowest_presence == 0.99
    assert found.score < LOOK


def test_a_thin_stack_may_change_quickly() -> None:
    rows = [SliceResult(i, True, area, 0.99, 0.95, None, None) for i, area in enumerate((0, 300, 1000, 400, 0))]
    found = look_first(rows, 2)
    assert found.largest_jump == pytest.approx(0.7)
    assert found.score < LOOK


def test_an_empty_result_comes_first_of_all() -> None:
    rows = [replace(row, area=0) for row in organ()]
    found = look_first(rows, SEED)
    assert (found.score, found.slice, found.reason) == (1.0, SEED, "no mask on any slice")
    assert found.lowest_presence is None


def test_slices_that_were_not_computed_are_named_with_the_nearest_to_the_prompt() -> None:
    rows = [row if row.slice < 15 else SliceResult(row.slice, False, *[None] * 5) for row in organ()]
    found = look_first(rows, SEED)
    assert found.reason == "6 slices not computed"
    assert found.slice == 15
    assert look_first(rows, SEED, cancelled=False).score < LOOK, "they were left out by an early stop"


def test_a_low_dice_points_to_the_slice_with_most_wrong_pixels() -> None:
    rows = [replace(row, dice=0.9, reference_area=row.area) for row in organ() if row.area]
    rows = changed(changed(rows, 2, dice=0.1), 12, dice=0.5)
    found = look_first(rows, SEED, dice=0.6)
    assert found.reason == "Dice 0.60"
    assert found.slice == 12


def test_a_low_round_trip_is_a_doubt_without_a_slice() -> None:
    found = look_first(organ(), SEED, round_trip=0.2)
    assert found.score == pytest.approx(0.8)
    assert found.doubts[0].slice is None


@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.integers(0, 100),
            st.none() | st.floats(0, 1),
            st.none() | st.floats(0, 1),
            st.none() | st.floats(0, 1),
        ),
        min_size=1,
        max_size=12,
    ),
    st.none() | st.floats(0, 1),
)
def test_any_table_gives_a_score_that_is_its_largest_doubt_and_a_slice_of_the_table(
    values: list[tuple[bool, int, float | None, float | None, float | None]], dice: float | None
) -> None:
    rows = [
        SliceResult(i, True, area, presence, iou, overlap, overlap, 5)
        if computed
        else SliceResult(i, False, None, None, None, None, None)
        for i, (computed, area, presence, iou, overlap) in enumerate(values)
    ]
    found = look_first(rows, 0, dice)
    assert 0 <= found.slice < len(rows)
    assert [doubt.doubt for doubt in found.doubts] == sorted((d.doubt for d in found.doubts), reverse=True)
    assert found.score == (found.doubts[0].doubt if found.doubts else 0.0)
