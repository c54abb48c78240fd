"""Which cases deserve a look first, and on which slice: doubts about a result, each with a reason in words.

A doubt is a number from 0 (nothing strange) to 1; the score of a case is its largest. It says where to look, not
whether a result is good: a mask can be wrong everywhere and look perfectly even.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from pydantic import Field

from PromptOnceLib.schema import StrictModel
from PromptOnceLib.segmentation.result import PRESENT, SliceResult

LOOK = 0.3
"""Score from which a case counts as one to look at."""

_SMALL = 0.1  # of the largest slice; below, an object's end is uncertain for everybody and counts less
_FULL_JUMP = 0.5  # of the largest area, more than expected: a doubt of 1
_REAPPEARS = 0.6
_NOT_COMPUTED = 0.5


class QualityFlag(StrictModel):
    """A reason to look. doubt: 0 to 1. slice: index in the stack, None where no slice is meant."""

    doubt: float = Field(ge=0, le=1)
    reason: str
    slice: int | None = None


class ReviewPriority(StrictModel):
    """What the figures of a case say about where to look.

    score: the largest doubt, 0 to 1. slice: where to look, the prompted slice where nothing points elsewhere. doubts:
    those of at least 0.1, the largest first. lowest_presence, lowest_predicted_iou: over the slices with a mask.
    largest_jump: of the area between neighbouring slices, in parts of the largest area. None where there is no mask.
    """

    score: float = Field(ge=0, le=1)
    reason: str
    slice: int
    doubts: tuple[QualityFlag, ...] = ()
    lowest_presence: float | None = None
    lowest_predicted_iou: float | None = None
    largest_jump: float | None = None


def look_first(
    rows: Sequence[SliceResult],
    prompted_slice: int,
    dice: float | None = None,
    round_trip: float | None = None,
    cancelled: bool = True,
) -> ReviewPriority:
    """Judge a case from its per-slice table.

    rows: of the union of all objects, sorted by slice. dice: of the volume, None without a reference. round_trip: Dice
    from 0 to 1 of the prompted slice's mask after a way there and back, None where that was not tried. cancelled:
    whether slices that were not computed are missing because of a cancel; otherwise they were left out where the object
    had ended, which is nothing strange.
    """
    drawn = [row for row in rows if row.area]
    doubts = [*_of_the_run(rows if cancelled else (), drawn, prompted_slice), *_of_comparison(rows, dice, round_trip)]
    largest = 0.0
    if drawn:
        jumps = _jumps(rows)
        largest = max((jump for jump, _ in jumps), default=0.0)
        doubts += [*_of_confidence(drawn), *_of_jumps(jumps, len(drawn), prompted_slice), *_of_gaps(rows)]
    doubts = sorted((item for item in doubts if item.doubt >= 0.1), key=lambda item: -item.doubt)
    presences = [row.presence for row in drawn if row.presence is not None]
    ious = [row.predicted_iou for row in drawn if row.predicted_iou is not None]
    pointing = [item.slice for item in doubts if item.slice is not None]
    return ReviewPriority(
        score=doubts[0].doubt if doubts else 0.0,
        reason=doubts[0].reason if doubts else "nothing strange",
        slice=pointing[0] if pointing else prompted_slice,
        doubts=tuple(doubts),
        lowest_presence=min(presences, default=None),
        lowest_predicted_iou=min(ious, default=None),
        largest_jump=largest if drawn else None,
    )


def _of_the_run(
    rows: Sequence[SliceResult], drawn: Sequence[SliceResult], prompted_slice: int
) -> Iterator[QualityFlag]:
    missing = [row.slice for row in rows if not row.computed]
    if missing:
        nearest = min(missing, key=lambda index: abs(index - prompted_slice))
        yield QualityFlag(doubt=_NOT_COMPUTED, reason=f"{_count(len(missing), 'slice')} not computed", slice=nearest)
    if not drawn:
        yield QualityFlag(doubt=1.0, reason="no mask on any slice", slice=prompted_slice)


def _of_comparison(rows: Sequence[SliceResult], dice: float | None, round_trip: float | None) -> Iterator[QualityFlag]:
    if dice is not None:
        wrong = {row.slice: _wrong_pixels(row) for row in rows if row.dice is not None}
        worst = max(wrong, key=lambda index: wrong[index]) if wrong else None
        yield QualityFlag(doubt=_part(1 - dice), reason=f"Dice {dice:.2f}", slice=worst)
    if round_trip is not None:
        yield QualityFlag(doubt=_part(1 - round_trip), reason=f"round trip {round_trip:.2f}")


def _of_confidence(drawn: Sequence[SliceResult]) -> Iterator[QualityFlag]:
    """The largest doubt of presence and of predicted IoU; slices with a small mask count less."""
    largest = max(row.area or 0 for row in drawn)
    weight = {row.slice: min(1.0, (row.area or 0) / (_SMALL * largest)) for row in drawn}
    # SAM 2 draws nothing below the limit, so what is drawn lies between it and 1.
    sure = [
        (_part((1 - row.presence) / (1 - PRESENT)) * weight[row.slice], row.presence, row.slice)
        for row in drawn
        if row.presence is not None
    ]
    good = [
        (_part(1 - row.predicted_iou) * weight[row.slice], row.predicted_iou, row.slice)
        for row in drawn
        if row.predicted_iou is not None
    ]
    for found, title in ((sure, "presence"), (good, "predicted IoU")):
        if found:
            doubt, value, index = max(found, key=lambda item: (item[0], -item[1]))
            yield QualityFlag(doubt=doubt, reason=f"{title} {value:.2f}", slice=index)


def _jumps(rows: Sequence[SliceResult]) -> list[tuple[float, tuple[int, int]]]:
    """Change of area between computed neighbours, in parts of the largest area, and the two slices."""
    largest = max(row.area or 0 for row in rows)
    return [
        (abs(a.area - b.area) / largest, (a.slice, b.slice))
        for a, b in pairwise(rows)
        if a.area is not None and b.area is not None
    ]


def _of_jumps(jumps: Sequence[tuple[float, tuple[int, int]]], drawn: int, prompted_slice: int) -> Iterator[QualityFlag]:
    """A jump counts for what it exceeds the steepest change of an ellipsoid seen on as many slices.

    Its area falls with the square of the distance from its middle: by about 4 / n of the largest at its ends.
    """
    if not jumps:
        return
    jump, pair = max(jumps)
    doubt = _part((jump - min(1.0, 4 / drawn)) / _FULL_JUMP)
    further = max(pair, key=lambda index: abs(index - prompted_slice))
    yield QualityFlag(doubt=doubt, reason=f"area jumps by {jump:.0%} of the largest", slice=further)


def _of_gaps(rows: Sequence[SliceResult]) -> Iterator[QualityFlag]:
    """A mask that vanishes and comes back."""
    drawn = [row.slice for row in rows if row.area]
    gap = next((row.slice for row in rows if row.area == 0 and drawn[0] < row.slice < drawn[-1]), None)
    if gap is not None:
        yield QualityFlag(doubt=_REAPPEARS, reason="mask vanishes and comes back", slice=gap)


def _wrong_pixels(row: SliceResult) -> float:
    """Pixels that mask and reference do not share."""
    return (1 - (row.dice or 0.0)) * ((row.area or 0) + (row.reference_area or 0))


def _part(value: float) -> float:
    return min(1.0, max(0.0, value))


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
