"""The simulated person does what benchmarks/effort.md says, and the figures are what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import effort, fit_confidence
from benchmarks.effort_person import GOOD, Person
from benchmarks.effort_strategies import STRATEGIES, Desk, Step, between, oracle, queue
from benchmarks.effort_table import Trajectory, cost, sets_table, table
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.prompts.prompt import ObjectPrompt
from training.evaluation.scores import CachingTracker, Example, as_shipped


def example(slices: int = 7) -> Example:
    """A bright disk of 20 pixels on the middle slices."""
    rows, columns = np.indices((64, 64))
    reference = np.zeros((slices, 64, 64), np.uint8)
    reference[1:-1] = (rows - 30) ** 2 + (columns - 34) ** 2 <= 100
    frames = np.where(reference, 200, 60).astype(np.uint8)
    return Example("phantoms", "disk", "disk", frames, reference, ObjectPrompt(), slices // 2)


@pytest.fixture(scope="module")
def tracker() -> CachingTracker:
    return as_shipped(resolve_model("nano"))


def test_a_box_is_at_most_a_twentieth_off_and_the_same_for_every_strategy() -> None:
    person = Person(example())
    box = person.box(3).box
    assert box is not None
    assert box == Person(example()).box(3).box
    assert box != person.box(2).box
    assert box != Person(example(), seed=1).box(3).box
    found, tight = np.array([box.x0, box.y0, box.x1, box.y1]), np.array([24, 20, 45, 41])
    assert 0 < abs(found - tight).max() <= 0.05 * 21


@pytest.mark.parametrize("number", range(1, 8))
def test_a_click_lies_deep_in_the_largest_wrong_component(number: int) -> None:
    person = Person(example())
    seen = person.example.reference[3].copy()
    seen[:, 34:] = 0  # half of the object is missed
    seen[50:54, 50:54] = 1  # a small excess
    point = person.click(seen, 3, number)
    assert point.positive
    assert person.example.reference[3, round(point.y), round(point.x)]
    assert point.x >= 33.5
    seen = person.example.reference[3].copy()
    seen[44:64, 40:64] = 1
    point = person.click(seen, 3, number)
    assert not point.positive
    assert abs(point.y - 53.5) <= 6
    assert abs(point.x - 51.5) <= 8


def test_a_slice_that_is_good_gets_no_click_and_an_empty_one_can_be_good() -> None:
    person = Person(example())
    assert person.content_with(person.example.reference[3], 3)
    assert person.content_with(np.zeros((64, 64), np.uint8), 0)
    assert not person.content_with(np.zeros((64, 64), np.uint8), 3)
    assert not person.content_with(np.ones((64, 64), np.uint8), 0)


def test_the_oracle_takes_the_slice_with_most_wrong_pixels(tracker: CachingTracker, tmp_path: Path) -> None:
    desk = Desk(tracker, Person(example()), tmp_path)
    desk.masks[:] = desk.person.example.reference
    desk.masks[5], desk.masks[2, 30] = 0, 0
    assert oracle(desk) == 5
    desk.fixed[5] = ObjectPrompt(mask="drawn")
    assert oracle(desk) == 2


def test_the_queue_shows_no_fixed_slice(tracker: CachingTracker, tmp_path: Path) -> None:
    desk = Desk(tracker, Person(example()), tmp_path)
    desk.fixed[3] = desk.person.box(3)
    desk.propagate(None)
    assert desk.computed == 6
    shown = queue(desk)
    assert shown != 3
    desk.click(shown)
    assert queue(desk) not in (3, shown)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_strategy_gives_the_same_steps_again(tracker: CachingTracker, strategy: str) -> None:
    found = [effort.trajectory(tracker, example(), strategy)[0] for _ in range(2)]
    dice = [[step.dice for step in one.steps] for one in found]
    assert dice[0] == dice[1]
    assert 1 <= len(dice[0]) <= 20
    assert all(step.dice < GOOD for step in found[0].steps[:-1])


def test_local_propagation_computes_less(tracker: CachingTracker, tmp_path: Path) -> None:
    computed = {}
    for everywhere in (False, True):
        folder = tmp_path / str(everywhere)
        folder.mkdir()
        desk = Desk(tracker, Person(example(11)), folder)
        desk.fixed = {index: desk.person.box(index) for index in (2, 5, 8)}
        desk.propagate(None)
        before = desk.computed
        desk.redraw(9)
        if everywhere:
            desk.propagate_all()
        else:
            desk.propagate(9)
        computed[everywhere] = desk.computed - before
    assert computed == {False: 1, True: 11 - 4}


def test_between_two_boxes_masks_are_the_mean_of_their_distances() -> None:
    low, high = np.zeros((40, 40), np.uint8), np.zeros((40, 40), np.uint8)
    low[16:24, 16:24], high[8:32, 8:32] = 1, 1
    found = between({1: low, 5: high}, 8)
    assert found.any((1, 2)).tolist() == [False, True, True, True, True, True, False, False]
    np.testing.assert_array_equal(found[1], low)
    np.testing.assert_array_equal(found[5], high)
    np.testing.assert_array_equal(np.flatnonzero(found[3, 20]), np.arange(12, 28))


def steps(*dice: float) -> tuple[Step, ...]:
    return tuple(Step(value, 10, 2, 0.5, untouched=number == 1) for number, value in enumerate(dice))


def test_figures_of_a_trajectory() -> None:
    one = Trajectory("local", "phantoms", "a", 7, steps(0.5, 0.82, 0.91))
    other = Trajectory("local", "phantoms", "b", 7, steps(*[0.3] * 20))
    assert [one.needed(target) for target in (0.8, 0.85, 0.95)] == [2, 3, None]
    assert [one.dice(number) for number in (1, 2, 10)] == [0.5, 0.82, 0.91]
    assert one.mean_dice == pytest.approx((0.5 + 0.82 + 8 * 0.91) / 10)
    assert cost([one, other], 0.85) == 11.5
    line = table([one, other]).splitlines()[-1]
    assert line.startswith("| local | 2 | 11.0 (50 %) | 11.5 (50 %) | 11.5 (50 %) | 0.400 | 0.560 |")
    assert line.endswith("| 115 | 5.8 | 23.0 | 1.0 |")
    assert sets_table([one, other], 0.8).splitlines()[-1] == "| phantoms | 2 | 11.0 |"


@pytest.mark.slow
def test_two_objects_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["effort", "--quick", "--strategy", "one run", "--strategy", "boxes, interpolated"]
    monkeypatch.setattr("sys.argv", [*arguments, "--output", str(tmp_path)])
    effort.main()
    assert "| one run | 2 |" in (tmp_path / "effort.md").read_text()
    kept = (tmp_path / "effort.json").read_text()
    assert '"dice"' in kept
    monkeypatch.setattr(effort, "trajectory", pytest.fail)  # what lies there is not computed again
    effort.main()
    assert (tmp_path / "effort.json").read_text() == kept


def test_the_fit_finds_the_weights_of_a_logistic_model() -> None:
    features = np.random.default_rng(0).normal(size=(4000, 3)) * (1, 5, 0.2)
    target = 1 / (1 + np.exp(-(features @ (1.0, -0.2, 3.0) + 0.5)))
    weights, bias = fit_confidence.fit(features, target)
    assert weights == pytest.approx([1.0, -0.2, 3.0], rel=0.05)
    assert bias == pytest.approx(0.5, rel=0.05)


def test_a_perfect_order_finds_the_worst_tenth() -> None:
    dice = np.linspace(0, 1, 40)
    assert fit_confidence.rank_correlation(dice**2, dice) == pytest.approx(1)
    assert fit_confidence.worst_found(dice, dice) == (1.0, 0.1)
    assert fit_confidence.worst_found(-dice, dice) == (0.0, 0.1)
    assert np.isnan(fit_confidence.rank_correlation(np.ones(40), dice))
