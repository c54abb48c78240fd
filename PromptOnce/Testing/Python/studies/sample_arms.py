"""Arms with invented rows that look like those of a real study: good in the middle of a volume, worse at its ends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from PromptOnceLib.studies.rows import ArmRows, SliceRow

GROUPS = ("Coronacases", "Radiopaedia")


def arm(
    name: str = "SAM",
    *,
    method: str = "each-slice",
    strategy: str = "paper",
    loss: float = 0.05,
    groups: Sequence[str] = GROUPS,
    cases: int = 3,
    slices: int = 24,
    start: float = 0.5,
    seed: int = 0,
) -> ArmRows:
    """An arm whose Dice falls short of 1 by about `loss`, by more at the ends; the outermost slices are empty.

    start: relative position of the prompted slice where the method is "propagate".
    """
    rows = []
    for place, group in enumerate(groups):
        for number in range(cases):
            # What is hard about a case is the same in all arms; what an arm makes of it is its own.
            hard = np.random.default_rng([place, number]).gamma(2.0, 0.5, slices)
            own = np.random.default_rng([seed, place, number]).normal(1.0, 0.15, slices)
            rows += _rows(group, f"{group.lower()}_{number + 1:03}", hard * np.abs(own) * loss, method, start)
    return ArmRows(name, "model", method, strategy, tuple(rows), load_seconds=1.5)


def _rows(group: str, case: str, losses: np.ndarray, method: str, start: float) -> list[SliceRow]:
    slices = len(losses)
    prompted = int(start * (slices - 1))
    rows = []
    for index, loss in enumerate(losses):
        position = abs(2 * index / (slices - 1) - 1)
        held = position < 0.95
        dice = float(np.clip(1 - loss * (0.6 + 3 * position**4), 0.02, 0.998))
        rows.append(
            SliceRow(
                group=group,
                case=case,
                slice=index,
                slices=slices,
                reference_pixels=int(20000 * (1.02 - position**2)) if held else 0,
                jaccard=dice / (2 - dice) if held else None,
                dice=dice if held else None,
                hausdorff_mm=60 * (1 - dice) if held else None,
                predicted_iou=dice if held else None,
                embed_seconds=0.4 + 0.01 * position,
                prompt_seconds=0.06 if held else None,
                prompted=held if method == "each-slice" else index == prompted,
            )
        )
    return rows


SAM, SAM2 = arm("SAM"), arm("SAM 2", loss=0.03, seed=1)
