"""The same question gets the same answer at every door: seed, axis, start slice, masks and notices."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batch.studies import quick_options

from doors.questions import Answer, Question, ask, disks, seed_of
from doors.ways_in import DOORS, Door, command_line
from PromptOnceLib.cases import prompt_source
from PromptOnceLib.prompts.from_mask import PromptSelection

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the quick worker is a shell script")

WANDERING = {f"k{k}": 30 + 2 * k for k in range(3, 9)}  # the central slice is 5, its disk at column 40
NEAR = seed_of("near", disks(k5=40))
FAR = seed_of("a far one", disks(k5=62))  # goes before `near` where nothing is compared

QUESTIONS = {
    "a box": Question(disks(**WANDERING)),
    "a box on an image that shows nothing": Question(np.full_like(disks(), 7)),
    "the seed whose frame is most similar": Question(disks(**WANDERING), (FAR, NEAR), "auto"),
    "the one seed there is, of another plane than the main one": Question(
        disks(**WANDERING), (seed_of("coronal", disks(**WANDERING), 30, axis=1),), "auto"
    ),
    "a start on the most similar slice": Question(disks(k2=62, k4=40, k5=20), (NEAR,), "near", "similar"),
    "a start on the most confident slice": Question(disks(k1=40, k2=40), (NEAR,), "near", "confident"),
    "a strategy that draws its points": Question(disks(**WANDERING), strategy="S3"),
    "a strategy without points": Question(disks(**WANDERING), strategy="S5"),
    "auto and a start that is searched for": Question(disks(k5=40, k7=62), (FAR, NEAR), "auto", "confident"),
}
# Seed, axis, slice, and what is said of them.
EXPECTED = {
    "a box": ("", "k", 5, ()),
    "a box on an image that shows nothing": ("", "k", 5, ("shows nothing",)),
    "the seed whose frame is most similar": ("near", "k", 5, ("similarity of the frames",)),
    "the one seed there is, of another plane than the main one": ("coronal", "j", 32, ('"coronal" was taken',)),
    "a start on the most similar slice": ("near", "k", 4, ("Slice 4 is most similar",)),
    "a start on the most confident slice": ("near", "k", 2, ("Slice 2 is the one where",)),
    "a strategy that draws its points": ("", "k", 5, ("centre of mass lies beside it",)),
    "a strategy without points": ("", "k", 5, ()),
    "auto and a start that is searched for": ("near", "k", 5, ('"near" was taken', "Slice 5 is the one where")),
}


@pytest.fixture(scope="module")
def told() -> dict[str, tuple[Answer, list[PromptSelection]]]:
    """What the command line has answered, by question, and the prompts that it has made from the reference."""
    return {}


@pytest.fixture
def selections(monkeypatch: pytest.MonkeyPatch) -> list[PromptSelection]:
    """Prompts that are made from a reference: the quick worker's masks do not show them."""
    made: list[PromptSelection] = []
    select = prompt_source.select_prompt

    def spied(*arguments: Any, **values: Any) -> PromptSelection:
        made.append(select(*arguments, **values))
        return made[-1]

    monkeypatch.setattr(prompt_source, "select_prompt", spied)
    return made


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", list(QUESTIONS))
def test_every_door_answers_as_the_command_line_does(
    name: str,
    door: Door,
    told: dict[str, tuple[Answer, list[PromptSelection]]],
    selections: list[PromptSelection],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    worker = quick_options(tmp_path).python
    assert worker is not None
    asked = ask(QUESTIONS[name], tmp_path, worker)
    if name not in told:
        told[name] = (command_line(asked, monkeypatch, capsys), selections[:])
        selections.clear()
    here = door(asked, monkeypatch, capsys)
    there, expected = told[name]
    assert selections == expected
    assert bool(expected) == bool(asked.question.strategy)
    seed, axis, index, said = EXPECTED[name]
    assert (there.seed, there.axis, there.slice) == (seed, axis, index)
    assert (here.seed, here.axis, here.slice) == (seed, axis, index)
    np.testing.assert_array_equal(here.masks, there.masks)
    assert here.notices == there.notices
    assert all(words in " ".join(here.notices) for words in said)
