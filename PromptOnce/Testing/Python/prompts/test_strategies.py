"""The strategies of Huang et al.: statements that hold for any mask, and what their published code gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from PromptOnceLib.errors import GeometryError, PromptError
from PromptOnceLib.prompts.from_mask import prompt_from_mask
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt
from PromptOnceLib.prompts.strategies.jitter import SHIFT_LEVELS, jittered
from PromptOnceLib.prompts.strategies.slice_prompts import (
    PROMPTED,
    STRATEGIES,
    best_match,
    generator_for,
    select_prompt,
    slice_prompt,
)

COUNTS = {"S2": (1, 0), "S3": (5, 0), "S4": (5, 5), "S5": (0, 0), "S6": (1, 0)}
BOXES = {"S5", "S6"}

masks = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=16)).filter(np.any)
roomy = hnp.arrays(bool, (6, 7)).map(lambda inner: in_the_middle(inner))
seeds = st.integers(0, 2**32 - 1)
strategies = st.sampled_from(sorted(COUNTS))


def in_the_middle(inner: np.ndarray) -> np.ndarray:
    """A mask of five pixels and more with room for negative points around it."""
    mask = np.pad(inner, 4)
    mask[6, 5:10] = True
    return mask


def disk(rows: int = 60, columns: int = 80, x: float = 30, y: float = 25, radius: float = 10) -> np.ndarray:
    row, column = np.indices((rows, columns))
    return np.hypot(column - x, row - y) <= radius


def made(mask: np.ndarray, strategy: str, seed: int = 0) -> ObjectPrompt:
    return slice_prompt(mask, strategy, rng=np.random.default_rng(seed))


def pixels(prompt: ObjectPrompt, positive: bool) -> list[tuple[int, int]]:
    """(row, column) of the points of one kind."""
    return [(int(point.y), int(point.x)) for point in prompt.points if point.positive == positive]


@given(roomy, strategies, seeds)
def test_there_are_as_many_different_points_as_the_strategy_says_on_the_object_and_beside_it(
    mask: np.ndarray, strategy: str, seed: int
) -> None:
    prompt = made(mask, strategy, seed)
    Prompt(slice=0, objects=(prompt,)).validate_for((1, *mask.shape))
    positive, negative = COUNTS[strategy]
    assert all(mask[pixel] for pixel in pixels(prompt, True))
    assert not any(mask[pixel] for pixel in pixels(prompt, False))
    assert len(set(pixels(prompt, True))) == len(pixels(prompt, True)) == positive
    assert len(set(pixels(prompt, False))) == len(pixels(prompt, False)) == negative
    assert (prompt.box is not None) == (strategy in BOXES)
    assert [point.positive for point in prompt.points] == sorted((p.positive for p in prompt.points), reverse=True)


@given(masks, strategies, seeds)
def test_any_mask_gives_a_prompt_that_can_be_used_or_an_answer_why_not(
    mask: np.ndarray, strategy: str, seed: int
) -> None:
    reason = ""
    try:
        prompt = made(mask, strategy, seed)
    except PromptError as error:
        reason = error.message
    else:
        Prompt(slice=0, objects=(prompt,)).validate_for((1, *mask.shape))
    too_small = mask.sum() < sum(COUNTS[strategy][:1])
    assert ("points are to lie on" in reason) == too_small
    assert ("points are to lie beside" in reason) <= (strategy == "S4")


@given(roomy, st.sampled_from(PROMPTED), seeds)
def test_the_same_random_numbers_give_the_same_prompt(mask: np.ndarray, strategy: str, seed: int) -> None:
    jitter = SHIFT_LEVELS[1]
    first, second = (
        slice_prompt(mask, strategy, rng=np.random.default_rng(seed), jitter=jitter, name="liver") for _ in range(2)
    )
    assert first == second
    assert first.name == "liver"


@given(masks)
def test_the_box_goes_from_the_first_pixel_to_the_last(mask: np.ndarray) -> None:
    rows, columns = np.nonzero(mask)
    box = made(mask, "S5").box
    assert box is not None
    assert (box.x0, box.y0) == (columns.min(), rows.min())
    # A box needs an area.
    assert (box.x1, box.y1) == (max(columns.max(), columns.min() + 1), max(rows.max(), rows.min() + 1))


def published(mask: np.ndarray, count: int = 5) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """What the published code does for a centre of mass on the object, stated pixel by pixel: (row, column) of the
    positive and of the negative points.
    """
    rows, columns = mask.shape
    on = [(r, c) for r in range(rows) for c in range(columns) if mask[r, c]]
    centre = (sum(r for r, _ in on) // len(on), sum(c for _, c in on) // len(on))
    every = len(on) // count
    positive = [centre] + [on[number * every] for number in range(1, count)]
    spans = []
    for values, size in (([r for r, _ in on], rows), ([c for _, c in on], columns)):
        length = max(values) - min(values)
        lower, upper = min(values) - length / 2, min(min(values) + 1.5 * length, size)
        lower = max(lower, 0)
        spans.append(range(int(lower), int(lower) + int(upper - lower)))
    beside = [(r, c) for r in spans[0] for c in spans[1] if not mask[r, c]]
    negative = [beside[number * (len(beside) // count)] for number in range(count)]
    return positive, negative


@pytest.mark.parametrize(
    "mask",
    [
        disk(),
        disk(x=2, y=3),
        disk(x=79, y=58, radius=17),
        disk(radius=24) & disk(x=40),
        disk(41, 43, 20, 20, 4),
        np.pad(np.ones((4, 8), bool), ((1, 9), (2, 1))),
    ],
)
def test_points_are_those_of_the_published_code(mask: np.ndarray) -> None:
    positive, negative = published(mask)
    prompt = made(mask, "S4")
    assert pixels(prompt, True) == positive
    assert pixels(prompt, False) == negative
    assert pixels(made(mask, "S3"), True) == positive
    assert pixels(made(mask, "S2"), True) == pixels(made(mask, "S6"), True) == positive[:1]


def test_the_centre_of_mass_is_truncated() -> None:
    mask = np.zeros((3, 9), dtype=bool)
    mask[1, [0, 1, 2, 3, 4, 5, 7, 8]] = True  # columns: sum 30, mean 3.75
    assert made(mask, "S2").points == (Point(x=3, y=1, positive=True),)


def test_a_sample_on_the_centre_of_mass_leaves_its_place_to_the_next_pixel() -> None:
    # 11 pixels in a row: centre 5, step 2, so samples 2, 4, 6, 8; and 5 pixels: step 1, all of them once.
    assert [column for _, column in pixels(made(np.ones((1, 11), bool), "S3"), True)] == [5, 2, 4, 6, 8]
    assert [column for _, column in pixels(made(np.ones((1, 10), bool), "S3"), True)] == [4, 2, 5, 6, 8]
    assert sorted(pixels(made(np.ones((1, 5), bool), "S3"), True)) == [(0, column) for column in range(5)]


def test_where_the_centre_of_mass_lies_beside_the_object_the_first_point_is_drawn_from_it() -> None:
    ring = disk() & ~disk(radius=6)
    firsts = set()
    for seed in range(40):
        selection = select_prompt(ring, "S3", rng=np.random.default_rng(seed))
        assert all(ring[pixel] for pixel in pixels(selection.prompt, True))
        assert "centre of mass lies beside it" in selection.notices[0]
        firsts.add(pixels(selection.prompt, True)[0])
        # The others do not depend on it.
        assert len(set(pixels(selection.prompt, True)) & set(pixels(made(ring, "S3"), True)[1:])) >= 3
    assert len(firsts) > 20
    assert select_prompt(disk(), "S3", rng=np.random.default_rng(0)).notices == ()


def test_all_labels_are_one_object_but_for_the_papers_own_prompt() -> None:
    labels = np.zeros((20, 30), np.int16)
    labels[5:15, 2:8], labels[5:15, 20:28], labels[0, 0] = 1, 7, -2
    for strategy in COUNTS:
        assert made(labels, strategy) == made(labels > 0, strategy)
    assert made(labels, "paper") == prompt_from_mask(labels).prompt
    assert len(pixels(made(labels, "paper"), True)) == 2


@pytest.mark.parametrize(
    ("mask", "strategy", "sentence"),
    [
        (np.eye(4, dtype=bool), "S3", "5 points are to lie on the object, which has 4 pixels"),
        (np.ones((6, 7), bool), "S4", "5 points are to lie beside the object, .* holds 0 pixels"),
        (disk(), "S1", r"S1 segments everything .* has no prompt. Choose one of paper, S2, S3, S4, S5, S6\."),
        (disk(), "S7", "S7 is no prompt strategy. Choose one of"),
        (np.zeros((4, 5), bool), "S5", "empty on this slice"),
        (np.zeros((2, 4, 5), bool), "S5", "one slice"),
        (np.ones((4, 5)), "S2", "whole-number labels"),
    ],
)
def test_what_gives_no_prompt_is_said(mask: np.ndarray, strategy: str, sentence: str) -> None:
    with pytest.raises(PromptError, match=sentence):
        made(mask, strategy)


def test_a_prompt_is_shifted_where_a_range_is_given() -> None:
    rng = np.random.default_rng(4)
    whole = made(disk(), "S6")
    assert slice_prompt(disk(), "S6", rng=np.random.default_rng(4), jitter=(10, 20)) == jittered(
        whole, (60, 80), 10, 20, rng
    )
    enlarged = slice_prompt(disk(), "S5", rng=np.random.default_rng(4), jitter=(2, 3), box_change="enlarge").box
    assert enlarged is not None
    assert whole.box is not None
    assert 2 <= whole.box.x0 - enlarged.x0 <= 3
    assert 2 <= enlarged.x1 - whole.box.x1 <= 3


def test_random_numbers_come_from_what_they_are_for() -> None:
    def number(*parts: str | int | bytes) -> int:
        return int(generator_for(*parts).integers(2**40))

    assert number("case 1", 17) == number("case 1", 17)
    others = [("case 1", 1, 7), ("case 11", 7), ("case 2", 17), ("case 1", "17"), (b"case 1", 17)]
    assert len({number("case 1", 17), *(number(*parts) for parts in others)}) == 6
    # In every version, on every platform: a run that goes on finds its prompts again.
    assert int(generator_for("a case", 3).integers(1000)) == 437


def test_everything_modes_best_mask_is_the_one_with_the_highest_dice() -> None:
    reference = disk()
    guesses = np.stack([disk(radius=4), ~reference, disk(radius=11), disk(x=31), disk(radius=4)])
    overlaps = [2 * (guess & reference).sum() / (guess.sum() + reference.sum()) for guess in guesses]
    index, score = best_match(guesses.astype(np.uint8), reference)
    assert index == int(np.argmax(overlaps))
    assert score == pytest.approx(max(overlaps))
    assert best_match(guesses[[0, 4]], reference)[0] == 0
    assert best_match(guesses[:0], reference) == (None, 0.0)
    assert best_match(np.zeros_like(guesses), reference) == (0, 0.0)


def test_nothing_is_matched_with_an_empty_or_another_slice() -> None:
    with pytest.raises(PromptError, match="empty on this slice"):
        best_match(disk()[None], np.zeros((60, 80), bool))
    with pytest.raises(GeometryError):
        best_match(disk()[None, :-1], disk())


def test_there_are_the_papers_strategy_and_six_of_which_one_has_no_prompt() -> None:
    assert STRATEGIES == ("paper", "S1", "S2", "S3", "S4", "S5", "S6")
    assert set(STRATEGIES) - set(PROMPTED) == {"S1"}
    assert isinstance(made(disk(), "S5").box, Box)
