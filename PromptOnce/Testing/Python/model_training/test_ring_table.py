"""The evaluation of rings: all of them, and those that somebody could outline."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")
from PromptOnceLib.prompts.from_mask import prompt_from_mask
from training.evaluation.scores import Example, Score
from training.evaluation.tables import ring_rows, ring_table


def ring(inside: int) -> Example:
    """A bright ring around a hole of a grey of its own."""
    y, x = np.mgrid[:64, :64]
    distance = np.hypot(y - 32, x - 32)
    mask = ((distance < 20) & (distance > 10)).astype(np.uint8)
    frame = np.where(distance < 20, np.where(mask, 200, inside), 50).astype(np.uint8)
    return Example("rings", "one", "ring", frame[None], mask[None], prompt_from_mask(mask).prompt, 0)


def score(example: Example, dice: float) -> Score:
    seen = {"visible": example.visible, "hole_visible": example.hole_visible}
    figures = {"volume_dice": None, "box_volume_dice": None, "left_empty": None, "found": 1.0}
    return Score(
        "rings", "one", "ring", 1, 0, 900, held_out=False, seed_dice=dice, box_seed_dice=0.25, **seen, **figures
    )


def test_rings_whose_hole_nobody_can_see_count_among_all_alone() -> None:
    rows = ring_rows([score(ring(198), 0.5), score(ring(60), 0.9)])

    assert [row["count"] for row in rows] == [2, 1]
    assert [row["seed_dice"] for row in rows] == pytest.approx([0.7, 0.9])
    table = ring_table(rows).splitlines()
    assert len(table) == 4
    assert table[3].split("|")[1:4] == [" hole visible ", " 1 ", " 0.900 "]
