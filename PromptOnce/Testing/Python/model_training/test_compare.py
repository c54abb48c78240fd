"""Ways from marks to a volume, compared on the same objects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from PromptOnceLib.engine.rules.memory_rules import MemoryRules
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.prompts.from_mask import prompt_from_mask

pytest.importorskip("scipy")
from training.compare import Figures, compared, table
from training.evaluation.scores import Example, as_shipped, embedded
from training.evaluation.ways import WAYS, marks

SLICES, SEED = 9, 4


@pytest.fixture(scope="module")
def example() -> Example:
    """A small bright disk on slices 1 to 7."""
    y, x = np.mgrid[:128, :128]
    reference = np.zeros((SLICES, 128, 128), np.uint8)
    reference[1:8, np.hypot(x - 40, y - 50) < 9] = 1
    noise = np.random.default_rng(0).normal(60, 6, reference.shape)
    frames = np.clip(noise + 130 * reference, 0, 255).astype(np.uint8)
    return Example("disks", "disk", "disk", frames, reference, prompt_from_mask(reference[SEED]).prompt, SEED)


@pytest.mark.slow
def test_every_way_finds_a_disk(example: Example) -> None:
    tracker = as_shipped(resolve_model("nano"))
    figures = list(compared(tracker, example, list(WAYS)))
    assert [one.way for one in figures] == list(WAYS)
    assert all(one.volume_dice is not None and one.volume_dice > 0.7 for one in figures)
    rows = table(figures, list(WAYS)).splitlines()
    assert len(rows) == 2 + len(WAYS)


def test_what_is_measured_is_the_model_as_it_ships() -> None:
    nano = resolve_model("nano")
    assert as_shipped(nano).rules == MemoryRules(agreed_mask=True)
    assert embedded(nano.checkpoint).memory == nano.memory


def test_boxes_lie_evenly_from_end_to_end_with_the_prompt_among_them(example: Example) -> None:
    assert marks(example, 1).indices == (4,)
    assert marks(example, 3).indices == (1, 4, 7)
    assert marks(example, 5).indices == (1, 2, 4, 6, 7) or marks(example, 5).indices == (1, 3, 4, 5, 7)
    assert marks(replace(example, seed=3), 3).indices == (1, 3, 7)
    assert marks(example, 3).slices[1].points == example.prompt.points
    assert not marks(example, 3).slices[0].points


def test_means_are_over_data_sets_and_gains_are_counted() -> None:
    def one(group: str, name: str, way: str, dice: float) -> Figures:
        return Figures(group, name, way, dice, dice, 1.0)

    before = [one("a", "1", "x", 0.5), one("a", "2", "x", 0.5), one("b", "3", "x", 0.9)]
    after = [one("a", "1", "y", 0.7), one("a", "2", "y", 0.3), one("b", "3", "y", 0.91)]
    assert table([*before, *after], ["x", "y"]).splitlines()[2:] == [
        "| x | 0.700 | 0.700 | 0, 0 | 3 |",
        "| y | 0.705 | 0.705 | 1, 1 | 3 |",
    ]
