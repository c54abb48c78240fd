"""The papers' prompt selection on any mask: it fits the slice, and its points are those of Algorithm 1."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from PromptOnceLib.prompts.from_mask import prompt_from_mask, tight_box
from PromptOnceLib.prompts.prompt import Prompt
from prompts.sample_prompts import negative, positives

label_slices = hnp.arrays(
    np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=14), elements=st.sampled_from([0, 0, 0, 1, 2, 7])
).filter(np.any)


@given(label_slices, st.booleans())
def test_the_prompt_of_any_slice_fits_it_and_its_positive_points_lie_on_their_labels(
    label_slice: np.ndarray, point_per_contour: bool
) -> None:
    selection = prompt_from_mask(label_slice, point_per_contour=point_per_contour)
    Prompt(slice=0, objects=(selection.prompt,)).validate_for((1, *label_slice.shape))
    found = [label_slice[int(y), int(x)] for x, y in positives(selection)]
    assert found == sorted(found)
    assert set(found) == set(np.unique(label_slice)) - {0}
    if not point_per_contour:
        assert len(found) == len(set(found))
    x, y = negative(selection)
    assert ("The negative point" in " ".join(selection.notices)) == bool(label_slice[int(y), int(x)])


@given(label_slices)
def test_the_tight_box_holds_every_pixel_and_cannot_be_smaller(label_slice: np.ndarray) -> None:
    box = tight_box(label_slice > 0)
    y0, y1, x0, x1 = int(box.y0), int(box.y1), int(box.x0), int(box.x1)
    inside = label_slice[y0:y1, x0:x1]
    assert inside.astype(bool).sum() == label_slice.astype(bool).sum()
    for side in (inside[0], inside[-1], inside[:, 0], inside[:, -1]):
        assert side.any()


def by_the_book(labels: list[list[int]]) -> tuple[list[tuple[int, int]], set[int]]:
    """Algorithm 1 stated again, pixel by pixel and without arrays: the points in order as (row, column), the negative
    one last; and the labels whose centre of mass sees no pixel on any side.
    """
    height, width = len(labels), len(labels[0])
    everywhere = [(row, column) for row in range(height) for column in range(width)]
    points, blind = [], set()
    for label in sorted({value for row in labels for value in row if value > 0}):
        mask = {(row, column) for row, column in everywhere if labels[row][column] == label}
        row = int(sum(r for r, _ in mask) / len(mask))
        column = int(sum(c for _, c in mask) / len(mask))
        if (row, column) not in mask:
            left = [pixel for pixel in everywhere if pixel in mask and pixel[0] == row and pixel[1] < column]
            right = [pixel for pixel in everywhere if pixel in mask and pixel[0] == row and pixel[1] > column]
            above = [pixel for pixel in everywhere if pixel in mask and pixel[1] == column and pixel[0] < row]
            below = [pixel for pixel in everywhere if pixel in mask and pixel[1] == column and pixel[0] > row]
            most = left
            for side in (right, above, below):
                most = side if len(side) > len(most) else most
            if not most:
                blind.add(label)
                most = [min(sorted(mask), key=lambda p: (p[0] - row) ** 2 + (p[1] - column) ** 2)]
            row, column = most[len(most) // 2]
        before, after = {}, {}
        for name, down, across in (("row", 0, 1), ("column", 1, 0)):
            for counts, sign in ((before, -1), (after, 1)):
                counts[name] = 0
                while (row + sign * down * (counts[name] + 1), column + sign * across * (counts[name] + 1)) in mask:
                    counts[name] += 1
        if before["row"] + after["row"] > before["column"] + after["column"]:
            column += (after["row"] - before["row"] + 1) // 2
        else:
            row += (after["column"] - before["column"] + 1) // 2
        points.append((row, column))
    rows = [row for row, column in everywhere if labels[row][column] > 0]
    columns = [column for row, column in everywhere if labels[row][column] > 0]
    top, left_side, bottom, right_side = min(rows), min(columns), max(rows) + 1, max(columns) + 1
    points.append((top + (bottom - top) // 2, left_side + (right_side - left_side) // 2))
    return points, blind


# Blots of labels, as organs are, besides the scattered pixels above: so that runs and centres beside the mask are long.
blots = st.lists(
    st.tuples(
        st.integers(0, 13), st.integers(0, 17), st.integers(1, 9), st.integers(1, 9), st.sampled_from([0, 1, 2, 5])
    ),
    min_size=1,
    max_size=9,
).map(lambda parts: blotted(parts))


def blotted(parts: list[tuple[int, int, int, int, int]]) -> np.ndarray:
    labels = np.zeros((14, 18), np.int16)
    for row, column, rows, columns, label in parts:
        labels[row : row + rows, column : column + columns] = label
    return labels


@given(st.one_of(label_slices, blots.filter(np.any)))
def test_the_points_of_any_slice_are_those_of_algorithm_1(label_slice: np.ndarray) -> None:
    expected, blind = by_the_book(label_slice.tolist())
    selection = prompt_from_mask(label_slice)
    assert [(point.y, point.x) for point in selection.prompt.points] == expected
    assert [point.positive for point in selection.prompt.points] == [True] * (len(expected) - 1) + [False]
    box = selection.prompt.box
    assert box is not None
    numbers = [
        box.x0,
        box.y0,
        box.x1,
        box.y1,
        *(value for point in selection.prompt.points for value in (point.x, point.y)),
    ]
    assert all(number == int(number) for number in numbers)
    assert {notice.split(":")[0] for notice in selection.notices if "nearest" in notice} == {
        f"Label {n}" for n in blind
    }
