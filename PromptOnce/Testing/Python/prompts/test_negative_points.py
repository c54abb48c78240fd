"""The search for better negative points, with a stand-in for the model whose answers can be foretold."""

from __future__ import annotations

import numpy as np
import pytest

from PromptOnceLib.errors import CancelledError, GeometryError, PromptError
from PromptOnceLib.prompts.from_mask import prompt_from_mask
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, encode_mask
from PromptOnceLib.prompts.strategies.negative_points import search_negative_points

SHAPE = (40, 60)
ROW, COLUMN = np.indices(SHAPE)


def disk(x: float, y: float, radius: float) -> np.ndarray:
    return np.hypot(COLUMN - x, ROW - y) <= radius


LUNGS = disk(15, 20, 8) | disk(45, 20, 8)
HEART, LIVER, SPINE = disk(30, 10, 6), disk(30, 30, 4), disk(30, 20, 2)
BASE = ObjectPrompt(
    box=Box(x0=5, y0=5, x1=55, y1=38),
    points=(Point(x=15, y=20, positive=True), Point(x=45, y=20, positive=True), Point(x=30, y=20, positive=False)),
)


class Model:
    """Segments the lungs and every other organ that no negative point lies on."""

    def __init__(self, *organs: np.ndarray, lost_with_middle: np.ndarray | None = None) -> None:
        self.organs, self.lost_with_middle = organs, lost_with_middle
        self.prompts: list[ObjectPrompt] = []

    def __call__(self, prompt: ObjectPrompt) -> np.ndarray:
        self.prompts.append(prompt)
        negative = [(int(point.y), int(point.x)) for point in prompt.points if not point.positive]
        mask = LUNGS.copy()
        for organ in self.organs:
            if not any(organ[pixel] for pixel in negative):
                mask |= organ
        if self.lost_with_middle is not None and (20, 30) in negative:
            mask &= ~self.lost_with_middle
        return mask.astype(np.uint8)


def dice(mask: np.ndarray) -> float:
    return float(2 * (mask & LUNGS).sum() / (mask.sum() + LUNGS.sum()))


def test_a_point_on_the_largest_wrong_region_is_added() -> None:
    model = Model(HEART, LIVER)
    found = search_negative_points(model, LUNGS, BASE, candidates=2)
    assert found.points == (Point(x=30, y=10, positive=False),)
    assert found.prompt.points == (*BASE.points, *found.points)
    assert found.prompt.box == BASE.box
    assert not found.moved
    assert found.before == pytest.approx(dice(LUNGS | HEART | LIVER))
    assert found.after == pytest.approx(dice(LUNGS | LIVER))
    assert found.gain == pytest.approx(found.after - found.before)
    # The base, then two candidates, each added and moved.
    assert found.segmentations == len(model.prompts) == 5


def test_several_points_are_found_one_after_the_other() -> None:
    model = Model(HEART, LIVER)
    found = search_negative_points(model, LUNGS, BASE, candidates=3, points=4)
    assert found.points == (Point(x=30, y=10, positive=False), Point(x=30, y=30, positive=False))
    assert found.after == 1.0
    # Nothing wrong is left after the second point, so that there is no third search; its candidates are only added.
    assert found.segmentations == len(model.prompts) == 1 + 2 * 3 + 3


def test_the_point_takes_the_place_of_the_centre_where_that_does_harm() -> None:
    model = Model(HEART, lost_with_middle=disk(15, 20, 7))
    found = search_negative_points(model, LUNGS, BASE)
    assert found.moved
    assert found.prompt.points == (*BASE.points[:2], Point(x=30, y=10, positive=False))
    assert found.after == 1.0


def test_a_prompt_without_negative_points_can_only_be_added_to() -> None:
    model = Model(HEART)
    found = search_negative_points(model, LUNGS, BASE.model_copy(update={"points": ()}), candidates=1)
    assert not found.moved
    assert found.prompt.points == (Point(x=30, y=10, positive=False),)
    assert found.segmentations == 2


def test_of_one_wrong_region_several_pixels_are_tried_that_lie_apart() -> None:
    bar = (abs(ROW - 3) <= 2) & (abs(COLUMN - 30) <= 20)
    model = Model(bar & disk(30, 3, 0))  # hardly anything helps
    found = search_negative_points(lambda prompt: model(prompt) | bar, LUNGS, BASE, candidates=4)
    tried = {(point.x, point.y) for prompt in model.prompts for point in prompt.points[-1:]} - {(30, 20)}
    assert len(tried) == 4
    assert all(bar[int(y), int(x)] for x, y in tried)
    assert min(abs(a - b) + abs(c - d) for a, c in tried for b, d in tried if (a, c) != (b, d)) > 2
    assert found.segmentations == 9


def test_the_base_prompt_stays_where_nothing_is_better() -> None:
    found = search_negative_points(lambda _: LUNGS | HEART, LUNGS, BASE)
    assert (found.prompt, found.points, found.moved, found.gain) == (BASE, (), False, 0.0)
    assert found.segmentations == 11


def test_where_nothing_is_segmented_beside_the_reference_nothing_is_tried() -> None:
    model = Model()
    found = search_negative_points(model, LUNGS, BASE)
    assert (found.segmentations, found.before, found.gain) == (1, 1.0, 0.0)
    # Too little is no reason for a negative point either.
    assert search_negative_points(lambda _: np.zeros(SHAPE, bool), LUNGS, BASE).segmentations == 1


def test_the_papers_prompt_is_a_base() -> None:
    base = prompt_from_mask(LUNGS).prompt
    found = search_negative_points(Model(HEART, SPINE), LUNGS, base)
    assert found.gain > 0
    assert [point.positive for point in found.prompt.points[:2]] == [True, False]


def test_what_the_segmentation_raises_ends_the_search() -> None:
    def cancelled(prompt: ObjectPrompt) -> np.ndarray:
        raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        search_negative_points(cancelled, LUNGS, BASE)


def test_what_cannot_be_searched_is_said() -> None:
    with pytest.raises(PromptError, match="reference is empty"):
        search_negative_points(Model(), np.zeros(SHAPE, bool), BASE)
    with pytest.raises(PromptError, match="mask prompt"):
        search_negative_points(Model(), LUNGS, ObjectPrompt(mask=encode_mask(LUNGS)))
    with pytest.raises(PromptError, match="At least one candidate"):
        search_negative_points(Model(), LUNGS, BASE, candidates=0)
    with pytest.raises(GeometryError):
        search_negative_points(Model(), LUNGS[:-1], BASE)
