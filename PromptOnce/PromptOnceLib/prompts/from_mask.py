"""The papers' prompt selection: from a labelled slice to one box, positive points and a negative one.

Source: Gutiérrez et al., No More Training (IEEE Access 2024), Algorithm 1 and figure 2; Prompt Once, Segment Everything
(Algorithms 2025), section 3.5. Pixels are (row, column) inside this file and x = column, y = row in what it returns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import PromptError
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point

Mask = NDArray[np.bool_]
Pixel = tuple[int, int]


@dataclass(frozen=True)
class PromptSelection:
    """The prompt, and what the user should know about how it came about."""

    prompt: ObjectPrompt
    notices: tuple[str, ...] = ()


def prompt_from_mask(
    label_slice: NDArray[Any],
    labels: Iterable[int] | None = None,
    *,
    point_per_contour: bool = False,
    min_contour_pixels: int = 1,
    name: str = "object",
) -> PromptSelection:
    """One box around all labels, a positive point for each label (ascending), then a negative point; whole pixels.

    label_slice: integers or bool (rows, columns), 0 = background. labels: those to use, by default all above 0.
    point_per_contour: a point for every 8-connected region of a label instead, the largest region first, of equal ones
    the one that comes first row by row; regions below min_contour_pixels get none, except that a label keeps the point
    of its largest region. Every label and every region is taken by itself: other labels count as background.

    * Box: x0, y0 is the first column and row with a label, x1, y1 the last ones plus 1.
    * Positive point: the centre of mass, both coordinates truncated.
      On the mask, it moves to the middle of the run of mask pixels through it, along its row or its column, whichever
      run is longer; of equal ones the column's. With an even number of pixels the middle is the one further on.
      Beside the mask, as in a ring or a U, the mask pixels left and right of it in its row and above and below it in
      its column are counted, over gaps up to the border; it moves to the middle pixel of the largest of these groups
      (of equal ones the first in this order; of an even number the one further on), as the papers' code does, then to
      the middle of its run as before. Without a mask pixel on any side the mask pixel nearest to it is taken (by
      Euclidean distance; of equal ones the first row by row), then moved to the middle; a notice says so. So positive
      points always lie on the mask.
    * Negative point: the centre of the box, lower + (upper - lower) // 2, even when it lies on the object, as it does
      for a solid one; a notice says so.

    The border of the image counts as background. A region of one pixel gives a box of one pixel and both points on it.
    Raises PromptError where the slice holds no label, or not all of those asked for.
    """
    chosen = _chosen_labels(label_slice, labels)
    notices: list[str] = []
    points: list[Point] = []
    for label in chosen:
        mask = label_slice == label
        regions = regions_of(mask, min_contour_pixels) if point_per_contour else [mask]
        for region in regions:
            (row, column), notice = _positive_point(region)
            points.append(Point(x=column, y=row, positive=True))
            if notice:
                notices.append(f"Label {label}: {notice}")
    union: Mask = np.isin(label_slice, chosen)
    box = tight_box(union)
    x, y = int(box.x0 + (box.x1 - box.x0) // 2), int(box.y0 + (box.y1 - box.y0) // 2)
    points.append(Point(x=x, y=y, positive=False))
    if union[y, x]:
        notices.append(
            "The negative point at the centre of the box lies on the object. Move or remove it if the result is poor."
        )
    return PromptSelection(ObjectPrompt(name=name, box=box, points=tuple(points)), tuple(notices))


def tight_box(mask: Mask) -> Box:
    """Smallest box around a mask, bool (rows, columns), with exclusive upper bounds. Raises PromptError if empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows) == 0:
        raise PromptError("The mask is empty, so no prompt can be made from it. Choose a slice that shows the object.")
    return Box(x0=columns[0], y0=rows[0], x1=columns[-1] + 1, y1=rows[-1] + 1)


def check_label_slice(label_slice: NDArray[Any]) -> None:
    """Raise PromptError unless it is one slice of integers or bool with a label above 0."""
    if label_slice.ndim != 2 or label_slice.dtype.kind not in "bui":
        raise PromptError(
            f"A prompt is made from one slice of whole-number labels, not from {label_slice.dtype} values of the shape "
            f"{label_slice.shape}. Choose a segmentation or a label map."
        )
    if not (label_slice > 0).any():
        raise PromptError("The reference is empty on this slice. Choose a slice that shows the object.")


