"""Marks on wrong slices: the worst ones are corrected, in every way by the same person, until they are good."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import wrong_slices
from benchmarks.effort_person import GOOD, Person
from benchmarks.effort_strategies import Desk
from benchmarks.wrong_slices import WAYS, measured, table, worst_slices
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.prompts.prompt import ObjectPrompt
from training.evaluation.scores import CachingTracker, Example, as_shipped


def example() -> Example:
    """A bright disk of 20 pixels on five of seven slices, on one of them half hidden."""
    rows, columns = np.indices((64, 64))
    reference = np.zeros((7, 64, 64), np.uint8)
    reference[1:-1] = (rows - 30) ** 2 + (columns - 34) ** 2 <= 100
    frames = np.where(reference, 200, 60).astype(np.uint8)
    frames[4, :, 34:] = 60
    return Example("phantoms", "disk", "disk", frames, reference, ObjectPrompt(), 2)


@pytest.fixture(scope="module")
def tracker() -> CachingTracker:
    return as_shipped(resolve_model("nano"))


def test_the_worst_slices_hold_the_object_and_are_not_the_prompted_one(tracker, tmp_path: Path) -> None:
    desk = Desk(tracker, Person(example()), tmp_path)
    desk.fixed[2] = desk.person.box(2)
    desk.masks[:] = desk.person.example.reference
    desk.masks[0] = 1  # wrong, but the object is not there
    desk.masks[2] = 0  # prompted
    desk.masks[3, 30:] = 0
    desk.masks[4] = 0

    assert worst_slices(desk) == [4, 3]


def test_all_ways_begin_with_the_same_mask_and_marks_make_it_better(tracker) -> None:
    slices = list(measured(tracker, example()))

    assert slices
    for found in slices:
        assert found.keys() == WAYS.keys()
        before = {dices[0] for dices in found.values()}
        assert len(before) == 1
        assert before.pop() < GOOD
        assert all(len(dices) == 4 for dices in found.values())
        assert max(max(dices) for dices in found.values()) > min(dices[0] for dices in found.values())


def test_nobody_marks_a_slice_that_is_good(tracker, tmp_path: Path) -> None:
    desk = Desk(tracker, Person(example()), tmp_path)
    seen = [np.zeros((64, 64), np.uint8), desk.person.example.reference[3], np.ones((64, 64), np.uint8)]

    found = wrong_slices._dices(desk, 3, lambda desk, index: iter(seen))

    assert found == [0, 0, 1, 1]


def test_a_table_has_means_and_how_many_slices_got_good_or_worse() -> None:
    one = {name: [0.5, 0.7, 0.9, 0.9] for name in WAYS}
    other = {name: [0.5, 0.6, 0.4, 0.2] for name in WAYS}

    text = table([one, other])

    assert text.splitlines()[2].endswith("| 0.500 | 0.650 | 0.650 | 0.550 | 0.750 | 50 % | 50 % |")
    assert text.endswith("\n2 slices")
