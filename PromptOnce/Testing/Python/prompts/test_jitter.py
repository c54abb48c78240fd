"""Shifts of points and boxes as Huang et al. imitate a user's hand: statements that hold for any prompt."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PromptOnceLib.errors import PromptError
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt, encode_mask
from PromptOnceLib.prompts.strategies.jitter import SHIFT_LEVELS, BoxChange, jittered

ROWS, COLUMNS = 60, 80
DISK = np.hypot(*(np.indices((ROWS, COLUMNS)) - np.array([25, 30])[:, None, None])) <= 10

seeds = st.integers(0, 2**32 - 1)
levels = st.sampled_from(SHIFT_LEVELS)
changes = st.sampled_from(["move", "enlarge"])


@st.composite
def prompts(draw: st.DrawFn) -> ObjectPrompt:
    """A box of one pixel or more and up to ten points, anywhere on the slice."""
    x0, y0 = draw(st.integers(0, COLUMNS - 1)), draw(st.integers(0, ROWS - 1))
    x1, y1 = draw(st.integers(x0 + 1, COLUMNS)), draw(st.integers(y0 + 1, ROWS))
    places = draw(
        st.lists(st.tuples(st.integers(0, COLUMNS - 1), st.integers(0, ROWS - 1), st.booleans()), max_size=10)
    )
    points = tuple(Point(x=x, y=y, positive=positive) for x, y, positive in places)
    return ObjectPrompt(box=Box(x0=x0, y0=y0, x1=x1, y1=y1), points=points)


@given(prompts(), seeds, st.sampled_from([(0, 0), *SHIFT_LEVELS]), changes)
def test_a_shifted_prompt_stays_in_the_image_and_its_box_keeps_an_area(
    prompt: ObjectPrompt, seed: int, level: tuple[int, int], box_change: BoxChange
) -> None:
    shifted = jittered(prompt, (ROWS, COLUMNS), *level, seed=seed, box_change=box_change)
    corners, _ = shifted.points_and_labels()
    assert ((corners >= -0.5) & (corners <= (COLUMNS, ROWS))).all()
    assert [point.positive for point in shifted.points] == [point.positive for point in prompt.points]
    assert shifted.box is not None
    rounding = 1e-9  # of adding a shift to both sides
    assert shifted.box.x1 - shifted.box.x0 >= 1 - rounding
    assert shifted.box.y1 - shifted.box.y0 >= 1 - rounding
    Prompt(slice=0, objects=(shifted,)).validate_for((1, ROWS, COLUMNS))
    assert jittered(prompt, (ROWS, COLUMNS), *level, seed=seed, box_change=box_change) == shifted


@given(seeds, levels)
def test_points_and_a_moved_box_shift_by_a_distance_of_the_level(seed: int, level: tuple[int, int]) -> None:
    points = tuple(Point(x=150 + 10 * n, y=200, positive=n < 5) for n in range(10))
    box = Box(x0=150, y0=150, x1=251, y1=251)
    shifted = jittered(ObjectPrompt(box=box, points=points), (400, 400), *level, seed=seed)
    assert shifted.box is not None
    pairs = [((a.x, a.y), (b.x, b.y)) for a, b in zip(points, shifted.points, strict=True)]
    pairs.append(((box.x0, box.y0), (shifted.box.x0, shifted.box.y0)))
    for before, after in pairs:
        assert level[0] - 1e-9 <= math.dist(before, after) <= level[1] + 1e-9
    assert shifted.box.x1 - shifted.box.x0 == pytest.approx(101)
    assert shifted.box.y1 - shifted.box.y0 == pytest.approx(101)


def test_distances_and_directions_are_uniform() -> None:
    points = tuple(Point(x=200, y=200, positive=True) for _ in range(4000))
    shifted = jittered(ObjectPrompt(points=points), (400, 400), 10, 20, seed=2)
    moves = np.array([(point.x - 200, point.y - 200) for point in shifted.points])
    distances = np.hypot(*moves.T)
    assert np.histogram(distances, 4, (10, 20))[0].min() > 900
    assert np.histogram(np.arctan2(*moves.T), 4, (-np.pi, np.pi))[0].min() > 900


@given(seeds, levels)
def test_every_side_of_an_enlarged_box_moves_outwards(seed: int, level: tuple[int, int]) -> None:
    prompt = ObjectPrompt(box=Box(x0=150, y0=160, x1=250, y1=200))
    box = jittered(prompt, (400, 400), *level, seed=seed, box_change="enlarge").box
    assert box is not None
    for outwards in (150 - box.x0, 160 - box.y0, box.x1 - 250, box.y1 - 200):
        assert level[0] <= outwards <= level[1]


@pytest.mark.parametrize("box_change", ["move", "enlarge"])
def test_a_shift_of_zero_changes_nothing(box_change: BoxChange) -> None:
    points = (Point(x=-0.5, y=3.25, positive=True), Point(x=79.5, y=59.5, positive=False))
    prompt = ObjectPrompt(name="liver", box=Box(x0=-0.5, y0=59.7, x1=80, y1=60), points=points)
    assert jittered(prompt, (60, 80), 0, 0, box_change=box_change) == prompt


def test_a_box_that_would_leave_the_image_keeps_a_pixel_at_the_border() -> None:
    prompt = ObjectPrompt(box=Box(x0=0, y0=0, x1=2, y1=2))
    boxes = [jittered(prompt, (100, 100), 20, 30, seed).box for seed in range(50)]
    assert Box(x0=0, y0=0, x1=1, y1=1) in boxes


def test_the_points_of_a_prompt_do_not_all_shift_alike() -> None:
    prompt = ObjectPrompt(points=tuple(Point(x=30, y=25 + n, positive=True) for n in range(5)))
    shifted = jittered(prompt, (60, 80), 0, 10, seed=1)
    moves = {(round(b.x - a.x, 6), round(b.y - a.y, 6)) for a, b in zip(prompt.points, shifted.points, strict=True)}
    assert len(moves) == 5


def test_a_mask_prompt_cannot_be_shifted() -> None:
    with pytest.raises(PromptError, match="cannot be shifted"):
        jittered(ObjectPrompt(mask=encode_mask(DISK)), (60, 80), 0, 10)


@pytest.mark.parametrize(("low", "high"), [(-1, 5), (5, 4), (0, math.inf), (math.nan, 5)])
def test_impossible_shifts_are_refused(low: float, high: float) -> None:
    with pytest.raises(PromptError, match="lowest to a highest"):
        jittered(ObjectPrompt(box=Box(x0=1, y0=1, x1=5, y1=5)), (60, 80), low, high)