def _chosen_labels(label_slice: NDArray[Any], labels: Iterable[int] | None) -> list[int]:
    check_label_slice(label_slice)
    present = [int(label) for label in np.unique(label_slice) if label > 0]
    if labels is None:
        return present
    wanted = sorted({int(label) for label in labels})
    if not wanted:
        raise PromptError(f"No label was chosen. Choose at least one; the reference holds {_listed(present)}.")
    missing = [label for label in wanted if label not in present]
    if missing:
        raise PromptError(
            f"The reference does not hold {_listed(missing)} on this slice; it holds {_listed(present)}. "
            "Choose another slice or other labels."
        )
    return wanted


def _listed(labels: list[int]) -> str:
    return ("label " if len(labels) == 1 else "the labels ") + ", ".join(map(str, labels))


def regions_of(mask: Mask, min_pixels: int = 1) -> list[Mask]:
    """8-connected regions of a mask that is not empty, bool (rows, columns) each, largest first, of equal ones the one
    that comes first row by row; without those below min_pixels, but at least the largest.
    """
    import SimpleITK as sitk  # not at the top: most prompts are not selected from a mask

    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    components = sitk.ConnectedComponent(image, True)
    numbered = sitk.GetArrayFromImage(components)
    numbers, first_pixels, sizes = np.unique(numbered, return_index=True, return_counts=True)
    regions = sorted(
        (-size, first, number) for number, first, size in zip(numbers, first_pixels, sizes, strict=True) if number
    )
    kept = [number for size, _, number in regions if -size >= min_pixels] or [regions[0][2]]
    return [numbered == number for number in kept]


def _positive_point(mask: Mask) -> tuple[Pixel, str]:
    """The point of one region, and a notice or ""."""
    rows, columns = np.nonzero(mask)
    point = (int(rows.sum()) // len(rows), int(columns.sum()) // len(columns))
    if mask[point]:
        return _centred(mask, point), ""
    moved = _moved_to_longest_side(mask, point)
    if moved is None:
        notice = (
            "no pixel of the object lies left, right, above or below its centre of mass; "
            "the positive point was put on the nearest part of the object."
        )
        return _centred(mask, _nearest(mask, point)), notice
    return _centred(mask, moved), ""


def _centred(mask: Mask, point: Pixel) -> Pixel:
    """The middle of the longer of the runs of mask pixels before and after the point in its row and in its column."""
    row, column = point
    left, right = _run(mask[row], column)
    above, below = _run(mask[:, column], row)
    if left + right > above + below:
        return row, column + (right - left + 1) // 2
    return row + (below - above + 1) // 2, column


def _run(line: Mask, position: int) -> tuple[int, int]:
    """Numbers of mask pixels before and after a position of a line, up to the first background or the border."""
    background = np.concatenate([[-1], np.flatnonzero(~line), [len(line)]])
    before = background[background < position].max()
    after = background[background > position].min()
    return int(position - before - 1), int(after - position - 1)


def _moved_to_longest_side(mask: Mask, point: Pixel) -> Pixel | None:
    """The middle one of the mask pixels on the fullest side of a point; None where all sides are bare."""
    row, column = point
    in_row, in_column = np.flatnonzero(mask[row]), np.flatnonzero(mask[:, column])
    sides = (
        in_row[in_row < column],
        in_row[in_row > column],
        in_column[in_column < row],
        in_column[in_column > row],
    )
    counts = [len(side) for side in sides]
    fullest = int(np.argmax(counts))
    if counts[fullest] == 0:
        return None
    middle = int(sides[fullest][counts[fullest] // 2])
    return (row, middle) if fullest < 2 else (middle, column)


def _nearest(mask: Mask, point: Pixel) -> Pixel:
    """Mask pixel nearest to a point."""
    pixels = np.argwhere(mask)
    row, column = pixels[np.argmin(((pixels - point) ** 2).sum(1))]
    return int(row), int(column)
