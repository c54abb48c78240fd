"""Better negative points, searched for with the reference at hand.

Source: Gutiérrez et al., No More Training (IEEE Access 2024), section V and figure 6: a slice gained much when the
negative point was moved from the centre of the box onto what was segmented wrongly (a, b), and another one when
negative points were added (c, d). Their published experiments move the point along one column of one image and add
points at four fixed places of another. How points are found in any image is our own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import PromptError
from PromptOnceLib.prompts.from_mask import Mask, Pixel, regions_of
from PromptOnceLib.prompts.prompt import ObjectPrompt, Point
from PromptOnceLib.segmentation.metrics import dice

SegmentSlice = Callable[[ObjectPrompt], NDArray[Any]]
"""Segments one slice from a prompt: (rows, columns), other than 0 = object."""


@dataclass(frozen=True)
class NegativePointSearch:
    """What a search found.

    prompt: the best one; the base prompt where nothing was better. points: the negative points that were found, in the
    order of the search. moved: whether the first of them stands in place of the base prompt's own negative points.
    before, after: Dice of the base prompt and of the best one. segmentations: how often the slice was segmented.
    """

    prompt: ObjectPrompt
    points: tuple[Point, ...]
    moved: bool
    before: float
    after: float
    segmentations: int

    @property
    def gain(self) -> float:
        """Dice gained; 0 where nothing was better."""
        return self.after - self.before


@dataclass(frozen=True, eq=False)
class _Trial:
    prompt: ObjectPrompt
    mask: Mask
    dice: float
    point: Point | None = None
    moved: bool = False


def search_negative_points(
    segment: SegmentSlice, reference: NDArray[Any], prompt: ObjectPrompt, *, candidates: int = 5, points: int = 1
) -> NegativePointSearch:
    """Try negative points where too much is segmented, and keep the best: up to `points`, one after the other.

    reference: (rows, columns), other than 0 = object. prompt: box and points, such as prompt_from_mask makes.

    For each point up to `candidates` pixels are tried, the innermost of the largest regions (8-connected) of what the
    best prompt so far segments beside the reference; where there are fewer regions, further pixels of the same ones,
    far from those before. Each is added to the prompt and, for the first point, also put in place of the prompt's own
    negative points. The one with the highest Dice stays (of equal ones the first, added before moved); the search ends
    where none is better than before, or nothing is segmented beside the reference.

    So at most 1 + candidates * (points + 1) segmentations. What `segment` raises, it raises, too. Raises PromptError
    for an empty reference, a mask prompt and counts below 1, and GeometryError for masks of another shape.
    """
    if prompt.mask is not None:
        raise PromptError("Negative points cannot be put beside a mask prompt. Use a prompt of a box or points.")
    if min(candidates, points) < 1:
        raise PromptError(f"At least one candidate and one point are needed, not {candidates} and {points}.")
    target: Mask = reference != 0
    if not target.any():
        raise PromptError("The reference is empty on this slice: there is nothing to compare with. Choose another.")

    def tried(changed: ObjectPrompt, point: Point | None = None, moved: bool = False) -> _Trial:
        mask: Mask = segment(changed) != 0
        return _Trial(changed, mask, dice(mask, target) or 0.0, point, moved)

    base = best = tried(prompt)
    kept: list[_Trial] = []
    segmentations = 1
    for number in range(points):
        trials = []
        for row, column in _inner_pixels(best.mask & ~target, candidates):
            point = Point(x=column, y=row, positive=False)
            trials += [tried(changed, point, moved) for changed, moved in _with_point(best.prompt, point, number == 0)]
        segmentations += len(trials)
        winner = max(trials, key=lambda trial: trial.dice, default=best)
        if winner.dice <= best.dice:
            break
        kept.append(winner)
        best = winner
    found = tuple(trial.point for trial in kept if trial.point is not None)
    return NegativePointSearch(
        best.prompt, found, any(trial.moved for trial in kept), base.dice, best.dice, segmentations
    )


def _with_point(prompt: ObjectPrompt, point: Point, may_move: bool) -> Iterator[tuple[ObjectPrompt, bool]]:
    """The prompt with a negative point more; and with it in place of its own ones, where it has any."""
    yield prompt.model_copy(update={"points": (*prompt.points, point)}), False
    positive = tuple(own for own in prompt.points if own.positive)
    if may_move and len(positive) < len(prompt.points):
        yield prompt.model_copy(update={"points": (*positive, point)}), True


def _inner_pixels(wrong: Mask, count: int) -> list[Pixel]:
    """Up to count pixels deep in the regions of a mask, those of the largest regions first."""
    if not wrong.any():
        return []
    regions = regions_of(wrong)
    found: list[Pixel] = []
    for number in range(count):
        region = regions[number % len(regions)]
        if region.any():
            pixel = _innermost(region)
            region[pixel] = False  # so that the next one of this region lies far from it
            found.append(pixel)
    return found


def _innermost(region: Mask) -> Pixel:
    """The pixel farthest from all that is not the region, the border included; of equal ones the first row by row."""
    import SimpleITK as sitk  # not at the top: most prompts are made without a search

    image = sitk.GetImageFromArray(np.pad(region, 1).astype(np.uint8))
    depths = sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(image, insideIsPositive=True, squaredDistance=True))
    row, column = np.unravel_index(np.argmax(depths[1:-1, 1:-1]), region.shape)
    return int(row), int(column)
