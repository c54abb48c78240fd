"""Masks and scores of a stack, the per-slice table and its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PromptOnceLib.errors import GeometryError, InputError
from PromptOnceLib.segmentation.result import (
    SegmentationResult,
    SliceResult,
    read_csv,
    slice_results,
    totals,
    write_csv,
)

ROWS, COLUMNS = 4, 5


def two_objects() -> SegmentationResult:
    """Four slices, the last not computed: both objects on slice 0, the first on slice 1, none on slice 2."""
    result = SegmentationResult.empty(("liver", "spleen"), (4, ROWS, COLUMNS), axis=0)
    masks = np.zeros((2, ROWS, COLUMNS), np.uint8)
    masks[0, 0], masks[1, 1] = 1, 1
    result.set_slice(0, masks, (0.9, 0.8), (0.7, 0.5))
    result.set_slice(1, masks * np.array([1, 0], np.uint8)[:, None, None], (0.6, 0.1), (0.9, 0.2))
    result.set_slice(2, masks * 0, (0.1, 0.2), (0.3, 0.1))
    return result


@given(st.sampled_from([0, 1, 2]), st.tuples(*[st.integers(1, 4)] * 3), st.integers(0, 2**32))
def test_volume_order_undoes_stack_order(axis: int, shape: tuple[int, int, int], seed: int) -> None:
    volume = (np.random.default_rng(seed).random((2, *shape)) < 0.5).astype(np.uint8)
    stacks = np.moveaxis(volume, axis + 1, 1)
    result = SegmentationResult.empty(("a", "b"), stacks.shape[1:], axis)
    for index in range(stacks.shape[1]):
        result.set_slice(index, stacks[:, index], (1, 1), (1, 1))
    for place in range(2):
        assert np.array_equal(result.to_volume_order(place), volume[place])
        assert result.to_volume_order(place).flags.c_contiguous


def test_a_slice_never_computed_is_told_from_an_empty_one() -> None:
    rows = slice_results(two_objects(), np.ones((4, ROWS, COLUMNS)))
    assert (rows[2].computed, rows[2].area, rows[2].dice) == (True, 0, 0)
    assert rows[3] == SliceResult(3, False, None, None, None, None, None)


def test_the_table_of_one_object_holds_its_own_scores() -> None:
    rows = slice_results(two_objects(), object_index=1)
    assert [row.object_name for row in rows] == ["spleen"] * 4
    assert [row.area for row in rows] == [COLUMNS, 0, 0, None]
    assert rows[0].presence == pytest.approx(0.8)
    assert rows[1].predicted_iou == pytest.approx(0.2)
    assert rows[0].dice is None


def test_the_union_is_as_present_as_its_most_present_object() -> None:
    rows = slice_results(two_objects())
    assert [row.presence for row in rows] == [*map(pytest.approx, (0.9, 0.6, 0.2)), None]
    assert [row.area for row in rows] == [2 * COLUMNS, COLUMNS, 0, None]


def test_the_unions_predicted_iou_is_the_mean_over_the_objects_present() -> None:
    rows = slice_results(two_objects())
    assert [row.predicted_iou for row in rows] == [*map(pytest.approx, (0.6, 0.9, 0.2)), None]


def test_a_score_that_is_not_a_number_is_left_undefined() -> None:
    result = SegmentationResult.empty(("a",), (1, ROWS, COLUMNS), axis=0)
    result.set_slice(0, np.zeros((1, ROWS, COLUMNS)), [float("nan")], [float("nan")])
    (row,) = slice_results(result)
    assert (row.computed, row.presence, row.predicted_iou) == (True, None, None)


def test_dice_is_undefined_where_mask_and_reference_are_empty() -> None:
    reference = np.zeros((4, ROWS, COLUMNS))
    reference[0, 0] = 7
    rows = slice_results(two_objects(), reference, object_index=0)
    assert [(row.dice, row.reference_area) for row in rows] == [(1, COLUMNS), (0, 0), (None, 0), (None, None)]


def test_a_reference_of_another_size_is_refused() -> None:
    with pytest.raises(GeometryError):
        slice_results(two_objects(), np.ones((4, ROWS, COLUMNS + 1)))


def test_totals_count_uncomputed_slices_as_missed_in_the_volume_and_leave_them_out_of_the_slices() -> None:
    reference = np.zeros((4, ROWS, COLUMNS))
    reference[[0, 3], 0] = 1
    figures = totals(two_objects(), (0.5, 2.0, 10.0), reference, object_index=0)
    assert (figures.slices, figures.computed_slices, figures.reference_slices_not_computed) == (4, 3, 1)
    # Mask on slices 0 and 1, reference on slices 0 and 3, one row each: 1 row in common.
    assert (figures.dice, figures.jaccard) == (0.5, pytest.approx(1 / 3))
    assert figures.dice_per_slice is not None
    assert (figures.dice_per_slice.count, figures.dice_per_slice.mean) == (1, 1)


def test_the_volume_is_in_millilitres() -> None:
    assert totals(two_objects(), (0.5, 2.0, 10.0), object_index=0).millilitres == pytest.approx(2 * COLUMNS * 0.01)
    assert totals(two_objects(), (0.5, 2.0, 10.0)).millilitres == pytest.approx(3 * COLUMNS * 0.01)


def test_totals_without_a_reference_hold_no_scores() -> None:
    figures = totals(two_objects(), (1, 1, 1))
    assert (figures.dice, figures.jaccard, figures.dice_per_slice, figures.reference_slices_not_computed) == (None,) * 4


@pytest.mark.parametrize("change", [{"axis": 3}, {"names": ("one",)}, {"computed": np.zeros(3, bool)}])
def test_parts_that_do_not_fit_each_other_are_refused(change: dict[str, object]) -> None:
    parts = dict(vars(two_objects()))
    with pytest.raises(ValueError, match=r"must be|do not fit"):
        SegmentationResult(**{**parts, **change})


UNIT = st.one_of(st.none(), st.floats(0, 1))
AREA = st.one_of(st.none(), st.integers(0, 10**8))
NAME = st.one_of(st.just(""), st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
ROW = st.builds(
    SliceResult,
    slice=st.integers(0, 5000),
    computed=st.booleans(),
    area=AREA,
    presence=UNIT,
    predicted_iou=UNIT,
    dice=UNIT,
    jaccard=UNIT,
    reference_area=AREA,
    object_name=NAME,
)


@given(st.lists(ROW, max_size=5))
def test_a_table_read_back_is_the_table_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[SliceResult]
) -> None:
    path = tmp_path_factory.mktemp("tables") / "slices.csv"
    write_csv(path, rows)
    assert read_csv(path) == rows


def test_cells_of_a_slice_never_computed_are_empty_and_an_empty_slice_has_area_0(tmp_path: Path) -> None:
    result = SegmentationResult.empty(("liver",), (2, ROWS, COLUMNS), axis=0)
    result.set_slice(0, np.zeros((1, ROWS, COLUMNS)), [0.25], [0.5])
    write_csv(tmp_path / "slices.csv", slice_results(result))
    assert (tmp_path / "slices.csv").read_text().splitlines() == [
        "slice,computed,area,presence,predicted_iou,dice,jaccard,reference_area",
        "0,true,0,0.25,0.5,,,",
        "1,false,,,,,,",
    ]


def test_a_table_of_several_objects_starts_with_their_names(tmp_path: Path) -> None:
    result = two_objects()
    rows = [row for index in range(2) for row in slice_results(result, object_index=index)]
    write_csv(tmp_path / "slices.csv", rows)
    lines = (tmp_path / "slices.csv").read_text().splitlines()
    assert lines[0].startswith("object,slice,computed,")
    assert [line.split(",")[0] for line in lines[1:]] == ["liver"] * 4 + ["spleen"] * 4


@pytest.mark.parametrize(
    "text", ["slice\n1\n", "slice,computed\n0,perhaps\n", "slice,computed\n0,true\n", "\xff\xfe\x00"]
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "slices.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match="not a table of slices"):
        read_csv(tmp_path / "slices.csv")


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_csv(tmp_path / "slices.csv")


def test_a_table_in_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        write_csv(tmp_path / "missing" / "slices.csv", [])
