"""The strategies of Huang et al. and their random shifts: statements that hold for any mask."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from training.evaluation.strategies import SHIFT_LEVELS, Strategy, jittered, prompt_by_strategy

from PromptOnceLib.errors import PromptError
from PromptOnceLib.prompts.from_mask import tight_box
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt, encode_mask

COUNTS = {"S2": (1, 0), "S3": (5, 0), "S4": (5, 5), "S5": (0, 0), "S6": (1, 0)}
BOXES = {"S5", "S6"}

masks = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=16)).filter(np.any)
seeds = st.integers(0, 2**32 - 1)
strategies = st.sampled_from(list(Strategy))


def disk(rows: int = 60, columns: int = 80, x: float = 30, y: float = 25, radius: float = 10) -> np.ndarray:
    row, column = np.indices((rows, columns))
    return np.hypot(column - x, row - y) <= radius


def pixels(prompt: ObjectPrompt, positive: bool) -> list[tuple[int, int]]:
    """(row, column) of the points of one kind."""
    return [(int(point.y), int(point.x)) for point in prompt.points if point.positive == positive]


@given(masks, strategies, seeds)
def test_positive_points_lie_on_the_object_and_negative_ones_beside_it(
    mask: np.ndarray, strategy: Strategy, seed: int
) -> None:
    prompt = prompt_by_strategy(mask, strategy, seed)
    Prompt(slice=0, objects=(prompt,)).validate_for((1, *mask.shape))
    assert all(mask[pixel] for pixel in pixels(prompt, True))
    assert not any(mask[pixel] for pixel in pixels(prompt, False))


@given(masks, strategies, seeds)
def test_there_are_as_many_different_points_as_the_strategy_says_or_as_there_are_pixels(
    mask: np.ndarray, strategy: Strategy, seed: int
) -> None:
    prompt = prompt_by_strategy(mask, strategy, seed)
    positive, negative = COUNTS[strategy.value]
    assert len(set(pixels(prompt, True))) == len(pixels(prompt, True)) == min(positive, mask.sum())
    assert len(set(pixels(prompt, False))) == len(pixels(prompt, False)) <= negative
    assert (prompt.box is not None) == (strategy.value in BOXES)
    assert [point.positive for point in prompt.points] == sorted((p.positive for p in prompt.points), reverse=True)


@given(masks, strategies, seeds)
def test_the_same_seed_gives_the_same_prompt(mask: np.ndarray, strategy: Strategy, seed: int) -> None:
    assert prompt_by_strategy(mask, strategy, seed) == prompt_by_strategy(mask, strategy, np.random.default_rng(seed))


@given(masks, seeds)
def test_the_box_is_tight(mask: np.ndarray, seed: int) -> None:
    assert prompt_by_strategy(mask, Strategy.BOX, seed).box == tight_box(mask)


@given(masks, seeds)
def test_negative_points_lie_in_the_box_enlarged_two_times(mask: np.ndarray, seed: int) -> None:
    box = tight_box(mask)
    for row, column in pixels(prompt_by_strategy(mask, Strategy.FIVE_POSITIVE_FIVE_NEGATIVE, seed), False):
        # The enlarged box reaches half a width beyond the edges of the outermost pixels, x0 - 0.5 and x1 - 0.5.
        assert abs(column - (box.x0 + box.x1 - 1) / 2) <= box.x1 - box.x0
        assert abs(row - (box.y0 + box.y1 - 1) / 2) <= box.y1 - box.y0


def test_the_first_point_is_the_centre_of_mass_where_that_is_inside() -> None:
    for strategy in (Strategy.ONE_POINT, Strategy.FIVE_POINTS, Strategy.BOX_AND_POINT):
        assert prompt_by_strategy(disk(), strategy).points[0] == Point(x=30, y=25, positive=True)


def test_the_centre_of_mass_is_taken_to_the_pixel_that_holds_it() -> None:
    mask = np.zeros((3, 9), dtype=bool)
    mask[1, [0, 1, 2, 3, 4, 5, 8]] = True  # columns: sum 23, mean 3.29
    assert prompt_by_strategy(mask, Strategy.ONE_POINT).points == (Point(x=3, y=1, positive=True),)
    mask[1, 7] = True  # sum 30, mean 3.75
    assert prompt_by_strategy(mask, Strategy.ONE_POINT).points == (Point(x=4, y=1, positive=True),)


def test_a_centre_of_mass_beside_the_object_is_not_used() -> None:
    ring = disk() & ~disk(radius=6)
    prompt = prompt_by_strategy(ring, Strategy.FIVE_POINTS)
    assert len(pixels(prompt, True)) == 5
    assert (25, 30) not in pixels(prompt, True)


def test_points_are_spread_evenly_over_the_flattened_mask() -> None:
    mask = np.ones((1, 100), dtype=bool)
    mask[0, 40:60] = False  # centre of mass 49.5, beside the object; 80 pixels, steps of 16
    prompt = prompt_by_strategy(mask, Strategy.FIVE_POINTS, 3)
    places = np.cumsum(mask[0])[[column for _, column in pixels(prompt, True)]]
    np.testing.assert_array_equal(np.diff(places), [16, 16, 16, 16])


def test_other_seeds_give_other_points() -> None:
    assert len({prompt_by_strategy(disk(), Strategy.FIVE_POINTS, seed) for seed in range(10)}) > 5


def test_every_pixel_of_a_small_object_gives_one_point() -> None:
    mask = np.zeros((5, 5), dtype=bool)
    mask[2, 1:4] = True
    prompt = prompt_by_strategy(mask, Strategy.FIVE_POSITIVE_FIVE_NEGATIVE)
    assert sorted(pixels(prompt, True)) == [(2, 1), (2, 2), (2, 3)]
    assert len(pixels(prompt, False)) == 5


def test_an_object_that_fills_the_image_gets_no_negative_point() -> None:
    prompt = prompt_by_strategy(np.ones((6, 7), dtype=bool), Strategy.FIVE_POSITIVE_FIVE_NEGATIVE)
    assert len(pixels(prompt, True)) == 5
    assert pixels(prompt, False) == []


def test_strategies_can_be_named_as_in_the_paper() -> None:
    assert prompt_by_strategy(disk(), Strategy("S6")) == prompt_by_strategy(disk(), Strategy.BOX_AND_POINT)


@pytest.mark.parametrize("shape", [(4, 5), (2, 4, 5)])
def test_an_empty_mask_and_a_volume_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(PromptError, match=r"empty|one slice"):
        prompt_by_strategy(np.zeros(shape, dtype=bool), Strategy.BOX)


# Shifts


@given(masks, strategies, seeds, st.sampled_from([(0, 0), *SHIFT_LEVELS]), st.sampled_from(["move", "enlarge"]))
def test_a_shifted_prompt_stays_in_the_image_and_its_box_keeps_an_area(
    mask: np.ndarray, strategy: Strategy, seed: int, level: tuple[int, int], box_change: str
) -> None:
    prompt = prompt_by_strategy(mask, strategy, seed)
    shifted = jittered(prompt, mask.shape, *level, seed=seed, box_change=box_change)
    corners, _ = shifted.points_and_labels()
    assert ((corners >= -0.5) & (corners <= np.array(mask.shape)[::-1])).all()
    assert [point.positive for point in shifted.points] == [point.positive for point in prompt.points]
    if shifted.box is not None:
        rounding = 1e-9  # of adding a shift to both sides
        assert shifted.box.x1 - shifted.box.x0 >= 1 - rounding
        assert shifted.box.y1 - shifted.box.y0 >= 1 - rounding
    Prompt(slice=0, objects=(shifted,)).validate_for((1, *mask.shape))
    assert jittered(prompt, mask.shape, *level, seed=seed, box_change=box_change) == shifted


@given(seeds, st.sampled_from(SHIFT_LEVELS))
def test_points_and_a_moved_box_shift_by_a_distance_of_the_level(seed: int, level: tuple[int, int]) -> None:
    shape = (400, 400)
    prompt = prompt_by_strategy(disk(*shape, x=200, y=200, radius=50), Strategy.FIVE_POSITIVE_FIVE_NEGATIVE)
    prompt = prompt.model_copy(update={"box": Box(x0=150, y0=150, x1=251, y1=251)})
    shifted = jittered(prompt, shape, *level, seed=seed)
    pairs = [((a.x, a.y), (b.x, b.y)) for a, b in zip(prompt.points, shifted.points, strict=True)]
    assert prompt.box is not None
    assert shifted.box is not None
    pairs.append(((prompt.box.x0, prompt.box.y0), (shifted.box.x0, shifted.box.y0)))
    for before, after in pairs:
        assert level[0] - 1e-9 <= math.dist(before, after) <= level[1] + 1e-9
    assert shifted.box.x1 - shifted.box.x0 == pytest.approx(101)
    assert shifted.box.y1 - shifted.box.y0 == pytest.approx(101)


@given(seeds, st.sampled_from(SHIFT_LEVELS))
def test_every_side_of_an_enlarged_box_moves_outwards(seed: int, level: tuple[int, int]) -> None:
    prompt = ObjectPrompt(box=Box(x0=150, y0=160, x1=250, y1=200))
    box = jittered(prompt, (400, 400), *level, seed=seed, box_change="enlarge").box
    assert box is not None
    for outwards in (150 - box.x0, 160 - box.y0, box.x1 - 250, box.y1 - 200):
        assert level[0] <= outwards <= level[1]


@pytest.mark.parametrize("box_change", ["move", "enlarge"])
def test_a_shift_of_zero_changes_nothing(box_change: str) -> None:
    points = (Point(x=-0.5, y=3.25, positive=True), Point(x=79.5, y=59.5, positive=False))
    prompt = ObjectPrompt(name="liver", box=Box(x0=-0.5, y0=59.7, x1=80, y1=60), points=points)
    assert jittered(prompt, (60, 80), 0, 0, box_change=box_change) == prompt


def test_a_box_that_would_leave_the_image_keeps_a_pixel_at_the_border() -> None:
    prompt = ObjectPrompt(box=Box(x0=0, y0=0, x1=2, y1=2))
    boxes = [jittered(prompt, (100, 100), 20, 30, seed).box for seed in range(50)]
    assert Box(x0=0, y0=0, x1=1, y1=1) in boxes


def test_the_points_of_a_prompt_do_not_all_shift_alike() -> None:
    prompt = prompt_by_strategy(disk(), Strategy.FIVE_POINTS)
    shifted = jittered(prompt, (60, 80), 0, 10, seed=1)
    moves = {(round(b.x - a.x, 6), round(b.y - a.y, 6)) for a, b in zip(prompt.points, shifted.points, strict=True)}
    assert len(moves) == 5


def test_a_mask_prompt_cannot_be_shifted() -> None:
    with pytest.raises(PromptError, match="cannot be shifted"):
        jittered(ObjectPrompt(mask=encode_mask(disk())), (60, 80), 0, 10)


@pytest.mark.parametrize(("low", "high"), [(-1, 5), (5, 4), (0, math.inf), (math.nan, 5)])
def test_impossible_shifts_are_refused(low: float, high: float) -> None:
    with pytest.raises(PromptError, match="lowest to a highest"):
        jittered(ObjectPrompt(box=Box(x0=1, y0=1, x1=5, y1=5)), (60, 80), low, high)
